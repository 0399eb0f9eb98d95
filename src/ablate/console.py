"""Where text for people goes: standard output and error, as wide, as coloured and in such letters as they can show."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from textwrap import wrap
from typing import Any

import rich.console
from rich.highlighter import RegexHighlighter
from rich.rule import Rule
from rich.text import Text
from rich.theme import Theme

from ablate.files import short

WIDTH = 120  # columns, where there is no terminal to ask
RULE = 80  # columns of the lines around a panel, at most
GLUE = "\N{NO-BREAK SPACE}"
ASCII = {"±": "+/-", "−": "-", "–": "-", "×": "x", "·": "-", "…": "...", "λ": "lambda", "│": "|", "─": "-"}


class Words(RegexHighlighter):
    """Words that are to be seen at once, wherever they stand."""

    base_style = "ablate."
    highlights = (
        r"(?P<good>\b(better|finished)\b)",
        r"(?P<bad>\b(worse|diverged|failed)\b|^(error|run failed|interrupted)\b)",
        r"(?P<open>\b[Tt]oo few seeds\b|^warning\b)",
        r"(?P<quiet>\bnot detected\b)",
    )


THEME = Theme(
    {
        "ablate.good": "green",
        "ablate.bad": "red",
        "ablate.open": "yellow",
        "ablate.quiet": "dim",
        "table.title": "bold",
        "rule.line": "dim",
        "bar.complete": "cyan",
        "bar.finished": "cyan",
    }
)


class Console(rich.console.Console):
    """Rich's, with our colours, and without its markup: what people typed stays as it is.

    No terminal means no escape codes (unless FORCE_COLOR asks for colours), no bars, and no spaces at the ends of
    lines. Letters that the encoding doesn't have are written in others before anything is laid out.

    Raises:
        BrokenPipeError: nobody reads on.
    """

    def __init__(self, **how: Any) -> None:
        stream = sys.stderr if how.get("stderr") else sys.stdout
        notebook = "ipykernel" in sys.modules  # no HTML there, and no bars that move
        terminal = not notebook and stream.isatty()
        how["force_jupyter"] = False
        if notebook:
            how["force_terminal"] = False
        if not terminal:
            how["force_interactive"] = False
            if "COLUMNS" not in os.environ:
                how.setdefault("width", WIDTH)
        super().__init__(highlighter=Words(), theme=THEME, markup=False, emoji=False, **how)

    def render_str(self, text: str, **how: Any) -> Text:
        return super().render_str(self.spelled(text), **how)

    def spelled(self, text: str) -> str:
        """`text` in letters that this console has."""
        try:
            text.encode(self.encoding)
        except UnicodeEncodeError:
            text = "".join(ASCII.get(c, c) for c in text).encode(self.encoding, "replace").decode(self.encoding)
        return text

    def print(self, *objects: Any, **how: Any) -> None:
        if self.is_terminal:
            super().print(*objects, **how)
            return
        with self.capture() as captured:
            super().print(*objects, **how)
        self.file.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())

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
            rule = Rule(self.render_str(title, style="bold"), align="left", characters=self.spelled("─"))
            self.print(rule, width=min(self.width, RULE))
        else:
            self.line_of_text(title)


def complain(line: str) -> None:
    """A warning or an error, on standard error."""
    Console(stderr=True).line_of_text(line)
