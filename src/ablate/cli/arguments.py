"""The arguments of subcommands, refused in one line."""

from __future__ import annotations

import argparse
from typing import NoReturn

from ablate.utils.errors import ConfigError


class Parser(argparse.ArgumentParser):
    """Raises a ConfigError where argparse would print its usage and exit."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message}; {self.prog} --help lists what there is")
