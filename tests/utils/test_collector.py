"""The garbage collector's settings, which are the process's."""

from __future__ import annotations

import gc

import pytest

from ablate.utils import collector


@pytest.fixture(autouse=True)
def _put_back():
    yield
    gc.unfreeze()


def test_thresholds_and_frozen_objects_are_put_back():
    before = gc.get_threshold()
    with collector.seldom():
        collector.settle()
        assert gc.get_threshold()[0] == collector.SELDOM and gc.get_freeze_count() > 0
        with collector.seldom():  # one command within another
            collector.settle()
        assert gc.get_freeze_count() > 0
    assert gc.get_threshold() == before and gc.get_freeze_count() == 0


def test_what_others_have_frozen_stays_frozen():
    gc.freeze()
    before = gc.get_freeze_count()
    with collector.seldom():
        kept = [[] for _ in range(10_000)]  # that can be collected again
        collector.settle()
    assert abs(gc.get_freeze_count() - before) < len(kept)
