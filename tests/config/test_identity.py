"""Who a run is."""

from __future__ import annotations

from ablate.config.identity import run_id


def test_a_regularizer_that_is_new_leaves_the_runs_of_before_what_they_were(configured):
    now = configured("regularizer=l1").model_dump(mode="json")
    before = {**now, "regularizer": {key: now["regularizer"][key] for key in ("l1", "l2", "dropout", "layers")}}
    assert before != now and run_id(before, "data", "cpu") == run_id(now, "data", "cpu")
    stronger = {**now, "regularizer": now["regularizer"] | {"l1_proximal": 0.1}}
    assert run_id(stronger, "data", "cpu") != run_id(now, "data", "cpu")
