"""What TensorBoard is shown of a run, read back with TensorBoard's own reader."""

from __future__ import annotations

import io
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.plugins.custom_scalar.layout_pb2 import Layout
from tensorboard.plugins.hparams import metadata
from tensorboard.plugins.hparams.api_pb2 import Status

from ablate.cli.main import main
from ablate.execution.runs import run_all
from ablate.records.job import Job
from ablate.tensorboard.hparams import group
from ablate.tensorboard.run import RunWriter
from ablate.training.engine import train
from helpers import shown, text

SHORT = ("trainer.epochs=2", "model.hidden=[8]", "logging.histograms=1")


@pytest.fixture
def logged(configured, tmp_path) -> Callable[..., EventAccumulator]:
    """logged("seed=1"): what TensorBoard reads of a run that was trained so."""

    def run(*overrides: str, command: str = "") -> EventAccumulator:
        for _ in run_all([Job(configured(*SHORT, *overrides), tmp_path / "run", command)]):
            pass
        return shown(tmp_path / "run")

    return run


def test_curves_have_the_gap_between_training_and_validation(logged):
    events = logged()
    last = {tag: events.Scalars(tag)[-1].value for tag in events.Tags()["scalars"]}
    assert last["gap/loss"] == pytest.approx(last["loss/val"] - last["loss/train"], abs=1e-6)
    assert last["gap/accuracy"] == pytest.approx(last["accuracy/train"] - last["accuracy/val"], abs=1e-6)


def test_the_figures_of_the_weights_that_are_kept_stand_beside_the_last(logged, tmp_path):
    events = logged("early_stopping=patience", "early_stopping.patience=1", "optimizer.lr=0.3", "trainer.epochs=9")
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result["best_epoch"] < result["epochs"]
    (kept,) = events.Scalars("kept/loss/val")
    assert kept.value == pytest.approx(result["metrics"]["loss/val"])
    assert events.Scalars("loss/val")[-1].value == pytest.approx(result["last"]["loss/val"])


def test_kernels_and_their_gradients_have_histograms(logged):
    events = logged()
    assert {"weights/hidden1.weight", "gradients/hidden1.weight"} <= set(events.Tags()["histograms"])
    last = events.Histograms("gradients/output.weight")[-1].histogram_value
    assert last.num == sum(last.bucket) == 80
    assert last.sum_squares**0.5 == pytest.approx(events.Scalars("gradients/output")[-1].value, rel=1e-5)


def test_every_chart_of_the_layout_has_curves(logged):
    events = logged("regularizer=l1")
    layout = Layout.FromString(events.Tensors("custom_scalars__config__")[0].tensor_proto.string_val[0])
    titles = [category.title for category in layout.category]
    assert titles == ["training against validation", "gap", "penalty", "sparsity", "gradients"]
    for chart in (chart for category in layout.category for chart in category.chart):
        (pattern,) = chart.multiline.tag
        assert [tag for tag in events.Tags()["scalars"] if re.match(pattern, tag)], chart.title


def hparams(events: EventAccumulator, which: str):
    content = events.SummaryMetadata(f"_hparams_/session_{which}_info").plugin_data.content
    return getattr(metadata, f"parse_session_{which}_info_plugin_data")(content)


def test_a_runs_row_in_hparams_is_its_keys_in_its_own_folder(logged, configured):
    start = hparams(logged("regularizer=l1", "model.dropout=0.2", "seed=3"), "start")
    found = {name: getattr(value, value.WhichOneof("kind")) for name, value in start.hparams.items()}
    assert (found["regularizer.l1"], found["model.dropout"], found["seed"]) == (3e-4, 0.2, 3)
    assert (found["regularizer.l2"], found["dataset"], found["model.hidden"]) == (0, "digits", "[8]")
    assert found["early_stopping.patience"] == "none"
    assert not {"device", "stack.size", "regularizer.dropout", "early_stopping.min_delta"} & set(found)


def test_runs_that_differ_in_their_seed_alone_are_one_group(configured):
    others = ([], ["seed=1"], ["device=cpu"], ["trainer.epochs=3"], ["model=lenet"])
    groups = [group(Job(configured(*more), Path())) for more in others]
    assert groups[0] == groups[1] == groups[2] and len(set(groups)) == 3
    assert all(group.startswith("none · ") for group in groups)


