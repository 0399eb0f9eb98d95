"""What a config is warned of."""

from __future__ import annotations

from ablate.config.advice import advice


def test_rules_of_thumb_warn_above_30_percent_dropout(configured):
    assert advice(configured("model.dropout=0.3")) == []
    assert "above 0.3" in advice(configured("model.dropout=0.31"))[0]
