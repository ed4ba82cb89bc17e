"""The command line, run inside the test or as a process of its own, on a real brand folder."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from reciprocity.cli import main

COMMAND = Path(sys.executable).with_name("reciprocity")


class Ran(NamedTuple):
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Shop(NamedTuple):
    """A brand in a folder, and the command line at work on it."""

    folder: Path
    run: Callable[..., Ran]

    @property
    def place(self) -> Path:
        return self.folder.parent

    def done(self, *arguments: object) -> Ran:
        """Run and demand success."""
        ran = self.run("--brand", self.folder, "--operator", "tests", *arguments)
        assert ran.code == 0, ran
        return ran

    def refused(self, *arguments: object, code: int = 2) -> Ran:
        """Run and demand that it ends with *code*, without a traceback."""
        ran = self.run("--brand", self.folder, "--operator", "tests", *arguments)
        assert ran.code == code, ran
        assert "Traceback" not in ran.err
        return ran

    def yes(self, name: str, *topics: str) -> None:
        """Make a person known as *name* who said yes to offers and rated *topics*."""
        self.done("person", "add", "--id", name, "--address", f"email={name}@people.example",
                  "--confirmed")  # fmt: skip
        self.done("person", "grant", f"id:{name}", "offers", "--notice", "offers")
        rated = [word for topic in topics for word in ("--topic", topic)]
        self.done("person", "prefer", f"id:{name}", *rated)


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are as wide as they are without a terminal, whatever this shell says of its own."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run the command line inside this process."""

    def run(*arguments: object) -> Ran:
        code = main([str(argument) for argument in arguments])
        return Ran(code, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a brand that is in force; copied, never changed."""
    place = tmp_path_factory.mktemp("applied")
    assert main(["init", str(place / "shop")]) == 0
    without_quiet_time(place / "shop")
    assert main(["--brand", str(place / "shop"), "--operator", "tests", "apply"]) == 0
    return place


@pytest.fixture
def shop(applied: Path, tmp_path: Path, cli: Callable[..., Ran]) -> Shop:
    """A brand of the test's own, in force, with nobody in it."""
    shutil.copytree(applied, tmp_path / "place")
    return Shop(tmp_path / "place" / "shop", cli)


def without_quiet_time(folder: Path) -> None:
    """Let the starter brand send at any hour, so that no test depends on the clock."""
    file = folder / "brand.toml"
    text = file.read_text("utf-8")
    text = text.replace('quiet_from = "21:00"', 'quiet_from = "00:00"')
    file.write_text(text.replace('quiet_until = "08:00"', 'quiet_until = "00:00"'), "utf-8")


def process(*arguments: object, folder: Path | None = None) -> Ran:
    """Run the installed command as a process of its own."""
    done = subprocess.run(
        [COMMAND, *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "RECIPROCITY_OPERATOR": "tests", "COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)
