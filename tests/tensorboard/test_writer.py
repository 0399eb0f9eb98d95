"""Our SummaryWriter: its files are read back with TensorBoard's own readers."""

from __future__ import annotations

import importlib.util
import io
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.node_def_pb2 import NodeDef
from tensorboard.compat.tensorflow_stub.errors import OutOfRangeError
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import PyRecordReader_New
from tensorboard.plugins.custom_scalar.layout_pb2 import Layout
from tensorboard.plugins.hparams import metadata
from tensorboard.plugins.hparams.api_pb2 import Status
from tensorboard.summary.writer import event_file_writer
from torch.utils.tensorboard import FileWriter, SummaryWriter
from torch.utils.tensorboard import writer as torch_writer

from ablate.tensorboard import scalars, writer
from ablate.tensorboard.writer import Writer


def events(folder: Path) -> list[Event]:
    """The events of a folder's files, as TensorBoard's record reader has them, which checks every checksum."""
    found = []
    for path in sorted(folder.glob("events*")):
        reader = PyRecordReader_New(str(path))
        while True:
            try:
                reader.GetNext()
            except OutOfRangeError as end:
                assert "No more events" in str(end)  # not "Truncated"
                break
            found.append(Event.FromString(reader.record()))
    return found


def shown(folder: Path) -> EventAccumulator:
    accumulator = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0, "histograms": 0})
    accumulator.Reload()
    return accumulator


def pixels(folder: Path, tag: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(shown(folder).Images(tag)[0].encoded_image_string)))


def everything(opened: SummaryWriter) -> None:
    """What code that gets a SummaryWriter may do with it, where it stays in one file."""
    draw = np.random.default_rng(0)
    opened.add_scalar("a/scalar", 0.25, 3)
    opened.add_scalar("a/new", 0.5, 3, new_style=True)
    opened.add_histogram("histogram", draw.normal(size=100), 3)
    opened.add_histogram_raw("raw", 0.0, 1.0, 3, 2.0, 2.0, [0.5, 1.0], [1, 2], 3)
    opened.add_text("text", "*Käse*", 3)
    opened.add_image("image", draw.random((3, 4, 5)), 3)
    opened.add_pr_curve("curve", draw.integers(0, 2, 9), draw.random(9), 3)
    opened.add_custom_scalars(scalars.LAYOUT)
    figure = Figure((1, 1))
    figure.subplots().plot([1, 2])
    opened.add_figure("figure", figure, 3)
    opened.flush()


def test_everything_that_a_summary_writer_writes_is_the_same(tmp_path):
    for kind in (SummaryWriter, Writer):
        with kind(tmp_path / kind.__name__) as opened:
            everything(opened)
        opened.close()  # a second time
        assert opened.get_logdir() == tmp_path / kind.__name__
    theirs, ours = (
        [(e.step, e.summary.SerializeToString()) for e in events(tmp_path / kind.__name__) if e.HasField("summary")]
        for kind in (SummaryWriter, Writer)
    )
    assert len(ours) == 9 and ours == theirs


def test_what_makes_folders_makes_them_as_a_summary_writer_does(tmp_path):
    for kind in (SummaryWriter, Writer):
        with kind(tmp_path / kind.__name__) as opened:
            opened.add_scalars("both", {"a": 1.0, "b": 2.0}, 1)
            opened.add_hparams({"lr": 0.1, "on": True}, {"hparam/loss": 0.5}, run_name="row")
    folders = [sorted(path.name for path in (tmp_path / kind).glob("*/")) for kind in ("SummaryWriter", "Writer")]
    assert folders[0] == folders[1] == ["both_a", "both_b", "row"]
    assert shown(tmp_path / "Writer" / "both_b").Scalars("both")[0].value == 2


def test_what_is_added_is_in_the_file_once_it_is_flushed_and_there_is_no_thread(tmp_path):
    threads = threading.active_count()
    opened = Writer(tmp_path)
    path = Path(opened.file.name)
    sizes = []
    for step in (1, 2, 3):
        opened.add_metrics({"loss/val": step / 4, "loss/train": 0.0}, step)
        opened.flush()
        sizes.append(path.stat().st_size)
        assert opened.file.tell() == sizes[-1] == os.fstat(opened.file.fileno()).st_size
    assert threading.active_count() == threads
    opened.close()
    assert path.stat().st_size == sizes[-1]
    os.truncate(path, sizes[1])  # as a checkpoint has it
    assert [(e.step, e.value) for e in shown(tmp_path).Scalars("loss/val")] == [(1, 0.25), (2, 0.5)]


