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
from pathlib import Path

import google_crc32c
import numpy as np
from tensorboard.compat.proto.event_pb2 import Event, SessionLog, SourceMetadata
from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto

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


def histogram(tag: str, values: np.ndarray, bins: int) -> Summary.Value:
    counts, edges = np.histogram(values, bins)
    proto = HistogramProto(
        min=float(values.min()),
        max=float(values.max()),
        num=values.size,
        sum=float(values.sum()),
        sum_squares=float((values**2).sum()),
        bucket_limit=edges[1:].tolist(),
        bucket=counts.tolist(),
    )
    return Summary.Value(tag=tag, histo=proto)


def text(tag: str, markdown: str) -> Summary.Value:
    plugin = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"))
    shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)])
    tensor = TensorProto(dtype="DT_STRING", string_val=[markdown.encode()], tensor_shape=shape)
    return Summary.Value(tag=f"{tag}/text_summary", metadata=plugin, tensor=tensor)
