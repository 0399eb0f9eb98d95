"""Pictures of what a model gets wrong, as PNG: the confusion matrix, and the worst mistakes.

Drawn with Pillow, in milliseconds: every run of a sweep has its own.
"""

from __future__ import annotations

import io
import zlib
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ablate.preprocessing.streams import Stream

WRITTEN = 30  # classes up to which the cells of a confusion matrix are large enough for numbers
CELL = 22  # pixels
SIDE = 420  # pixels of a matrix of more classes
TILES, ACROSS = 12, 4  # mistakes shown, and in a row: TensorBoard shows pictures 300 pixels wide
TILE = 80  # pixels
MARGIN = 18  # pixels of a line of text
INK, PAPER, FRAME = "#1e1e1e", "#ffffff", "#dedede"
RIGHT, WRONG = np.array([21, 101, 192]), np.array([216, 67, 21])  # blue on the diagonal, orange beside it


def confusion_matrix(truth: np.ndarray, predicted: np.ndarray, classes: int) -> Image.Image:
    """How often each class was taken for which: a row a true class, a column what was predicted.

    truth, predicted: [n], classes 0 … classes-1. Shades are shares of a row, numbers are samples.
    """
    counts = np.bincount(truth * classes + predicted, minlength=classes**2).reshape(classes, classes)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    # Few mistakes are what one looks for: their shades grow fast.
    strength = np.sqrt(shares)[..., None]
    colour = np.where(np.eye(classes, dtype=bool)[..., None], RIGHT, WRONG)
    shades = np.rint(255 + strength * (colour - 255)).astype(np.uint8)
    cell = CELL if classes <= WRITTEN else max(2, SIDE // classes)
    picture = Image.new("RGB", (cell * classes + 2 * MARGIN, cell * classes + 2 * MARGIN), PAPER)
    cells = Image.fromarray(shades).resize((cell * classes, cell * classes), Image.Resampling.NEAREST)
    picture.paste(cells, (2 * MARGIN, 2 * MARGIN))
    draw = ImageDraw.Draw(picture)
    _write(draw, (2 * MARGIN, 2), "said", anchor="la")
    _write(draw, (2, 2 * MARGIN - 2), "true", anchor="ld")
    step = 1 if classes <= WRITTEN else 10
    for i in range(0, classes, step):
        middle = 2 * MARGIN + cell * i + cell // 2
        _write(draw, (middle, 2 * MARGIN - 2), str(i), anchor="md")
        _write(draw, (2 * MARGIN - 4, middle), str(i), anchor="rm")
    for i, j in zip(*np.nonzero(counts), strict=True) if classes <= WRITTEN else ():
        at = (2 * MARGIN + cell * j + cell // 2, 2 * MARGIN + cell * i + cell // 2)
        _write(draw, at, str(counts[i, j]), PAPER if strength[i, j] > 0.6 else INK, "mm")
    return picture


def worst_mistakes(
    x: np.ndarray | Stream, truth: np.ndarray, predicted: np.ndarray, confidence: np.ndarray, order: np.ndarray
) -> Image.Image:
    """Images with what they are, what was predicted, and how confidently.

    x: [n, channels, height, width], any scale; truth, predicted: [n]; confidence: [n], probabilities; order: which
    are shown, first first.
    """
    shown = order[:TILES]
    across = min(ACROSS, len(shown))
    rows = -(-len(shown) // across)
    width, height = TILE + 8, TILE + MARGIN + 8
    mode = "RGB" if x.shape[1] == 3 else "L"
    picture = Image.new(mode, (across * width, rows * height), PAPER)
    draw = ImageDraw.Draw(picture)
    for place, i in enumerate(shown):
        left, top = place % across * width + 4, place // across * height + 4
        picture.paste(_thumbnail(x[i], mode), (left, top + MARGIN))
        _write(draw, (left, top), f"{truth[i]} as {predicted[i]}, {confidence[i]:.0%}", anchor="la")
    return picture


def _thumbnail(sample: np.ndarray, mode: str) -> Image.Image:
    """A sample [channels, height, width] from black to white, whatever its scale, with its pixels to be seen."""
    low, high = sample.min(), sample.max()
    pixels = np.rint((sample - low) * (255 / (high - low if high > low else 1))).astype(np.uint8)
    tile = Image.fromarray(np.moveaxis(pixels, 0, -1) if mode == "RGB" else pixels[0])
    scale = min(TILE / tile.width, TILE / tile.height)
    tile = tile.resize((max(1, int(tile.width * scale)), max(1, int(tile.height * scale))), Image.Resampling.NEAREST)
    framed = Image.new(mode, (TILE, TILE), FRAME)
    framed.paste(tile, ((TILE - tile.width) // 2, (TILE - tile.height) // 2))
    return framed


def png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "png", compress_level=1, compress_type=zlib.Z_RLE)  # half the time, and no larger
    return file.getvalue()


@cache
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(12)


def _write(draw: ImageDraw.ImageDraw, at: tuple[int, int], text: str, ink: str = INK, anchor: str = "la") -> None:
    draw.text(at, text, ink, _font(), anchor)
