"""The command that opens TensorBoard on a folder, as it can be typed here. Light: no TensorBoard."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

from ablate.utils.files import short


def how_to_watch(folder: Path) -> str:
    beside = Path(sys.executable).with_name("ablate")
    if shutil.which("ablate"):
        command = "ablate"
    else:
        command = shlex.quote(str(short(beside))) if beside.exists() else "python -m ablate"
    return f"{command} tensorboard {shlex.quote(str(short(folder)))}"
