"""The samples of a stack on its device, in batches.

Batches for judging have a fixed size, and those for training can be filled up, so that a run's sums are rounded alike
whatever company it has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ablate.preprocessing import streams
from ablate.preprocessing.samples import Part, Split
from ablate.preprocessing.streams import Joined, Stream
from ablate.utils.seeds import ORDER, generator

BATCH_PAD = 16  # samples in a batch come in multiples of this, where it is filled up
EVALUATION_BATCH = 128


def sizes(parts: Mapping[str, int], batch_size: int) -> list[int]:
    """The batch sizes that a run meets: whole and last ones, in training and in evaluation. parts: samples of each."""
    most = [(batch_size, parts["train"]), *((EVALUATION_BATCH, n) for n in parts.values())]
    return [size for whole, n in most for size in (min(whole, n), n % whole) if size]


@dataclass(frozen=True)
class Piece:
    """Samples to judge: x [runs or 1, n, *shape]; y [runs or 1, outputs, n], of classes int64 [runs or 1, 1, n].

    weight: float32 [runs or 1, n], of the samples in metrics; in_loss: in the loss. None where all count alike.
    """

    x: Tensor
    y: Tensor
    weight: Tensor | None
    in_loss: Tensor | None


class Batches:
    """The parts of a dataset on the device; runs with the same split share its samples.

    A part's samples stand split after split in one tensor, and a run finds its own by an offset.

    splits: each once; whoever else asks for one while the stack trains is given these.
    """

    def __init__(self, splits: Sequence[Split], device: torch.device, balanced: bool = False) -> None:
        """balanced: in the loss every class of the training part counts alike."""
        distinct = self.splits = list({id(s): s for s in splits}.values())
        self.device = device
        self.which = [next(i for i, d in enumerate(distinct) if d is s) for s in splits]
        self.x: dict[str, Tensor | Joined] = {}
        self.y: dict[str, Tensor] = {}
        self.weight: dict[str, Tensor | None] = {}
        self.in_loss: dict[str, Tensor | None] = {}
        for name in ("train", "val", "test"):
            parts: list[Part] = [getattr(s, name) for s in distinct]
            read = [p.x for p in parts if isinstance(p.x, Stream)]
            whole = [p.x for p in parts if isinstance(p.x, Tensor)]
            x = Joined(read) if read else _joined(whole).to(device)
            y = _joined([p.y for p in parts]).to(device)
            weights = [p.weight.to(torch.float32) for p in parts if p.weight is not None]
            weight = _joined(weights).to(device) if weights else None
            self.x[name], self.y[name], self.weight[name] = x, y, weight
            self.in_loss[name] = weight
            if balanced:
                own = _joined([_of_class(s)[p.y] for s, p in zip(distinct, parts, strict=True)]).to(device)
                self.in_loss[name] = own if weight is None else own * weight
        self.sizes = {name: len(getattr(distinct[0], name)) for name in self.y}
        self.outputs = distinct[0].outputs

    def keep(self, rows: Sequence[int]) -> None:
        self.which = [self.which[i] for i in rows]

    def batches(
        self, seeds: Sequence[int], epoch: int, size: int, pads: bool
    ) -> Iterator[tuple[Tensor, Tensor, Tensor, int]]:
        """x [runs, batch, *shape]; y [runs, outputs, batch], of classes [runs, 1, batch]; the weight of each sample in
        the mean, [batch] or [runs, 1, batch]; and how many of the samples are no filling.

        pads: fill batches up to a multiple of 16 with samples of weight 0, as products of odd sizes are
        rounded differently on several threads.
        """
        y, n, weights = self.y["train"], self.sizes["train"], self.in_loss["train"]
        orders = {s: torch.randperm(n, generator=generator(s, ORDER, epoch)) for s in set(seeds)}
        order = torch.stack([orders[s] + w * n for s, w in zip(seeds, self.which, strict=True)])
        places = [order[:, begin : begin + size] for begin in range(0, n, size)]
        if pads:
            places = [_padded(index) for index in places]
        for begin, index, x in zip(range(0, n, size), places, self._read("train", places), strict=True):
            real, flat = min(size, n - begin), index.reshape(-1).to(self.device)
            weight = torch.full((real,), 1 / real, device=self.device)
            if weights is not None:
                own = weights.index_select(0, flat).view(len(index), 1, -1)[:, :, :real]
                weight = own / own.sum(2, keepdim=True)
            if padding := index.shape[1] - real:
                weight = torch.cat([weight, weight.new_zeros(*weight.shape[:-1], padding)], -1)
            yield x, y.index_select(0, flat).view(*index.shape, -1).transpose(1, 2), weight, real

    def pieces(self, name: str) -> Iterator[Piece]:
        """The samples of a part in large batches."""
        n, shared = self.sizes[name], len(set(self.which)) == 1
        which = torch.tensor(self.which[:1] if shared else self.which)
        ends = [(begin, min(n, begin + EVALUATION_BATCH)) for begin in range(0, n, EVALUATION_BATCH)]
        places = [which.unsqueeze(1) * n + torch.arange(*end) for end in ends]
        for index, x in zip(places, self._read(name, places), strict=True):
            flat = index.reshape(-1).to(self.device)
            y, weight, in_loss = (
                None if t is None else t.index_select(0, flat).view(*index.shape, *t.shape[1:])
                for t in (self.y[name], self.weight[name], self.in_loss[name])
            )
            assert y is not None
            yield Piece(x, y.view(*index.shape, -1).transpose(1, 2), weight, in_loss)

    def _read(self, name: str, places: Sequence[Tensor]) -> Iterator[Tensor]:
        """Samples of a part, [*index.shape, *shape] for each index, [runs, batch], of those that stand in it."""
        x = self.x[name]
        found: Iterator[Tensor]
        if isinstance(x, Tensor):
            found = (x.index_select(0, index.reshape(-1).to(self.device)) for index in places)
        else:
            found = (read.to(self.device) for read in streams.read(x, [index.numpy() for index in places]))
        for index, samples in zip(places, found, strict=True):
            yield samples.view(*index.shape, *x.shape[1:])


def _padded(index: Tensor) -> Tensor:
    """Filled up to a multiple of `BATCH_PAD` with the first sample of each run."""
    padding = -index.shape[1] % BATCH_PAD
    return torch.cat([index, index[:, :1].expand(-1, padding)], 1) if padding else index


def _joined(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat(list(tensors)) if len(tensors) > 1 else tensors[0]


def _of_class(split: Split) -> Tensor:
    """The weight of a class by which all have the same weight in the training part, float32 [classes]."""
    train = split.train
    counts = train.y.bincount(train.weight, minlength=len(split.target.classes))
    return (counts.sum() / (len(counts) * counts)).to(torch.float32)
