"""Drawing for the report: figures as small SVGs without a font, whose colours are the page's CSS variables.

Where there is no page, in TensorBoard, they are PNGs in the colours of a light one.
"""

from __future__ import annotations

import io
import re
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec
from xml.etree import ElementTree

from markupsafe import Markup

from ablate.report.matplotlib import (
    Axes,
    Figure,
    FixedFormatter,
    FixedLocator,
    MaxNLocator,
    NullLocator,
    matplotlib,
)

LIGHT = {
    "ink": "#1b1f24",
    "muted": "#59616b",
    "line": "#e9ebee",
    "bar": "#e0e4e9",
    "baseline": "#858b95",
    "arm1": "#2166ac",
    "arm2": "#c2410c",
    "arm3": "#0b6e53",
    "arm4": "#8a2168",
    "arm5": "#b98000",
}
# Every colour is one that no plot has a use for and that stands for the page's variable of that name,
# so that a plot is light or dark as the page is.
NAMES = tuple(LIGHT)
COLOURS = {name: f"#0000{place:02x}" for place, name in enumerate(NAMES, start=1)}
NAMED = {colour: name for name, colour in COLOURS.items()}
DPI = 108  # of a PNG: half as many again as its figure has pixels

P = ParamSpec("P")
_as_png = False


def drawn(plot: Callable[P, tuple[Figure, str]]) -> Callable[P, Markup | bytes]:
    """A plot that returns a figure, and what it shows in words, becomes one that returns an SVG, or a PNG.

    The text in it is escaped. What a user's matplotlibrc says has no say here.
    """

    @wraps(plot)
    def draw(*args: P.args, **kwargs: P.kwargs) -> Markup | bytes:
        with matplotlib.rc_context(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing")  # the font is the page's
            matplotlib.rcdefaults()
            matplotlib.rcParams.update(_style())
            figure, label = plot(*args, **kwargs)
            if _as_png:
                file = io.BytesIO()
                figure.savefig(file, format="png", dpi=DPI, facecolor="white")
                return file.getvalue()
            text = io.StringIO()
            figure.savefig(text, format="svg", metadata={"Date": None})
        return _inline(text.getvalue(), label)

    return draw


@contextmanager
def as_png() -> Iterator[None]:
    """What is drawn within is a PNG in light colours."""
    global _as_png
    pages = dict(COLOURS)
    COLOURS.update(LIGHT)
    _as_png = True
    try:
        yield
    finally:
        COLOURS.update(pages)
        _as_png = False


def stands_alone() -> bool:
    """Whether what is drawn now has no page around it that would say what its marks mean."""
    return _as_png


def _style() -> dict[Any, Any]:
    return {
        "svg.fonttype": "none",  # the page's own font
        "svg.hashsalt": "ablate",  # the same plot has the same text
        "text.parse_math": False,  # an arm may be called $x$
        "font.family": ["DejaVu Sans"],
        "font.size": 11,
        "text.color": COLOURS["ink"],
        "axes.edgecolor": COLOURS["line"],
        "axes.labelcolor": COLOURS["muted"],
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.spines.left": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": COLOURS["line"],
        "grid.linewidth": 0.8,
        "xtick.color": COLOURS["muted"],
        "ytick.color": COLOURS["muted"],
        "xtick.bottom": False,
        "ytick.left": False,
        "lines.solid_capstyle": "round",
    }


def sheet(width: float, height: float) -> Figure:
    """An empty figure of so many pixels."""
    figure = Figure(figsize=(width / 72, height / 72), dpi=72)
    figure.patch.set_visible(_as_png)
    return figure


def axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes on a sheet, in pixels from its upper left corner."""
    across, down = figure.get_size_inches() * 72
    made = figure.add_axes((left / across, 1 - (top + height) / down, width / across, height / down))
    made.patch.set_visible(False)
    made.grid(axis="x", visible=False)
    return made


def scale(axes: Axes, which: str, low: float, high: float, log: bool = False, most: int = 5) -> None:
    """Limits of the x or y axis, and few ticks; on a logarithmic axis round numbers as they are, no powers."""
    if log:
        getattr(axes, f"set_{which}scale")("log")
        ticks(axes, which, decades(low, high, most))
    else:
        getattr(axes, f"{which}axis").set_major_locator(MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]))
    getattr(axes, f"set_{which}lim")(low, high)


def ticks(axes: Axes, which: str, values: list[float], labels: list[str] | None = None) -> None:
    axis = getattr(axes, f"{which}axis")
    axis.set_major_locator(FixedLocator(values))
    axis.set_major_formatter(FixedFormatter(labels or [f"{value:g}" for value in values]))
    axis.set_minor_locator(NullLocator())


def decades(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers between two positive ones: 1, 3, 10, …, or where these are too many 1, 10, 100, …"""
    for mantissas, step in (((1, 2, 5), 1), ((1, 3), 1), ((1,), 1), ((1,), 2), ((1,), 3), ((1,), 6)):
        found = [
            mantissa * 10.0**power
            for power in range(-30, 31, step)
            for mantissa in mantissas
            if low <= mantissa * 10.0**power <= high
        ]
        if len(found) <= most:
            break
    return found


def shortened(text: str, most: int) -> str:
    """Text of at most so many characters, its middle left out; what XML can't hold is replaced."""
    text = re.sub(r"[^\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)
    return text if len(text) <= most else f"{text[: most // 2]}…{text[len(text) - (most - 1) // 2 :]}"


def _inline(text: str, label: str) -> Markup:
    """matplotlib's SVG as a part of a page: no name twice, no style but of its own, two decimals, CSS variables."""
    root = ElementTree.fromstring(text)  # noqa: S314 - matplotlib wrote it
    width, height = root.get("viewBox", "").split()[2:]
    prefix = f"p{zlib.crc32((label + text).encode(errors='backslashreplace')):x}"
    used = {name for element in root.iter() for value in element.attrib.values() for name in _references(value)}
    for parent in root.iter():
        parent.tag = parent.tag.rpartition("}")[2]
        for child in [child for child in parent if child.tag.endswith(("metadata", "style"))]:
            parent.remove(child)
        if parent.tag != "text":
            parent.text = None
        parent.tail = None
        attributes = {key.rpartition("}")[2]: value for key, value in parent.attrib.items()}
        if attributes.get("id") not in used:
            attributes.pop("id", None)
        parent.attrib.clear()
        parent.attrib.update({key: _attribute(key, value, prefix) for key, value in attributes.items()})
    root.attrib.clear()
    root.attrib.update({"viewBox": f"0 0 {width} {height}", "width": width, "height": height})
    root.attrib.update({"role": "img", "aria-label": label, "stroke-linejoin": "round"})
    return Markup(ElementTree.tostring(root, encoding="unicode"))  # noqa: S704 - has escaped all text


def _references(value: str) -> list[str]:
    return re.findall(r"^(?:url\()?#(\w+)\)?$", value)


def _attribute(key: str, value: str, prefix: str) -> str:
    if key == "id":
        return prefix + value
    if key in ("href", "clip-path"):
        return value.replace("#", "#" + prefix)
    if key == "style":
        value = re.sub("|".join(NAMED), lambda found: f"var(--{NAMED[found[0]]})", value)
        return re.sub(r"'DejaVu Sans'[^;]*", "var(--font)", value)
    return re.sub(r"(\.\d\d)\d+", r"\1", value.replace(" \n", "").replace("rotate(-0 ", "rotate(0 "))
