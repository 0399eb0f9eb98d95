"""Jobs are composed as Hydra would, and each is checked once."""

from __future__ import annotations

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import OmegaConf

from ablate.cli.composing import Composer
from ablate.config import registration

JOBS = [
    ["regularizer=l1", "seed=3"],
    ["regularizer=l1", "regularizer.l1=0.5", "seed=4"],
    ["seed=4", "regularizer=dropout", "model.hidden=[8,8]", "model.dropout=0.1"],
    ["experiment=notes_l2", "trainer.epochs=3"],
    ["dataset=noise", "dataset.samples=50", "+extra=1"],
    ["early_stopping=patience", "early_stopping.patience=null", "hydra.job.chdir=true"],
    [],
]


@pytest.fixture
def composer():
    with initialize_config_dir(str(registration.folder().resolve()), version_base="1.3", job_name="ablate"):
        loader = GlobalHydra.instance().config_loader()
        master = loader.load_configuration("config", ["seed=1,2"], run_mode=RunMode.MULTIRUN)
        yield Composer(loader, master, lambda config: None)


@pytest.mark.parametrize("job", JOBS)
def test_a_job_is_composed_as_hydra_would(composer, job):
    def plain(composed):
        return OmegaConf.to_container(composed, resolve=False)

    for _ in range(2):  # the second from what is kept
        assert plain(composer.compose(job)) == plain(composer.loader.load_sweep_config(composer.master, job))


def test_a_job_is_checked_once(composer):
    seen = []
    composer.checks = seen.append
    composer.check(JOBS[0])
    taken, _ = composer.take(JOBS[0])
    assert len(seen) == 1 and taken is seen[0]
    again, _ = composer.take(JOBS[0])  # the caller may have changed the first
    assert len(seen) == 2 and again is seen[1] is not taken


@pytest.mark.parametrize("job", [["regularizer=nope"], ["regularizer.nope=1"], ["seed=[1"], ["+seed=3"]])
def test_errors_are_hydras(composer, job):
    with pytest.raises(Exception) as ours:
        composer.compose(job)
    with pytest.raises(Exception) as hydras:
        composer.loader.load_sweep_config(composer.master, job)
    assert type(ours.value) is type(hydras.value) and str(ours.value) == str(hydras.value)