@pytest.mark.parametrize(
    ("overrides", "status"),
    [((), "STATUS_SUCCESS"), (("optimizer=sgd", "optimizer.lr=1e9", "regularizer=l2"), "STATUS_FAILURE")],
)
def test_hparams_marks_what_failed(logged, overrides, status):
    events = logged(*overrides)
    assert hparams(events, "end").status == Status.Value(status)
    assert ("error/text_summary" in events.Tags()["tensors"]) == (status == "STATUS_FAILURE")


def test_a_run_that_raised_is_marked_too(logged, monkeypatch):
    from ablate.training.stack import Stack

    def breaks(self, epoch):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(Stack, "train_epoch", breaks)
    events = logged("seed=3")
    assert (
        hparams(events, "end").status == Status.Value("STATUS_FAILURE")
        and hparams(events, "start").hparams["seed"].number_value == 3
    )
    assert text(events, "error") == "RuntimeError: out of memory"


def test_config_and_command_are_there_as_text(logged):
    events = logged("regularizer=l1", command="python -m ablate regularizer=l1")
    assert '"l1": 0.0003' in text(events, "config")
    assert "python -m ablate regularizer=l1\n" in text(events, "command")


@pytest.mark.slow
def test_the_command_of_a_run_in_a_sweep_does_that_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine/regularizer").mkdir(parents=True)
    Path("mine/regularizer/own.yaml").write_text("l1: 0.01\n")
    sweep = ["-m", "--config-dir=mine", "regularizer=none,own", "model.hidden=[4]", "trainer.epochs=1"]
    assert main([*sweep, "hydra.sweep.dir=sweep"]) == 0
    events = shown(Path("sweep/l1=0.01,model.hidden=[4],trainer.epochs=1/seed=0"))
    alone, together = re.findall(r"python -m ablate (.*)", text(events, "command"))
    assert shlex.split(together) == [*sweep, "hydra.sweep.dir=sweep"]
    assert main([*shlex.split(alone), "hydra.run.dir=alone"]) == 0
    ids = [json.loads(path.read_text())["run_id"] for path in Path().rglob("result.json")]
    assert len(ids) == 3 and len(set(ids)) == 2


def test_mistakes_are_pictures(logged, tmp_path):
    events = logged()
    tags = events.Tags()["images"]
    assert set(tags) == {"mistakes/confusion_matrix", "mistakes/worst"}
    for tag in tags:
        (picture,) = events.Images(tag)
        opened = Image.open(io.BytesIO(picture.encoded_image_string))
        assert opened.size == (picture.width, picture.height)


def test_a_table_has_no_pictures_of_its_samples(logged):
    assert logged("dataset=noise").Tags()["images"] == ["mistakes/confusion_matrix"]


def test_the_models_graph_is_drawn(logged):
    graph = GraphDef.FromString(logged().Graph().SerializeToString())
    assert [node.op for node in graph.node] == [
        "input", "Flatten", "Dropout", "Linear", "ReLU", "Dropout", "Linear", "output",
    ]  # fmt: skip


def test_logging_can_be_had_in_parts(logged):
    tags = logged("logging.images=false", "logging.graph=false", "logging.histograms=0").Tags()
    assert tags["images"] == tags["histograms"] == [] and not tags["graph"]
    assert "loss/val" in tags["scalars"]


def test_a_run_that_goes_on_is_introduced_once_and_pictures_are_made_for_tensorboard_only(configured, tmp_path):
    for _ in range(2):
        opened = RunWriter(Job(configured(), tmp_path))
        opened.close()
    files = [len(shown(path).Tags()["tensors"]) for path in sorted(tmp_path.glob("events*"))]
    assert sorted(files) == [0, 4]  # command, config, HParams, charts
    configs = [configured(*SHORT, f"logging.tensorboard={on}") for on in ("true", "false")]
    ends = [rows[0].ending for config in configs for rows in train([config])]
    assert [end.logits is not None for end in ends if end] == [True, False]