def test_the_scalars_of_a_step_are_one_event(tmp_path):
    with Writer(tmp_path) as opened:
        opened.add_metrics({"a": 1.0, "b": float("nan"), "c": 1e300}, 7)
    begin, event = events(tmp_path)
    assert begin.file_version == "brain.Event:2" and begin.wall_time > 1e9
    assert event.step == 7 and event.wall_time >= begin.wall_time
    assert [(v.tag, repr(v.simple_value)) for v in event.summary.value] == [("a", "1.0"), ("b", "nan"), ("c", "inf")]


def test_threads_do_not_mix_their_records(tmp_path):
    def add(name: str) -> None:
        for step in range(200):
            opened.add_text(name, name * 50, step)

    with Writer(tmp_path) as opened:
        threads = [threading.Thread(target=add, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(events(tmp_path)) == 1 + 4 * 200


def test_writers_of_one_second_have_files_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "_numbers", iter(range(100)))
    for _ in range(3):
        Writer(tmp_path).close()
        SummaryWriter(tmp_path).close()
    Writer(tmp_path, filename_suffix=".mine").close()
    assert len(list(tmp_path.glob("events.out.tfevents.*"))) == len(list(tmp_path.iterdir())) == 7
    assert len(list(tmp_path.glob("*.ablate.mine"))) == 1


def test_files_sort_behind_those_that_are_there_whatever_the_clock_says(tmp_path, monkeypatch):
    """TensorBoard reads them in the order of their names, and a clock may be set back."""
    (tmp_path / "events.out.tfevents.notes").touch()
    (tmp_path / "events.out.tfevents.1700000500.zz.1.0").touch()  # of a SummaryWriter
    before = {path.name for path in tmp_path.iterdir()}
    written = []
    for second in (1_700_000_400, 1_700_000_000, 1_700_000_600, 1_700_000_600, 1_600_000_000):
        monkeypatch.setattr(writer, "_numbers", iter(range(9)))  # as in a process that has just begun
        monkeypatch.setattr("ablate.tensorboard.writer.time.time", lambda now=second: float(now))
        Writer(tmp_path).close()
        (new,) = {path.name for path in tmp_path.iterdir()} - before - set(written)
        written.append(new)
    dated = sorted(name for name in {*before, *written} if "notes" not in name)
    assert dated[1:] == written and len(written) == 5


def test_a_closed_writer_begins_another_file_when_it_is_used_again(tmp_path):
    opened = Writer(tmp_path)
    opened.close()
    opened.add_scalar("a", 1.0, 1)
    opened.close()
    assert len(list(tmp_path.iterdir())) == 2 and shown(tmp_path).Scalars("a")[0].step == 1


def test_on_a_full_disk_closing_raises_once_and_leaves_no_file_open(tmp_path):
    opened = Writer(tmp_path)
    file = opened.file
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, file.fileno())
    os.close(full)
    with pytest.raises(OSError, match="No space"):
        opened.close()
    assert file.closed
    opened.close()


def test_steps_of_earlier_files_can_be_purged(tmp_path):
    with Writer(tmp_path) as first:
        first.add_metrics({"error": 1.0}, 4)
    with Writer(tmp_path, purge_step=2):
        pass
    event = events(tmp_path)[-1]
    assert (event.step, event.session_log.status) == (2, SessionLog.START)


def test_an_image_keeps_its_pixels(tmp_path):
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (5, 7), np.uint8))
    file = io.BytesIO()
    image.save(file, "png")
    with Writer(tmp_path) as opened:
        opened.add_png("image", file.getvalue(), 2)
    (found,) = shown(tmp_path).Images("image")
    assert (found.step, found.width, found.height) == (2, 7, 5)
    assert np.array_equal(pixels(tmp_path, "image"), np.asarray(image))


def test_a_graph_is_read_as_it_was_given(tmp_path):
    graph = GraphDef(node=[NodeDef(name="x", op="input"), NodeDef(name="out", op="Linear", input=["x"])])
    with Writer(tmp_path) as opened:
        opened.add_graph_def(graph)
    assert GraphDef.FromString(shown(tmp_path).Graph().SerializeToString()) == graph


