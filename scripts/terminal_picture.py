"""What a command leaves on a terminal, as a picture.

python scripts/terminal_picture.py docs/images/study.svg python -m ablate -m study=regularizers
"""

import io
import os
import pty
import re
import shlex
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

COLUMNS = 120


def printed(command: list[str]) -> tuple[str, int]:
    """All that a command sends to a terminal, and its exit status."""
    sent = b""

    def read(terminal: int) -> bytes:
        nonlocal sent
        data = os.read(terminal, 65536)
        sent += data
        return data

    os.environ |= {"COLUMNS": str(COLUMNS), "TERM": "xterm-256color"}
    status = os.waitstatus_to_exitcode(pty.spawn(command, read))
    return sent.decode(), status


def left(sent: str) -> str:
    """What is still to be seen at the end: neither lines that were cleared, nor those to which the cursor went back."""
    lines: list[str] = []
    for line in sent.replace("\r\n", "\n").split("\n"):
        for _ in range(line.count("\x1b[1A")):
            lines.pop()
        lines.append(line.rpartition("\x1b[2K")[2])
    return "\n".join(lines).strip("\n")


def draw(text: str, title: str) -> str:
    """An SVG that asks for nothing from outside: the font is the reader's own."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(text))
    return re.sub(r"@font-face \{.*?\}", "", console.export_svg(title=title, theme=MONOKAI), flags=re.S)


def main(path: str, *command: str) -> int:
    sent, status = printed(list(command))
    Path(path).write_text(draw(left(sent), shlex.join(command)), encoding="utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
