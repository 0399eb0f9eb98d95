"""What TensorBoard is shown of a comparison."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from ablate.cli.compare import compare
from ablate.cli.main import main
from ablate.records.results import history
from helpers import shown, text


@pytest.fixture(scope="module")
def sweep(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sweep")
    words = ["regularizer=none,l1", "model.dropout=0,0.2", "seed=0,1", "trainer.epochs=3", "model.hidden=[8]"]
    assert main(["-m", *words, f"hydra.sweep.dir={folder}"]) == 0
    return folder


def test_the_table_is_text_and_its_plots_are_images(sweep):
    events = shown(sweep / "comparison")
    assert text(events, "comparison") == (sweep / "comparison.md").read_text()
    tags = events.Tags()["images"]
    assert "comparison/differences from none" in tags and len(tags) >= 2
    for tag in tags:
        picture = Image.open(io.BytesIO(events.Images(tag)[0].encoded_image_string)).convert("RGB")
        assert picture.getpixel((0, 0)) == (255, 255, 255)  # readable on a dark page too
        assert len(picture.getcolors(1 << 24)) > 20


def test_every_arm_has_the_means_of_its_runs(sweep):
    arms = {path.parent.name for path in sweep.glob("*/seed=0")}
    assert {path.name for path in (sweep / "comparison").iterdir() if path.is_dir()} == arms and len(arms) == 4
    both = "l1=3e-4,dropout=0.2,trainer.epochs=3,model.hidden=[8]"
    events = shown(sweep / "comparison" / both)
    runs = [history(sweep / both / f"seed={seed}") for seed in (0, 1)]
    mean = pd.concat(runs).groupby(level=0).mean()
    assert len(runs) == 2 and [e.step for e in events.Scalars("loss/val")] == [1, 2, 3]
    for tag in ("loss/val", "weights/near_zeros", "gradients/hidden1"):
        assert [e.value for e in events.Scalars(tag)] == pytest.approx(mean[tag].tolist(), rel=1e-6)
    assert events.Scalars("gap/loss")[-1].value == pytest.approx(mean["loss/val"][3] - mean["loss/train"][3], abs=1e-6)


def test_a_table_made_again_takes_the_place_of_the_last(sweep):
    before = set((sweep / "comparison").rglob("events*"))
    assert compare([sweep]) == 0
    after = set((sweep / "comparison").rglob("events*"))
    assert len(after) == len(before) and not after & before


def test_runs_without_tensorboard_have_none_of_it(tmp_path):
    words = ["seed=0,1", "trainer.epochs=1", "logging.tensorboard=false", f"hydra.sweep.dir={tmp_path}"]
    assert main(["-m", *words]) == 0
    assert not (tmp_path / "comparison").exists() and not list(tmp_path.rglob("events*"))


@pytest.mark.slow
def test_a_study_of_that_name_keeps_its_files(tmp_path):
    for name in ("comparison", "other"):
        words = ["seed=0,1", "trainer.epochs=1", "model.hidden=[4]", f"hydra.sweep.dir={tmp_path / name}"]
        assert main(["-m", *words]) == 0
    runs = {path for path in tmp_path.rglob("events*") if "seed=" in path.parent.name}
    for _ in range(2):
        assert compare([tmp_path]) == 0
        assert len(runs) == 4 and all(path.exists() for path in runs)