def test_the_layout_of_the_charts_is_read_by_the_plugin(tmp_path):
    with Writer(tmp_path) as opened:
        opened.add_custom_scalars(scalars.LAYOUT)
    (found,) = shown(tmp_path).Tensors("custom_scalars__config__")
    layout = Layout.FromString(found.tensor_proto.string_val[0])
    assert {c.title: {chart.title: list(chart.multiline.tag) for chart in c.chart} for c in layout.category} == {
        category: {title: tags for title, (_, tags) in charts.items()} for category, charts in scalars.LAYOUT.items()
    }


def test_a_row_of_hparams_is_in_the_runs_own_file_without_an_experiment(tmp_path):
    with Writer(tmp_path) as opened:
        opened.add_session_start("arm", {"seed": 3, "on": True, "model": "mlp", "lr": 0.5})
        opened.add_session_end(failed=True, step=9)
    assert len(list(tmp_path.iterdir())) == 1
    read = shown(tmp_path)
    assert set(read.Tags()["tensors"]) == {metadata.SESSION_START_INFO_TAG, metadata.SESSION_END_INFO_TAG}
    start = metadata.parse_session_start_info_plugin_data(
        read.SummaryMetadata(metadata.SESSION_START_INFO_TAG).plugin_data.content
    )
    found = {name: (value.WhichOneof("kind"), getattr(value, value.WhichOneof("kind"))) for name, value in
             start.hparams.items()}  # fmt: skip
    assert found == {
        "seed": ("number_value", 3), "on": ("bool_value", True), "model": ("string_value", "mlp"),
        "lr": ("number_value", 0.5),
    }  # fmt: skip
    assert start.group_name == "arm" and start.start_time_secs > 1e9
    end = metadata.parse_session_end_info_plugin_data(
        read.SummaryMetadata(metadata.SESSION_END_INFO_TAG).plugin_data.content
    )
    assert end.status == Status.Value("STATUS_FAILURE") and end.end_time_secs > 1e9


def test_mlflows_hook_sees_every_scalar(tmp_path, monkeypatch):
    """mlflow.pytorch.autolog wraps FileWriter.add_event, and takes a step from its second argument."""
    seen = []
    original = FileWriter.add_event

    def add_event(self, event, *args, **kwargs):
        if event.WhichOneof("what") == "summary":
            seen.extend((v.tag, v.simple_value, args[0]) for v in event.summary.value if v.HasField("simple_value"))
        return original(self, event, *args, **kwargs)

    monkeypatch.setattr(FileWriter, "add_event", add_event)
    with Writer(tmp_path) as opened:
        opened.add_metrics({"a": 1.0, "b": 2.0}, 5)
        opened.add_scalar("c", 3.0, 6)
        opened.add_text("text", "no scalar", 6)
    assert seen == [("a", 1.0, 5), ("b", 2.0, 5), ("c", 3.0, 6)]


@pytest.fixture(params=["after ablate", "before ablate"])
def hooked(request, monkeypatch) -> Iterator[tuple[ModuleType, list[str]]]:
    """Our module, and the folders that wandb.tensorboard.patch is told of; patched before or after the import."""
    told: list[str] = []

    def patch() -> None:
        for module in (event_file_writer, torch_writer):

            class Telling(module.EventFileWriter):
                def __init__(self, logdir, *args, **kwargs):
                    told.append(logdir)
                    super().__init__(logdir, *args, **kwargs)

            monkeypatch.setattr(module, "EventFileWriter", Telling)

    if request.param == "after ablate":
        patch()
        yield writer, told
    else:
        patch()
        spec = importlib.util.find_spec("ablate.tensorboard.writer")
        again = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(again)
        yield again, told


def test_wandbs_hook_is_told_of_the_folder_and_starts_no_thread(hooked, tmp_path):
    module, told = hooked
    threads = threading.active_count()
    with module.Writer(tmp_path) as opened:
        opened.add_metrics({"a": 1.0}, 5)
        assert threading.active_count() == threads
    assert told == [str(tmp_path)]
    assert len(list(tmp_path.iterdir())) == 1 and shown(tmp_path).Scalars("a")[0].step == 5
