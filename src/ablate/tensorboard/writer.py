"""TensorBoard's event files, written as they are asked for.

SummaryWriter has a thread a file, and handing it every event takes longer than writing them. TensorBoard's own
record writer takes its checksums in a Python loop, which is half of the rest.
"""

from __future__ import annotations

import itertools
import os
import socket
import struct
import time
from collections.abc import Mapping
from pathlib import Path

import google_crc32c
import numpy as np
from tensorboard.compat.proto.event_pb2 import Event, SessionLog, SourceMetadata
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.plugins.custom_scalar.layout_pb2 import Category, Chart, Layout, MultilineChartContent
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo, SessionStartInfo

GAPS = {"gap/loss": ("loss/val", "loss/train"), "gap/accuracy": ("accuracy/train", "accuracy/val")}
_numbers = itertools.count()


class EventFile:
    """A new event file in a folder. What is added is sure to be in it after `flush` or `close`."""

    def __init__(self, folder: Path) -> None:
        now = time.time()
        name = f"events.out.tfevents.{int(now):010}.{socket.gethostname()}.{os.getpid()}.{next(_numbers)}"
        self.file = (folder / name).open("wb")
        self._write(Event(wall_time=now, file_version="brain.Event:2", source_metadata=SourceMetadata(writer="ablate")))
        self.flush, self.close = self.file.flush, self.file.close

    def add(self, values: list[Summary.Value], step: int) -> None:
        """Add the values of a step, in one event."""
        self._write(Event(wall_time=time.time(), step=step, summary=Summary(value=values)))

    def draw(self, graph: GraphDef) -> None:
        """Add the graph of a model."""
        self._write(Event(wall_time=time.time(), graph_def=graph.SerializeToString()))

    def supersede(self, step: int) -> None:
        """Have TensorBoard forget what earlier files of the folder say of this step and later ones."""
        self._write(Event(wall_time=time.time(), step=step, session_log=SessionLog(status=SessionLog.START)))

    def _write(self, event: Event) -> None:
        data = event.SerializeToString()
        length = struct.pack("<Q", len(data))
        self.file.write(length + _checksum(length) + data + _checksum(data))


def _checksum(data: bytes) -> bytes:
    """TFRecord's: a CRC-32C, rotated, plus a constant."""
    crc = google_crc32c.value(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def scalar(tag: str, value: float) -> Summary.Value:
    return Summary.Value(tag=tag, simple_value=value)


def epoch(figures: Mapping[str, float]) -> list[Summary.Value]:
    """The figures of an epoch, and how far training is from validation: above 0 where a model overfits."""
    gaps = {
        gap: figures[larger] - figures[smaller]
        for gap, (larger, smaller) in GAPS.items()
        if larger in figures and smaller in figures
    }
    return [scalar(name, value) for name, value in {**figures, **gaps}.items() if name != "seconds"]


def histogram(tag: str, values: np.ndarray, bins: int) -> Summary.Value:
    """values: finite floats, of any shape."""
    flat = values.ravel().astype(np.float64)  # of a run that diverges, squares are too large for less
    least, most = float(flat.min()), float(flat.max())
    low, high = (least, most) if least < most else (least - 0.5, most + 0.5)
    width = (high - low) / bins
    places = ((flat - low) * (1 / width)).astype(np.int64)  # as np.histogram, in a third of its time
    proto = HistogramProto(
        min=least,
        max=most,
        num=flat.size,
        sum=float(flat.sum()),
        sum_squares=float(np.square(flat).sum()),
        bucket_limit=[low + width * i for i in range(1, bins + 1)],
        bucket=np.bincount(np.minimum(places, bins - 1), minlength=bins).tolist(),
    )
    return Summary.Value(tag=tag, histo=proto)


def text(tag: str, markdown: str) -> Summary.Value:
    return _strings(f"{tag}/text_summary", "text", b"", markdown.encode())


def image(tag: str, png: bytes) -> Summary.Value:
    width, height = struct.unpack(">II", png[16:24])  # a PNG begins with its signature and its size
    return Summary.Value(tag=tag, image=Summary.Image(width=width, height=height, encoded_image_string=png))


def layout(categories: dict[str, dict[str, str]]) -> Summary.Value:
    """The tab Custom Scalars: charts in categories, by their titles. A chart is a pattern of the tags in it."""
    shown = [
        Category(
            title=title,
            chart=[Chart(title=name, multiline=MultilineChartContent(tag=[tags])) for name, tags in charts.items()],
        )
        for title, charts in categories.items()
    ]
    return _strings("custom_scalars__config__", "custom_scalars", b"", Layout(category=shown).SerializeToString())


def session_start(group: str, hparams: dict[str, bool | float | str]) -> Summary.Value:
    """The tab HParams: a run's row. Runs of one group are averaged.

    Without a record of an experiment, which would fix the columns, they are those of all the runs.
    """
    start = SessionStartInfo(group_name=group, start_time_secs=time.time())
    for name, value in hparams.items():
        if isinstance(value, bool):
            start.hparams[name].bool_value = value
        elif isinstance(value, int | float):
            start.hparams[name].number_value = value
        else:
            start.hparams[name].string_value = value
    return _session("start", HParamsPluginData(session_start_info=start))


def session_end(failed: bool) -> Summary.Value:
    """How a run ended, for the tab HParams."""
    status = "STATUS_FAILURE" if failed else "STATUS_SUCCESS"
    end = SessionEndInfo(status=status, end_time_secs=time.time())
    return _session("end", HParamsPluginData(session_end_info=end))


def _session(which: str, data: HParamsPluginData) -> Summary.Value:
    # All that is said is in the metadata; TensorBoard wants a tensor beside it.
    return _strings(f"_hparams_/session_{which}_info", "hparams", data.SerializeToString())


def _strings(tag: str, plugin: str, content: bytes, *strings: bytes) -> Summary.Value:
    metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name=plugin, content=content))
    shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=len(strings))])
    tensor = TensorProto(dtype="DT_STRING", string_val=strings, tensor_shape=shape)
    return Summary.Value(tag=tag, metadata=metadata, tensor=tensor)
