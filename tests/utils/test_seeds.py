"""Random numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from ablate.utils.seeds import (
    DROPOUT,
    INITIALISATION,
    ORDER,
    REGULARIZER,
    SPLIT,
    Draws,
    derive,
    generator,
    numpy_generator,
)


def test_lanes_are_uniform_over_their_range():
    lanes = Draws([generator(1, DROPOUT, 1)], "cpu").lanes(400_000).double()
    assert lanes.min() < -32_700 and lanes.max() > 32_700
    counts = torch.histc(lanes, 64, -32_768, 32_768)
    chi2 = ((counts - counts.mean()) ** 2 / counts.mean()).sum().item()
    assert chi2 < 63 + 5 * math.sqrt(2 * 63)


def test_a_runs_numbers_are_its_own_whatever_runs_stand_beside_it():
    def draws(*seeds: int) -> list[torch.Tensor]:
        given = Draws([generator(seed, REGULARIZER, 1) for seed in seeds], "cpu")
        return [given.uniform(5, 3), given.normal(4), given.permutations(6), given.lanes(7), given.uniform()]

    for alone, together in zip(draws(3), draws(2, 3, 4), strict=True):
        assert torch.equal(alone[0], together[1]) and len(together) == 3
        assert not torch.equal(together[0], together[1])


@pytest.mark.parametrize("purpose", [SPLIT, INITIALISATION, ORDER, DROPOUT, REGULARIZER])
def test_every_purpose_epoch_and_layer_has_the_stream_that_numpy_derives_for_it(purpose):
    for where in ((), (7,), (7, 2)):
        sequence = np.random.SeedSequence(3, spawn_key=(purpose, *where))
        assert derive(3, purpose, *where) == sequence.generate_state(1, np.uint64)[0] > 2**32
    assert numpy_generator(3, purpose).random() == np.random.default_rng(derive(3, purpose)).random()
    assert generator(3, purpose, 7).initial_seed() == derive(3, purpose, 7, 0)
    assert generator(3, purpose, 7, 2).initial_seed() == derive(3, purpose, 7, 2)


def test_no_two_streams_are_the_same():
    where = [(), (1, 0), (1, 1), (2, 0)]
    streams = [derive(seed, purpose, *at) for seed in (0, 1) for purpose in range(5) for at in where]
    assert len(set(streams)) == len(streams)


def test_numbers_are_drawn_where_they_are_needed_whatever_torchs_default_device_is():
    given = Draws([generator(1, REGULARIZER, 1)], "cpu")
    with torch.device("meta"):
        drawn = [given.uniform(2), given.normal(2), given.permutations(2), given.lanes(2)]
    assert {tensor.device.type for tensor in drawn} == {"cpu"}


def test_numbers_are_distributed_as_they_say():
    given = Draws([generator(1, REGULARIZER, 1)] * 2, "cpu")
    uniform, normal, permutations = given.uniform(50_000), given.normal(50_000), given.permutations(100)
    assert uniform.min() >= 0 and uniform.max() < 1 and uniform.mean().item() == pytest.approx(0.5, abs=0.01)
    assert normal.mean().item() == pytest.approx(0, abs=0.02) and normal.std().item() == pytest.approx(1, abs=0.02)
    assert permutations.sort(1).values.tolist() == [list(range(100))] * 2
