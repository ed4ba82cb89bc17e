"""The verifiers run where nothing is installed but Python and `cryptography`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.prove.verify.conftest import Given

SOURCE = Path(__file__).resolve().parents[3] / "src"
ALONE = """
import sys, runpy
class Refuse:
    def find_spec(self, name, path=None, target=None):
        root = name.partition(".")[0]
        if root not in sys.stdlib_module_names | {"reciprocity", "cryptography", "_cffi_backend",
                                                  "cffi", "pycparser", "__main__"}:
            raise ImportError(f"not there on such a machine: {name}")
        return None
sys.meta_path.insert(0, Refuse())
sys.argv = ["verify", *sys.argv[1:]]
runpy.run_module("reciprocity.prove.verify", run_name="__main__", alter_sys=True)
"""


def alone(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the verifiers in a process that can import the two and nothing else."""
    return subprocess.run(
        [sys.executable, "-c", ALONE, *arguments],
        capture_output=True, text=True, check=False, env={"PYTHONPATH": str(SOURCE)}, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize("what", ["receipt", "person", "log"])
def test_they_need_nothing_of_what_made_the_proofs(given: Given, what: str, tmp_path: Path) -> None:
    path = given.log if what == "log" else tmp_path / "file.json"
    if what != "log":
        path.write_bytes(getattr(given, what))
    done = alone(what, str(path), "--key", given.key)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["origin"] == "harbour.example/shop"


def test_such_a_machine_lacks_what_made_the_proofs() -> None:
    script = ALONE.replace("runpy.run_module", "import msgspec; print")
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True, text=True, check=False, env={"PYTHONPATH": str(SOURCE)}, timeout=60,
    )  # fmt: skip
    assert "not there on such a machine: msgspec" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["person", "missing.json"], 2, "cannot be read"),
        (["log", "."], 2, "no verifier key"),
        (["log", ".", "--key", "a+b+c"], 2, "verifier key is none"),
    ],
)
def test_bad_input_says_what_to_do(arguments: list[str], code: int, says: str) -> None:
    done = alone(*arguments)
    assert done.returncode == code
    assert says in done.stderr


@pytest.mark.parametrize("what", ["person", "log"])
def test_an_empty_file_is_nothing_that_was_seen(given: Given, tmp_path: Path, what: str) -> None:
    (tmp_path / "p.json").write_bytes(given.person)
    (tmp_path / "seen").write_bytes(b"")
    path = given.log if what == "log" else tmp_path / "p.json"
    done = alone(what, str(path), "--key", given.key, "--seen", str(tmp_path / "seen"))
    assert (done.returncode, "is empty" in done.stderr) == (2, True)


def test_a_proof_that_does_not_hold_ends_with_one(given: Given, tmp_path: Path) -> None:
    (tmp_path / "p.json").write_bytes(given.person.replace(b"withdrawn", b"confirmed"))
    done = alone("person", str(tmp_path / "p.json"), "--key", given.key)
    assert done.returncode == 1
    assert done.stderr.startswith("does not hold: ")
