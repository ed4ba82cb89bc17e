"""Code in the documentation does what the text around it says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from docs.build import ROOT, pages
from tests.docs.blocks import Block, marked

INTERPRETERS = {"python": [sys.executable, "-W", "error", "-"], "sh": ["sh", "-eu"]}
FIRST = ROOT / "examples" / "first.py"


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", pages(), ids=name)
def test_a_block_that_is_marked_runs(page: Path, tmp_path: Path):
    for block in marked(page):
        if not block.file:
            run(block, page, tmp_path)


@pytest.mark.parametrize("page", pages(), ids=name)
def test_a_block_that_shows_a_file_is_that_file_word_for_word(page: Path):
    for block in marked(page):
        if block.file:
            file = ROOT / block.file
            assert file.is_file(), f"{name(page)}:{block.line}: there is no {block.file}"
            assert block.text == file.read_text(encoding="utf-8"), f"{name(page)}:{block.line}"


def test_the_readme_shows_the_first_example_and_it_runs(tmp_path: Path):
    shown = [block.file for block in marked(ROOT / "README.md")]
    assert "examples/first.py" in shown
    run(Block("python", FIRST.read_text(encoding="utf-8"), "", 0), FIRST, tmp_path)
    again = subprocess.run(
        [sys.executable, FIRST], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    said = "shop was made here before: run this in a new, empty folder\n"
    assert (again.returncode, again.stdout, again.stderr) == (1, "", said)


def run(block: Block, page: Path, folder: Path) -> None:
    """Run *block* in *folder*, with our own command on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        INTERPRETERS[block.language],
        input=block.text,
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    said = f"{name(page)}:{block.line} exits {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert done.returncode == 0, said
