"""The golden journal of the first release: every later one rebuilds and verifies it."""

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

from reciprocity.errors import InputError
from reciprocity.events import KINDS
from reciprocity.journal.journal import Journal
from reciprocity.journal.restore import check_tree
from reciprocity.journal.safekeeping import Safekeeping
from reciprocity.tlog.note import open_checkpoint
from reciprocity.tlog.signing import LogVerifier
from tests.journal.small import NOON, Clock, noted, yes

GOLDEN = Path(__file__).resolve().parents[1] / "vectors" / "golden"
MOST_BYTES = 300_000


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("golden_build", GOLDEN / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def expected() -> dict[str, Any]:
    return msgspec.json.decode((GOLDEN / "expected.json").read_bytes())


SINCE = frozenset({
    "log.key_changed", "epoch.published", "challenge.begun", "challenge.answered", "feedback.given",
    "scorecard.published",
})  # fmt: skip
"""Kinds published after the golden journal was made; it stays as it is."""


def _open(root: Path) -> Journal:
    (root / "live").mkdir()
    for name in ("journal.db", "keys.db"):
        shutil.copyfile(GOLDEN / name, root / "live" / name)
    shutil.copyfile(GOLDEN / "master.key", root / "master.key")
    Safekeeping.create(root / "safe").close()
    return Journal(
        root / "live",
        master_key=root / "master.key",
        safekeeping=root / "safe",
        clock=Clock(NOON + 10**7),
    )


def test_it_is_rebuilt_to_what_stood_when_it_was_written(
    tmp_path: Path, builder: ModuleType, expected: dict[str, Any]
) -> None:
    with _open(tmp_path) as journal:
        assert builder.standing_of(journal) == expected["standing"]
        journal.rebuild()
        assert builder.standing_of(journal) == expected["standing"]


def test_its_log_is_verified(tmp_path: Path, expected: dict[str, Any]) -> None:
    with _open(tmp_path) as journal:
        check_tree(journal)
        state = journal.state()
        assert state.checkpoint.decode() == expected["checkpoint"]
        checkpoint = open_checkpoint(state.checkpoint, LogVerifier.parse(expected["key"]))
        assert (checkpoint.size, checkpoint.root.hex()) == (expected["size"], expected["root"])


def test_it_holds_every_kind_there_is_and_all_can_be_read(
    tmp_path: Path, builder: ModuleType, expected: dict[str, Any]
) -> None:
    with _open(tmp_path) as journal:
        assert builder.kinds_of(journal) == expected["kinds"]
        assert {kind for kind, _ in KINDS} - SINCE <= expected["kinds"].keys()
        for row in journal.reader.rows(0, journal.state().size):
            if row.kind is not None:
                assert journal.reader.open(row).kind == row.kind


def test_it_goes_on(tmp_path: Path) -> None:
    with _open(tmp_path) as journal:
        journal.append([yes(0)])
        journal.append([noted()])
        check_tree(journal)


def test_it_is_small_and_the_copy_alone_is_touched(tmp_path: Path) -> None:
    files = {file.name: file.read_bytes() for file in GOLDEN.iterdir() if file.is_file()}
    _open(tmp_path).close()
    assert files == {file.name: file.read_bytes() for file in GOLDEN.iterdir() if file.is_file()}
    assert sum(map(len, files.values())) < MOST_BYTES
    assert files.keys() == {"build.py", "expected.json", "journal.db", "keys.db", "master.key"}
    with pytest.raises(InputError):
        Journal(tmp_path, master_key=tmp_path / "k", safekeeping=tmp_path / "s")
