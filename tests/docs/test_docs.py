"""What README.md and docs/ say works: page by page, in a copy of the project, their blocks are carried out in order.

- A block of python or yaml below a line that ends with a file's name (`conf/study/mine.yaml`:) is put into that file.
- Other python blocks of a page run as one script, when its commands have.
- Commands in console blocks run, trainings for an epoch and studies with two seeds. What is shown below a command has
  to be in its output, line by line (… stands for anything); a command that is refused shows its error.
- `<!-- not run: why -->` before a block leaves it out.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from helpers import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
COPIED = ("conf", "examples", "scripts", "src", "tests", "pyproject.toml")
SLOW_TO_IMPORT = ["matplotlib.figure", "omegaconf", "pandas", "pydantic", "rich", "scipy.stats", "torch"]
SUBCOMMAND = re.compile(r"(python -m )?ablate [a-z]+( |$)")
TRAINS = ("ablate", "python -m ablate ", "python scripts/sweep.py")


@dataclass(frozen=True)
class Block:
    kind: str
    lines: list[str]
    said: str  # the line before it

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"

    @property
    def file(self) -> str | None:
        """The file that it is to be put into."""
        named = re.search(r"`([\w./-]+\.(?:py|yaml))`:$", self.said)
        return named[1] if named else None

    @property
    def runs(self) -> bool:
        return not re.fullmatch("<!-- not run: .+ -->", self.said)

    def commands(self) -> Iterator[tuple[str, list[str]]]:
        """Each command, and the lines that are shown of its output."""
        starts = [i for i, line in enumerate(self.lines) if line.startswith("$ ")]
        for begin, end in itertools.pairwise([*starts, len(self.lines)]):
            yield self.lines[begin][2:], [line for line in self.lines[begin + 1 : end] if line.strip(" …")]


def blocks(page: Path) -> list[Block]:
    found, said, lines = [], "", iter(page.read_text(encoding="utf-8").splitlines())
    for line in lines:
        if line.startswith("```"):
            found.append(Block(line[3:], list(itertools.takewhile(lambda inside: inside != "```", lines)), said))
        said = line or said
    return found


@pytest.fixture(scope="module")
def processes() -> multiprocessing.context.BaseContext:
    """Makes processes that have imported what is slow to import, and nothing of ours: pages bring their own."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(SLOW_TO_IMPORT)
    return context


def carry_out(words: list[str], project: Path, output: Path) -> None:
    """python WORDS, in a process of its own: its output goes to a file."""
    os.chdir(project)
    with output.open("w", encoding="utf-8") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.path[:0] = [str(project), str(project / "src")]  # as `python -m` has it
    if words[0] == "-m":
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    elif words[0] == "-c":
        exec(words[1], {})  # noqa: S102 (a page of ours)
    else:
        sys.argv = words
        runpy.run_path(words[0], run_name="__main__")


@pytest.fixture
def perform(processes, tmp_path):
    """perform(command): its exit status, and the lines that it says."""

    def run(command: str) -> tuple[int, list[str]]:
        words = shlex.split(command, comments=True)
        if command.startswith(TRAINS) and not SUBCOMMAND.match(command):
            words += ["trainer.epochs=1"] + ["study.seeds=2"] * any(word.startswith("study=") for word in words)
        words = ["-m", *words] if words[0] == "ablate" else words[1:]
        output = tmp_path / "output"
        process = processes.Process(target=carry_out, args=(words, tmp_path / "project", output))
        process.start()
        process.join()
        return process.exitcode, [line.strip() for line in output.read_text(encoding="utf-8").splitlines()]

    return run


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_shows_is_so(page, perform, tmp_path):
    project = tmp_path / "project"
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        project.mkdir(exist_ok=True)
        copy(ROOT / name, project / name)
    script = ""
    for block in filter(lambda block: block.runs, blocks(page)):
        if block.file:
            (project / block.file).parent.mkdir(parents=True, exist_ok=True)
            (project / block.file).write_text(block.text, encoding="utf-8")
        elif block.kind == "python":
            script += block.text
        elif block.kind == "yaml":
            pytest.fail(f"a block of YAML whose file is not named: {block.text}")
        elif block.kind == "console":
            for command, shown in block.commands():
                if not command.startswith(("python ", "ablate ")):
                    pytest.fail(f"{command}: say why it is not run")
                status, said = perform(command)
                seen, refused = "\n".join([command, *said]), any(line.startswith("error: ") for line in shown)
                rest = iter(said)
                assert status == (2 if refused else 0), seen
                assert [line for line in shown if line.strip() not in rest] == [], seen
    if script:
        (project / "page.py").write_text(script, encoding="utf-8")
        status, said = perform("python page.py")
        assert status == 0, said


def test_every_yaml_file_that_a_page_shows_is_put_to_use():
    for page in PAGES:
        typed = " ".join(command for block in blocks(page) for command, _ in block.commands())
        for file in [Path(block.file) for block in blocks(page) if block.file and block.file.endswith(".yaml")]:
            there = (ROOT / file).is_file()
            assert there or f"{file.parent.name}={file.stem}" in typed, f"{page.name}: nothing is done with {file}"


@pytest.mark.slow
def test_the_reference_is_what_the_schemas_say():
    written = runpy.run_path(str(ROOT / "scripts" / "reference.py"))["page"]()
    page = (ROOT / "docs" / "config.md").read_text(encoding="utf-8")
    assert page == written, "docs/config.md is out of date: python scripts/reference.py writes it anew"


def test_links_between_files_lead_somewhere():
    for page in [*PAGES, ROOT / "SECURITY.md"]:
        for link in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            assert "://" in link or (page.parent / link).exists(), f"{page.name}: {link}"


@pytest.mark.slow
def test_the_site_is_built_without_a_warning_and_fetches_nothing(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) > len(PAGES) - 1  # all of docs/, and 404.html
    for page in pages:
        fetched = re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=\"?((?:https?:)?//[^\" >]+)", page.read_text())
        assert fetched == [], page.name
