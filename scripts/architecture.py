"""python scripts/architecture.py: draws docs/images/architecture.svg, the wings of src/ablate and what they import.

All of it comes from the code: the first lines of docstrings, the names of modules, every import, also those for types
alone and inside functions. The same code gives the same bytes, and tests/scripts/test_architecture.py says so when
the picture is not what this draws. That there are no circles is import-linter's affair (pyproject.toml).
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from html import escape
from itertools import permutations
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE, PICTURE = ROOT / "src", ROOT / "docs" / "images" / "architecture.svg"
PLUGINS = "hydra_plugins"

WIDTH, MARGIN, GAP = 900, 22, 14  # pixels: of the picture, beside the boxes, between two of a row
ROOM, PADDING = 34, 12  # between rows, where arrows go; inside a box
NAME, TEXT, SMALL = 18, 16, 15  # heights of lines
LETTER = {TEXT: 6.9, SMALL: 6.0}  # the width of a letter, a little generous
STYLE = """
text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif; fill: #1f2933 }
.page { fill: #ffffff } .box { fill: #f3f6f8; stroke: #9fb0bd } .name { font-size: 15px; font-weight: bold }
.text { font-size: 12.5px } .small { font-size: 11px; fill: #52616d }
.arrow { fill: none; stroke: #52616d; stroke-width: 1.3 } .head { fill: #52616d }
@media (prefers-color-scheme: dark) {
text { fill: #e4e9ed } .page { fill: #1b2127 } .box { fill: #28313a; stroke: #5b6b78 } .small { fill: #a9b7c2 }
.arrow { stroke: #a9b7c2 } .head { fill: #a9b7c2 }
}
"""
HEAD = (
    '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
    '<path class="head" d="M0 0 8 4 0 8z"/></marker>'
)


@dataclass(frozen=True)
class Wing:
    """A package of src/ablate, or a module beside them. modules: the names of those inside."""

    name: str
    purpose: str
    modules: tuple[str, ...]
    imports: frozenset[str]  # of other wings

    def lines(self, width: float) -> Iterator[tuple[str, int, str]]:
        """Its text in a box of this width: the class of a line, its height, what it says."""
        yield "name", NAME, self.name
        for text, kind, height in ((self.purpose, "text", TEXT), ("\u00a0· ".join(self.modules), "small", SMALL)):
            for line in textwrap.wrap(text, int((width - 2 * PADDING) / LETTER[height])):
                yield kind, height, line


def wings(source: Path = SOURCE) -> dict[str, Wing]:
    """The wings by name, in alphabetical order."""
    files = {".".join(path.relative_to(source).with_suffix("").parts): path for path in sorted(source.rglob("*.py"))}
    trees = {name.removesuffix(".__init__"): ast.parse(path.read_text("utf-8")) for name, path in files.items()}
    found = {}
    for name in sorted({wing for module in trees if (wing := _wing(module))}):
        own = [module for module in trees if _wing(module) == name]
        imports = {_wing(imported) for module in own for imported in _imported(trees[module], trees)} - {name, ""}
        door = min(own, key=len)
        purpose = (ast.get_docstring(trees[door]) or "").partition("\n")[0].replace("`", "")
        inside = tuple(module.rpartition(".")[2] for module in own if module != door and "__" not in module)
        found[name] = Wing(name, purpose, inside, frozenset(imports))
    return found


def _wing(module: str) -> str:
    """The wing that a module is of; none for `ablate` itself, whose names are the API's."""
    package, _, inside = module.partition(".")
    return f"{PLUGINS}.{inside.partition('.')[0]}" if package == PLUGINS else inside.partition(".")[0]


def _imported(tree: ast.Module, known: Mapping[str, object]) -> Iterator[str]:
    """The modules of ours that are imported anywhere in a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in known else str(node.module) for name in inside]
        else:
            continue
        yield from (name for name in names if name in known)


def arrows(graph: Mapping[str, Wing]) -> list[tuple[str, str]]:
    """Who imports whom, without what follows: no arrow from a to c where there is a way from a over b to c."""

    @cache
    def below(name: str) -> frozenset[str]:
        return graph[name].imports.union(*map(below, graph[name].imports))

    return [
        (name, other)
        for name, wing in graph.items()
        for other in sorted(wing.imports)
        if not any(other in below(between) for between in wing.imports - {other})
    ]


def rows(graph: Mapping[str, Wing], drawn: list[tuple[str, str]]) -> list[list[str]]:
    """The wings from top to bottom, each in the row above the uppermost that it imports, with few crossing arrows."""

    @cache
    def height(name: str) -> int:
        return 1 + max(map(height, graph[name].imports), default=-1)

    found: list[list[str]] = [[] for _ in range(1 + max(map(height, graph)))]
    for name in graph:
        found[-1 - height(name)].append(name)
    for i in [*range(len(found)), *reversed(range(len(found)))]:
        found[i] = min((list(order) for order in permutations(found[i])), key=lambda row: _cost(found, i, row, drawn))
    return found


def _cost(found: list[list[str]], i: int, row: list[str], drawn: list[tuple[str, str]]) -> tuple[int, float]:
    """Of a row in this order: crossings with what is drawn to its neighbours, then how far arrows lead aside."""
    tried = [*found[:i], row, *found[i + 1 :]]
    middle = {name: (place + 0.5) / len(names) for names in tried for place, name in enumerate(names)}
    ends = [(middle[a], middle[b], a in row) for a, b in drawn if a in row or b in row]
    crossings = sum((a - c) * (b - d) < 0 for a, b, down in ends for c, d, also_down in ends if down == also_down)
    return crossings, sum(abs(a - b) for a, b, _ in ends)


def draw(graph: Mapping[str, Wing]) -> str:
    """The picture, as SVG."""
    drawn = arrows(graph)
    boxes: dict[str, tuple[float, float, float, float]] = {}  # left, top, right, bottom
    parts, top, row_of = [], float(MARGIN), {}
    for i, row in enumerate(rows(graph, drawn)):
        width = (WIDTH - 2 * MARGIN - GAP * (len(row) - 1)) / len(row)
        lines = {name: list(graph[name].lines(width)) for name in row}
        high = 2 * PADDING + max(sum(height for _, height, _ in said) for said in lines.values())
        for place, name in enumerate(row):
            left, row_of[name] = MARGIN + place * (width + GAP), i
            boxes[name] = left, top, left + width, top + high
            parts.append(f'<rect class="box" x="{left:g}" y="{top:g}" width="{width:g}" height="{high:g}" rx="6"/>')
            y = top + PADDING - 4
            for kind, height, said in lines[name]:
                y += height
                parts.append(f'<text class="{kind}" x="{left + PADDING:g}" y="{y:g}">{escape(said)}</text>')
        top += high + ROOM
    ways = [_way(boxes[a], boxes[b], row_of[b] - row_of[a] == 1) for a, b in drawn]
    title = "The wings of ablate, and which imports which"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top - ROOM + MARGIN:g}" role="img">',
            f"<title>{title}</title>",
            f"<style>{STYLE}</style>",
            f"<defs>{HEAD}</defs>",
            '<rect class="page" width="100%" height="100%" rx="8"/>',
            *parts,
            *(f'<path class="arrow" marker-end="url(#head)" d="{way}"/>' for way in ways),
            "</svg>\n",
        ]
    )


def _way(a: tuple[float, float, float, float], b: tuple[float, float, float, float], near: bool) -> str:
    """An arrow from box to box: straight down where one is above the other, slanted to its neighbour; past rows
    between, along the margin."""
    if not near:
        out, begin, end = MARGIN / 2, (a[1] + a[3]) / 2, (b[1] + b[3]) / 2
        return f"M{a[0]:g} {begin:g} H{out:g} V{end:g} H{b[0]:g}"
    left, right = max(a[0], b[0]), min(a[2], b[2])
    if left < right:
        return f"M{(left + right) / 2:g} {a[3]:g} V{b[1]:g}"
    begin, end = (a[2] - 20, b[0] + 20) if a[0] < b[0] else (a[0] + 20, b[2] - 20)
    return f"M{begin:g} {a[3]:g} L{end:g} {b[1]:g}"


if __name__ == "__main__":
    PICTURE.write_text(draw(wings()), encoding="utf-8")
