"""When a module was imported last."""

from __future__ import annotations

import importlib
import sys
import time
from pathlib import Path

from ablate.utils import imports


def test_the_time_of_an_import_is_noted_and_that_of_a_reload(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    Path(tmp_path, "noted_once.py").touch()
    assert imports.imported("noted_once") == imports.imported("sys") < time.time_ns()  # nobody saw it
    start = time.time_ns()
    module = importlib.import_module("noted_once")
    try:
        first = imports.imported("noted_once")
        importlib.reload(module)
        assert start <= first < imports.imported("noted_once") <= time.time_ns()
    finally:
        del sys.modules["noted_once"]


def test_it_watches_once(monkeypatch):
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    before = list(sys.meta_path)
    imports.watch()
    assert sys.meta_path == before
