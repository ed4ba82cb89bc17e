"""The pinned requirements are those of the package, each with its hash, none with an address."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest

from docs.build import ROOT

FILES = ("build", "run", "dev")
NOT_PACKAGED = ("__pycache__", "*.egg-info")


def text_of(file: str) -> str:
    return (ROOT / "requirements" / file).read_text(encoding="utf-8")


def pins(name: str) -> dict[str, set[str]]:
    """The pinned versions of each distribution: more than one where platforms differ."""
    found: dict[str, set[str]] = {}
    for package, version in re.findall(
        r"^([\w.-]+)==([\w.]+)", text_of(f"{name}.txt"), re.MULTILINE
    ):
        found.setdefault(package, set()).add(version)
    return found


def wanted(requirement: str) -> str:
    return re.split(r"[\[<>=! ;]", requirement, maxsplit=1)[0].lower()


def test_what_is_pinned_is_what_the_package_declares():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    run = {wanted(requirement) for requirement in declared["project"]["dependencies"]}
    assert run == set(text_of("run.in").split())
    assert {wanted(line) for line in declared["build-system"]["requires"]} <= pins("build").keys()


@pytest.mark.parametrize("name", FILES)
def test_everything_asked_for_is_pinned(name: str):
    asked = [line for line in text_of(f"{name}.in").splitlines() if line and line[0] not in "-#"]
    assert {wanted(line) for line in asked} <= pins(name).keys()


@pytest.mark.parametrize("name", FILES)
def test_every_pin_carries_its_hash_and_no_address(name: str):
    text = text_of(f"{name}.txt")
    assert "://" not in text
    assert "index-url" not in text
    entries = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]
    assert entries
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_developers_run_what_users_run():
    dev = pins("dev")
    assert {name: dev.get(name) for name in pins("run")} == pins("run")


def test_the_wheel_holds_every_file_of_the_package(tmp_path: Path):
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "src", source / "src", ignore=shutil.ignore_patterns(*NOT_PACKAGED))
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--wheel-dir", str(tmp_path), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    packed = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    written = {str(path.relative_to(ROOT / "src")) for path in packaged()}
    assert packed == written


def packaged() -> list[Path]:
    """The files below `src` that are in the repository, or would be with the next commit."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "src"]
    done = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]
