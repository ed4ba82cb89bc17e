"""What a brand writes into its own log under its own key, and does not get away with."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from reciprocity.errors import InputError, ProofError
from reciprocity.events import Epoch
from reciprocity.journal.leaf import store_public
from reciprocity.prove.verify import VerifiedLog, verify_log
from reciprocity.tlog.merkle import root_at
from reciprocity.tlog.policy import Policy
from reciprocity.tlog.signing import LogSigner, key_change_text
from tests.prove.brand import Brand, signer

if TYPE_CHECKING:
    from pathlib import Path

VALUE = "a value that only the auditor knows"
COMMITMENT = sha256(VALUE.encode()).hexdigest()
OLD, NEW, NEWEST = signer(7), signer(8), signer(9)


@pytest.fixture
def brand() -> Brand:
    """A log with a beginning, two people, and an epoch."""
    made = Brand()
    made.statements()
    own = {0: [made.consents(0)], 1: [made.consents(1)]}
    made.epoch(1, own, 2)
    return made


def verified(brand: Brand, folder: Path, *keys: str, **more: Any) -> VerifiedLog:
    note = more.pop("note", "")
    return verify_log(brand.export(folder, note), list(keys) or [brand.key], **more)


def refused(brand: Brand, folder: Path, says: str, *keys: str, **more: Any) -> None:
    with pytest.raises(ProofError, match=says):
        verified(brand, folder, *keys, **more)


def members(brand: Brand, *slots: int) -> dict[int, list[int]]:
    """All events of *slots* so far."""
    found: dict[int, list[int]] = {}
    for index, text in enumerate(brand.texts):
        said = json.loads(text)
        if said.get("slot") in slots:
            found.setdefault(said["slot"], []).append(index)
    return found


# --- what must be in clear ------------------------------------------------------------------------


def test_an_epoch_so_long_that_its_leaf_is_a_hash_is_told_of(brand: Brand, tmp_path: Path) -> None:
    assert verified(brand, tmp_path).hashed == 0
    brand.epoch(2, {}, 2, padding="x" * 17_000)
    found = verified(brand, tmp_path)
    assert (found.hashed, found.epochs) == (1, 1)


def test_an_epoch_with_a_field_more_is_refused(brand: Brand, tmp_path: Path) -> None:
    brand.epoch(2, members(brand, 0, 1), 2, padding="x")
    refused(brand, tmp_path, "other fields")


@pytest.mark.parametrize("missing", ["number", "size", "slots", "root", "sum_n"])
def test_an_epoch_with_a_field_less_is_refused(brand: Brand, tmp_path: Path, missing: str) -> None:
    body = json.loads(brand.texts[-1])["body"]
    body.update(number=2, size=brand.size)
    del body[missing]
    brand.public("epoch.published", body)
    refused(brand, tmp_path, "other fields")


def test_an_epoch_of_another_version_or_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    for kind, v in (("epoch.published", 2), ("epoch.other", 1), ("log.", 1), ("challenge.x", 1)):
        brand = Brand()
        brand.public(kind, {}, v=v)
        refused(brand, tmp_path, "newer verifier")


@pytest.mark.parametrize("kind", ["epoch.published", "challenge.answered", "log.key_changed"])
def test_the_writer_stores_no_hash_where_clear_text_belongs(kind: str) -> None:
    with pytest.raises(InputError, match="clear text"):
        store_public(kind, bytes(16_384))
    assert store_public("brand.applied", bytes(16_384)).leaf[:1] == b"\4"
    assert Epoch(number=2**53, size=2**53, slots=2**53, root="0" * 64, sum_n=2**53)


# --- epochs ---------------------------------------------------------------------------------------


def test_epochs_dated_today_that_cover_an_old_size_are_refused(
    brand: Brand, tmp_path: Path
) -> None:
    size = brand.size - 1
    for version in range(2, 22):
        brand.consents(0, version)
    own = {0: [1], 1: [2]}
    brand.epoch(2, own, 2, at=9 * 10**12, size=size)
    refused(brand, tmp_path, "every event since is left out")


def test_an_epoch_dated_before_what_it_follows_is_refused(brand: Brand, tmp_path: Path) -> None:
    brand.epoch(2, members(brand, 0, 1), 2, at=999)
    refused(brand, tmp_path, "recorded before")


def test_a_statement_dated_before_what_it_follows_is_refused(brand: Brand, tmp_path: Path) -> None:
    brand.public("brand.applied", {}, at=999)
    refused(brand, tmp_path, "recorded before")


def test_an_auditor_sees_how_far_epochs_lag_behind(brand: Brand, tmp_path: Path) -> None:
    size = brand.size
    for version in range(2, 7):
        brand.consents(0, version)
    own = {0: [1], 1: [2]}
    brand.epoch(2, own, 2, at=1000 + 5_000, size=size)
    brand.epoch(3, members(brand, 0, 1), 2, at=1000 + 95_000)
    for version in range(7, 10):
        brand.consents(0, version)
    brand.public("brand.applied", {}, at=1000 + 100_000)
    found = verified(brand, tmp_path)
    assert (found.epochs, found.epoch_at, found.newest_at) == (3, 96_000, 101_000)
    assert (found.most_behind, found.behind, found.longest_ms) == (5, 3, 90_000)


# --- challenges -----------------------------------------------------------------------------------


def begin(brand: Brand, **other: Any) -> int:
    body = {"number": 1, "epoch": 1, "count": 2, "commitment": COMMITMENT}
    return brand.public("challenge.begun", body | other)


def answer(brand: Brand, **other: Any) -> int:
    size = other.pop("size", brand.size)
    body = {
        "number": 1, "value": VALUE, "size": size, "root": root_at(size, brand.tree).hex(),
        "people": 1, "erased": 0, "unused": 1,
    }  # fmt: skip
    return brand.public("challenge.answered", body | other)


def test_a_challenge_begun_and_not_answered_is_told_of(brand: Brand, tmp_path: Path) -> None:
    begin(brand)
    begin(brand, number=2, commitment="00" * 32)
    answer(brand)
    found = verified(brand, tmp_path)
    assert (found.challenges, found.unanswered) == (2, (2,))


@pytest.mark.parametrize(
    ("again", "says"),
    [
        ({"number": 2}, "commitment that another was begun with"),
        ({"number": 1, "commitment": "00" * 32}, "is not number 2"),
        ({"number": 3, "commitment": "00" * 32}, "is not number 2"),
        ({"number": 2, "commitment": "00" * 32, "epoch": 2}, "names epoch 2"),
    ],
)
def test_a_challenge_is_begun_once(
    brand: Brand, tmp_path: Path, again: dict[str, Any], says: str
) -> None:
    begin(brand)
    begin(brand, **again)
    refused(brand, tmp_path, says)


def test_a_challenge_names_the_newest_epoch(brand: Brand, tmp_path: Path) -> None:
    for number in (2, 3):
        brand.epoch(number, members(brand, 0, 1), 2)
    begin(brand)
    refused(brand, tmp_path, "the newest is 3")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"number": 2}, "never begun"),
        ({"value": "another"}, "not the one"),
        ({"size": 2}, "does not lie between"),
        ({"size": 3, "root": "00" * 32}, "does not lie between"),
        ({"root": "00" * 32}, "that are not these"),
    ],
)
def test_an_answer_that_fits_no_challenge_is_refused(
    brand: Brand, tmp_path: Path, body: dict[str, Any], says: str
) -> None:
    begin(brand)
    answer(brand, **body)
    refused(brand, tmp_path, says)


def test_a_second_answer_is_refused(brand: Brand, tmp_path: Path) -> None:
    begin(brand)
    answer(brand)
    answer(brand)
    refused(brand, tmp_path, "answered again")


# --- keys -----------------------------------------------------------------------------------------


def change(brand: Brand, old: LogSigner, new: LogSigner, **other: str) -> int:
    old_key, new_key = old.verifier_key.encode(), new.verifier_key.encode()
    message = key_change_text(brand.name, old_key, new_key)
    body = {
        "origin": brand.name, "old_key": old_key, "new_key": new_key,
        "old_signature": b64encode(old.sign(message)).decode(),
        "new_signature": b64encode(new.sign(message)).decode(),
    }  # fmt: skip
    return brand.public("log.key_changed", body | other)


def key(one: LogSigner) -> str:
    return one.verifier_key.encode()


def test_a_key_once_superseded_speaks_no_more(brand: Brand, tmp_path: Path) -> None:
    change(brand, OLD, NEW)
    both = brand.checkpoint(signers=[NEW, OLD])
    verified(brand, tmp_path / "a", key(OLD), note=both)
    brand.public("brand.applied", {})
    verified(brand, tmp_path / "b", key(OLD), note=brand.checkpoint(signers=[NEW]))
    for keys in ([key(OLD)], [key(OLD), key(NEW)]):
        refused(brand, tmp_path / "c", "none of its", *keys, note=brand.checkpoint(signers=[OLD]))


def test_a_policy_that_names_the_old_key_does_not_bring_it_back(
    brand: Brand, tmp_path: Path
) -> None:
    policy = Policy.parse(f"log {key(OLD)}\nquorum none\n".encode())
    change(brand, OLD, NEW)
    stolen = brand.checkpoint(signers=[OLD])
    with pytest.raises(ProofError):
        verify_log(brand.export(tmp_path, stolen), [], policy=policy)
    verify_log(brand.export(tmp_path, brand.checkpoint(signers=[NEW])), [], policy=policy)


def test_a_superseded_key_changes_nothing_more(brand: Brand, tmp_path: Path) -> None:
    change(brand, OLD, NEW)
    change(brand, OLD, NEWEST)
    refused(brand, tmp_path, "but the log signed with", key(OLD))


def test_what_was_seen_under_the_old_key_is_still_known(brand: Brand, tmp_path: Path) -> None:
    seen = brand.checkpoint().encode()
    change(brand, OLD, NEW)
    late = brand.checkpoint(signers=[OLD]).encode()
    brand.public("brand.applied", {})
    note = brand.checkpoint(signers=[NEW])
    assert verified(brand, tmp_path / "a", key(OLD), note=note, seen=seen).consistent_with
    refused(brand, tmp_path / "b", "none of its", key(OLD), note=note, seen=late)


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"old_signature": "A" * 86 + "=="}, "old_signature does not hold"),
        ({"new_signature": "A" * 86 + "=="}, "new_signature does not hold"),
        ({"old_signature": ""}, "base64"),
        ({"new_key": "rubbish"}, "names a key that is none"),
        ({"new_key": key(signer(3, "other.example/log"))}, "not one of evil"),
        ({"origin": "other.example/log"}, "is of another log"),
    ],
)
def test_a_key_change_that_is_none_names_itself(
    brand: Brand, tmp_path: Path, other: dict[str, str], says: str
) -> None:
    change(brand, OLD, NEW, **other)
    refused(brand, tmp_path, f"log.key_changed at leaf 4.*{says}", key(OLD), key(NEW))


def test_a_key_change_of_keys_that_never_signed_the_log_is_refused(
    brand: Brand, tmp_path: Path
) -> None:
    change(brand, NEW, NEWEST)
    refused(brand, tmp_path, "log.key_changed at leaf 4: replaces", key(OLD))


def test_a_log_begins_once(brand: Brand, tmp_path: Path) -> None:
    brand.statements()
    refused(brand, tmp_path, "begins once")


# --- what lies in the folder ----------------------------------------------------------------------


@pytest.mark.parametrize("path", ["checkpoint", "tile/0/000.p/4", "tile/entries/000.p/4"])
def test_a_pipe_or_a_folder_in_the_place_of_a_file_is_refused_at_once(
    brand: Brand, tmp_path: Path, path: str
) -> None:
    brand.export(tmp_path)
    (tmp_path / path).unlink()
    os.mkfifo(tmp_path / path)
    with pytest.raises(ProofError, match="is no file"):
        verify_log(tmp_path, [brand.key])
    (tmp_path / path).unlink()
    (tmp_path / path).mkdir()
    with pytest.raises(ProofError, match="is no file"):
        verify_log(tmp_path, [brand.key])


def test_a_link_out_of_the_folder_shows_nothing_of_what_it_leads_to(
    brand: Brand, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("what nobody may see\n" * 99)
    brand.export(tmp_path / "log")
    for path in ("tile/entries/000.p/4", "checkpoint"):
        (tmp_path / "log" / path).unlink()
        (tmp_path / "log" / path).symlink_to(tmp_path / "secret")
        with pytest.raises(ProofError) as caught:
            verify_log(tmp_path / "log", [brand.key])
        assert "nobody" not in str(caught.value)
    (tmp_path / "log" / "checkpoint").unlink()
    (tmp_path / "log" / "checkpoint").symlink_to("/dev/zero")
    with pytest.raises(ProofError, match="is no file"):
        verify_log(tmp_path / "log", [brand.key])
