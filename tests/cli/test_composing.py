"""Jobs are composed as Hydra would, each is checked once, and little of it is kept."""

from __future__ import annotations

import gc
import weakref

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import OmegaConf

from ablate.cli.composing import KEPT, Composer
from ablate.config import registration

JOBS = [
    ["regularizer=l1", "seed=3"],
    ["regularizer=l1", "regularizer.l1=0.5", "seed=4"],
    ["seed=4", "regularizer=dropout", "model.hidden=[8,8]", "model.dropout=0.1"],
    ["experiment=notes_l2", "trainer.epochs=3"],
    ["dataset=noise", "dataset.size=50", "+extra=1"],
    ["early_stopping=patience", "early_stopping.patience=null", "hydra.job.chdir=true"],
    ["seed=2", "hydra.sweep.subdir=elsewhere/2", "hydra.job.name=other", "hydra.sweep.dir=there"],
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


def test_a_job_is_checked_once_and_its_config_isnt_kept(composer):
    seen = []
    composer.checks = lambda config: seen.append(config) or "found"
    checked = composer.check(JOBS[0])
    assert composer.check(JOBS[0]) is composer.take(JOBS[0], 7) is checked
    assert (checked.found, checked.typed, checked.subdir) == ("found", JOBS[0], "./l1=3e-4/seed=3")
    config = weakref.ref(seen.pop())
    gc.collect()
    assert config() is None
    composer.take(JOBS[0], 7)  # which was not checked for this launch
    assert seen[0].hydra.job.num == 7


@pytest.mark.parametrize("keys", [["seed={}"], ["seed=0", "regularizer.l1=1e-{}"], ["hydra.sweep.subdir={}"]])
def test_what_is_kept_doesnt_grow_with_the_jobs(composer, keys):
    for i in range(2 * KEPT):
        composer.compose([key.format(i) for key in keys])
    assert composer._parsed.cache_info().currsize <= KEPT
    assert composer._chosen.cache_info().currsize == 1


@pytest.mark.parametrize("job", [["regularizer=nope"], ["regularizer.nope=1"], ["seed=[1"], ["+seed=3"]])
def test_errors_are_hydras(composer, job):
    with pytest.raises(Exception) as ours:
        composer.compose(job)
    with pytest.raises(Exception) as hydras:
        composer.loader.load_sweep_config(composer.master, job)
    assert type(ours.value) is type(hydras.value) and str(ours.value) == str(hydras.value)
