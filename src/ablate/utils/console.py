"""Where text for people goes: standard output and error, as wide, as coloured and in such letters as they can show."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap
from typing import Any

import rich.console
from rich.box import SIMPLE_HEAD, Box
from rich.highlighter import RegexHighlighter
from rich.rule import Rule
from rich.segment import Segment
from rich.text import Text
from rich.theme import Theme

from ablate.utils.files import short
from ablate.utils.text import escaped
from ablate.utils.text import line as as_line

# Exit statuses: all runs finished; some failed; the config is wrong; the last two as a shell has them for a signal.
FINISHED, FAILED, REFUSED, INTERRUPTED, UNREAD = 0, 1, 2, 130, 141
WIDTH = 120  # columns, where there is no terminal to ask
NARROWEST = 20  # columns: in fewer nothing can be read
RULE = 80  # columns of the lines around a panel, at most
GLUE = "\N{NO-BREAK SPACE}"
ASCII = {"±": "+/-", "−": "-", "–": "-", "×": "x", "·": "-", "…": "...", "λ": "lambda", "│": "|", "─": "-"}


# Rich's SIMPLE_HEAD, which has a line below the heads and no other, where there are no lines among the letters.
PLAIN_HEAD = Box("    \n" * 2 + " -- \n" + "    \n" * 5, ascii=True)


class Words(RegexHighlighter):
    """Words that are to be seen at once, wherever they stand."""

    base_style = "ablate."
    highlights = (
        r"(?P<good>\b(better|finished)\b)",
        r"(?P<bad>\b(worse|diverged|failed)\b|^(error|run failed|interrupted)\b)",
        r"(?P<open>\b[Tt]oo few seeds\b|^warning\b)",
        r"(?P<quiet>\bnot detected\b)",
        r"^(report|curves) +(?P<next>.+)",
    )


THEME = Theme(
    {
        "ablate.good": "green",
        "ablate.bad": "red",
        "ablate.open": "yellow",
        "ablate.quiet": "dim",
        "ablate.next": "cyan",
        "table.title": "bold",
        "rule.line": "dim",
        "bar.complete": "cyan",
        "bar.finished": "cyan",
    }
)


class Console(rich.console.Console):
    """Rich's, with our colours, and without its markup: what people typed stays as it is.

    Whatever is printed can do nothing to the terminal: what is no letter is escaped, before anything is laid out.

    No terminal means no escape codes (unless FORCE_COLOR asks for colours), no bars, and no spaces at the ends of
    lines. Letters that the encoding doesn't have are written in others before anything is laid out.

    Raises:
        BrokenPipeError: nobody reads on.
    """

    def __init__(self, **how: Any) -> None:
        if "ipykernel" in sys.modules:  # a notebook: no HTML there, and no bars that move
            how["force_terminal"] = False
        sizes = {name: size for name in ("COLUMNS", "LINES") if (size := _size(name)) is not None}
        own = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")} | sizes
        plain: dict[str, Any] = {"markup": False, "emoji": False, "force_jupyter": False, "_environ": own}
        super().__init__(highlighter=Words(), theme=THEME, **plain | how)
        self.is_interactive = self.is_interactive and self.file.isatty() and not self.quiet
        if not self.is_terminal and "width" not in how:
            self.width = WIDTH

    def render_str(self, text: str, **how: Any) -> Text:
        return super().render_str(self.spelled(text), **how)

    def render(self, *what: Any, **how: Any) -> Iterator[Segment]:
        for segment in super().render(*what, **how):  # all that is printed comes by here
            yield segment if segment.control else Segment(self.spelled(segment.text), segment.style)

    def spelled(self, text: str) -> str:
        """`text` in letters that this console has, and that do nothing to it."""
        text = escaped(text)
        try:
            text.encode(self.encoding)
        except UnicodeEncodeError:
            text = "".join(ASCII.get(c, c) for c in text).encode(self.encoding, "replace").decode(self.encoding)
        return text

    @property
    def table(self) -> Box:
        """The lines of a table."""
        return SIMPLE_HEAD if self.spelled("─") == "─" else PLAIN_HEAD

    def print(self, *objects: Any, **how: Any) -> None:
        if self.quiet:
            return
        if self.is_terminal:
            super().print(*objects, **how)
            return
        with self.capture() as captured:
            super().print(*objects, **how)
        self.file.write("\n".join(line.rstrip(" ") for line in captured.get().split("\n")))

    def on_broken_pipe(self) -> None:
        raise  # rich calls this while it handles the error

    def line_of_text(self, text: str | Text, style: str = "") -> None:
        """Print a line that is to be copied or searched for: no line breaks are put into it."""
        self.print(text, style=style, soft_wrap=True)

    def prose(self, text: str, indent: int = 0, style: str = "") -> None:
        """Print text in as many lines as it takes, broken at spaces, but not within `80 %`."""
        glued = re.sub(r"(?<=\d) (?=%)", GLUE, self.spelled(text))
        how: dict[str, Any] = {"break_on_hyphens": False, "break_long_words": False}
        for line in wrap(glued, self.width, subsequent_indent=" " * indent, **how):
            self.line_of_text(line.replace(GLUE, " "), style)

    def link(self, heading: str, path: Path) -> None:
        """Print where a file is; terminals that can do that open it on a click."""
        line = self.render_str(f"{heading}{short(path)}")
        line.stylize(f"link {path.absolute().as_uri()}", len(heading))
        self.line_of_text(line)

    def open_panel(self, title: str) -> None:
        self.print()
        self._rule(title)

    def close_panel(self) -> None:
        if self.is_terminal:
            self._rule("")

    def _rule(self, title: str) -> None:
        if self.is_terminal:
            text = self.render_str(title)
            text.stylize("bold")
            self.print(Rule(text, align="left", characters=self.spelled("─")), width=min(self.width, RULE))
        else:
            self.line_of_text(title)


def _size(name: str) -> str | None:
    """A size of the terminal that the environment tells, where it can be one: at least NARROWEST, below 10,000."""
    told = os.environ.get(name, "")
    return str(max(int(told), NARROWEST)) if re.fullmatch("[1-9][0-9]{0,3}", told) else None


def complain(line: str) -> None:
    """A warning or an error, on standard error."""
    Console(stderr=True).line_of_text(as_line(line))
