"""An exported log: whatever is changed in the folder, or lied about under the log's own key."""

from __future__ import annotations

import re
import shutil
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

import pytest

from reciprocity.errors import InputError, ProofError
from reciprocity.events import Epoch
from reciprocity.journal.entry import Entry
from reciprocity.prove.epochs import publish_epoch
from reciprocity.prove.export import export_log
from reciprocity.prove.verify import verify_log
from reciprocity.tlog.note import Checkpoint, Note, Signature
from reciprocity.tlog.tiles import TILE_WIDTH, TilePath, partial_tiles
from tests.place import copied
from tests.shop import add_people, new_shop

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reciprocity.platform import Reciprocity
    from tests.prove.verify.conftest import Given

MUTATIONS: dict[str, Callable[[Path], None]] = {}


def mutation(change: Callable[[Path], None]) -> Callable[[Path], None]:
    """Put *change* on the list, under its name."""
    MUTATIONS[change.__name__] = change
    return change


def size_of(log: Path) -> int:
    """How many leaves the folder's checkpoint claims."""
    return Checkpoint.parse(Note.parse((log / "checkpoint").read_bytes()).text).size


def last(log: Path, level: int | None) -> Path:
    """The partial tile, or bundle, at the right edge."""
    for at, index, width in partial_tiles(size_of(log)):
        if at == (level or 0):
            return log / TilePath(level, index, width).encode()
    raise AssertionError("the log has no partial tile at that level")


def flip(path: Path, at: int) -> None:
    """Turn one bit over."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def note(log: Path, change: Callable[[str], str]) -> None:
    """Change the checkpoint's text."""
    text = (log / "checkpoint").read_text()
    changed = change(text)
    assert changed != text
    (log / "checkpoint").write_text(changed)


def lines(log: Path, change: Callable[[list[str]], list[str]]) -> None:
    """Change the checkpoint line by line."""
    note(log, lambda text: "\n".join(change(text.split("\n"))))


# --- entries and tiles --------------------------------------------------------------------------


@mutation
def an_entry_is_another(log: Path) -> None:
    flip(log / "tile/entries/000", 40)


@mutation
def the_last_entry_is_another(log: Path) -> None:
    flip(last(log, None), -1)


@mutation
def an_entry_changes_its_type(log: Path) -> None:
    path = log / "tile/entries/001"
    path.write_bytes(path.read_bytes().replace(b"\x00\x21\x01", b"\x00\x21\x02", 1))


@mutation
def an_entry_is_of_no_type(log: Path) -> None:
    path = log / "tile/entries/001"
    path.write_bytes(path.read_bytes().replace(b"\x00\x21\x01", b"\x00\x21\x09", 1))


@mutation
def a_bundle_is_cut_short(log: Path) -> None:
    path = log / "tile/entries/000"
    path.write_bytes(path.read_bytes()[:-1])


@mutation
def a_bundle_goes_on_after_its_end(log: Path) -> None:
    path = log / "tile/entries/000"
    path.write_bytes(path.read_bytes() + b"\0\0")


@mutation
def a_bundle_is_enormous(log: Path) -> None:
    path = log / "tile/entries/000"
    path.write_bytes(bytes(TILE_WIDTH * (2**16 + 2)))


@mutation
def a_bundle_is_missing(log: Path) -> None:
    (log / "tile/entries/001").unlink()


@mutation
def a_bundle_is_empty(log: Path) -> None:
    (log / "tile/entries/001").write_bytes(b"")


@mutation
def two_bundles_change_places(log: Path) -> None:
    one, other = log / "tile/entries/000", log / "tile/entries/001"
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


@mutation
def two_entries_change_places(log: Path) -> None:
    path = last(log, None)
    data = path.read_bytes()
    ends = [found.start() for found in re.finditer(re.escape(b"\x00\x21\x01"), data)][:2]
    one, other = (data[at : at + 35] for at in ends)
    assert one != other
    path.write_bytes(data.replace(one, b"?" * 35).replace(other, one).replace(b"?" * 35, other))


@mutation
def a_tile_of_hashes_is_another(log: Path) -> None:
    flip(log / "tile/0/001", 77)


@mutation
def a_tile_is_cut_short(log: Path) -> None:
    path = log / "tile/0/000"
    path.write_bytes(path.read_bytes()[:-32])


@mutation
def a_tile_is_longer(log: Path) -> None:
    path = log / "tile/0/000"
    path.write_bytes(path.read_bytes() + bytes(32))


@mutation
def a_tile_is_missing(log: Path) -> None:
    (log / "tile/0/000").unlink()


@mutation
def two_tiles_change_places(log: Path) -> None:
    one, other = log / "tile/0/000", log / "tile/0/001"
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


@mutation
def the_partial_tile_is_another(log: Path) -> None:
    flip(last(log, 0), 5)


@mutation
def the_tile_above_is_another(log: Path) -> None:
    flip(last(log, 1), 5)


@mutation
def a_tile_and_its_bundle_are_another_together(log: Path) -> None:
    """Consistent with each other, but not with what was signed."""
    entries, tile = log / "tile/entries/000", log / "tile/0/000"
    entries.write_bytes((log / "tile/entries/001").read_bytes())
    tile.write_bytes((log / "tile/0/001").read_bytes())


# --- checkpoint ---------------------------------------------------------------------------------


@mutation
def the_checkpoint_claims_one_leaf_less(log: Path) -> None:
    lines(log, lambda text: [text[0], str(int(text[1]) - 1), *text[2:]])


@mutation
def the_checkpoint_claims_one_leaf_more(log: Path) -> None:
    lines(log, lambda text: [text[0], str(int(text[1]) + 1), *text[2:]])


@mutation
def the_checkpoint_claims_a_full_tile(log: Path) -> None:
    lines(log, lambda text: [text[0], "256", *text[2:]])


@mutation
def the_size_has_a_leading_zero(log: Path) -> None:
    lines(log, lambda text: [text[0], f"0{text[1]}", *text[2:]])


@mutation
def the_size_is_no_number(log: Path) -> None:
    lines(log, lambda text: [text[0], "many", *text[2:]])


@mutation
def the_size_is_too_large_for_a_browser(log: Path) -> None:
    lines(log, lambda text: [text[0], str(2**53), *text[2:]])


@mutation
def the_root_is_another(log: Path) -> None:
    def change(text: list[str]) -> list[str]:
        root = bytearray(b64decode(text[2]))
        root[0] ^= 1
        return [*text[:2], b64encode(root).decode(), *text[3:]]

    lines(log, change)


@mutation
def the_root_is_not_base64(log: Path) -> None:
    lines(log, lambda text: [*text[:2], "*" * 44, *text[3:]])


@mutation
def the_checkpoint_is_of_another_origin(log: Path) -> None:
    lines(log, lambda text: ["harbour.example/other", *text[1:]])


@mutation
def the_checkpoint_has_one_line_more(log: Path) -> None:
    lines(log, lambda text: [*text[:3], "extension", *text[3:]])


@mutation
def the_signature_is_another(log: Path) -> None:
    def change(text: str) -> str:
        parsed = Note.parse(text.encode())
        (one,) = parsed.signatures
        wrong = bytes([one.signature[0] ^ 1]) + one.signature[1:]
        return Note(parsed.text, (Signature(one.name, one.key_id, wrong),)).encode().decode()

    note(log, change)


@mutation
def the_signature_is_by_an_unknown_key(log: Path) -> None:
    def change(text: str) -> str:
        parsed = Note.parse(text.encode())
        (one,) = parsed.signatures
        wrong = Signature(one.name, b"\1\2\3\4", one.signature)
        return Note(parsed.text, (wrong,)).encode().decode()

    note(log, change)


@mutation
def the_signature_is_under_another_name(log: Path) -> None:
    note(log, lambda text: text.replace("— harbour.example/shop", "— harbour.example/other"))


@mutation
def the_checkpoint_has_no_signature(log: Path) -> None:
    note(log, lambda text: text[: text.index("— ")])


@mutation
def the_checkpoint_is_no_text(log: Path) -> None:
    (log / "checkpoint").write_bytes(b"\xff\xfe" * 40)


@mutation
def the_checkpoint_is_empty(log: Path) -> None:
    (log / "checkpoint").write_bytes(b"")


@mutation
def the_checkpoint_is_enormous(log: Path) -> None:
    (log / "checkpoint").write_bytes(b"a" * (1 << 19))


@mutation
def the_checkpoint_ends_in_blanks(log: Path) -> None:
    note(log, lambda text: text.replace("\n", " \n", 1))


def test_the_log_holds_as_it_is(given: Given) -> None:
    found = verify_log(given.log, [given.key])
    assert found.epochs == 3
    assert found.size == found.personal + found.brand + found.public
    assert found.size > 2 * TILE_WIDTH


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_changed_log_is_refused(given: Given, name: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    shutil.copytree(given.log, log)
    verify_log(log, [given.key])
    MUTATIONS[name](log)
    with pytest.raises(ProofError):
        verify_log(log, [given.key])


def test_a_signature_by_an_unknown_key_besides_is_ignored(given: Given, tmp_path: Path) -> None:
    log = tmp_path / "log"
    shutil.copytree(given.log, log)
    parsed = Note.parse((log / "checkpoint").read_bytes())
    more = Signature("somebody.example", b"\1\2\3\4", b"x" * 72)
    (log / "checkpoint").write_bytes(Note(parsed.text, (more, *parsed.signatures)).encode())
    verify_log(log, [given.key])


def test_a_folder_without_a_log_is_bad_input(given: Given, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no exported log"):
        verify_log(tmp_path, [given.key])


# --- what the log's own key can sign and still not get away with --------------------------------


def lies(shop: Reciprocity, tmp_path: Path, body: Epoch) -> None:
    """The brand states *body*, signs it, exports."""
    shop.journal.append([Entry(kind="epoch.published", body=body)])
    export_log(shop.journal, tmp_path / "log")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sum_n": 4}, "states 4 personal events, the log has 5"),
        ({"sum_n": 6}, "states 6 personal events, the log has 5"),
        ({"number": 3}, "is not number 2"),
        ({"number": 1}, "is not number 2"),
        ({"size": 10_000}, "covers itself"),
        ({"size": 0, "sum_n": 0}, "goes back"),
        ({"slots": 1}, "goes back"),
    ],
)
def test_an_epoch_that_counts_wrongly_is_found(
    tmp_path: Path, change: dict[str, int], says: str
) -> None:
    with new_shop(tmp_path) as shop:
        add_people(shop, 5)
        first = publish_epoch(shop.journal)
        right = {
            "number": 2, "size": shop.journal.state().size, "slots": first.slots,
            "root": first.root, "sum_n": first.sum_n,
        }  # fmt: skip
        lies(shop, tmp_path, Epoch(**(right | change)))
        with pytest.raises(ProofError, match=says):
            verify_log(tmp_path / "log", [shop.journal.signer().verifier_key.encode()])


def test_a_log_that_was_seen_goes_on_from_there(given: Given, tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        add_people(shop, 300)
        key = shop.journal.signer().verifier_key.encode()
        seen = shop.journal.state().checkpoint
        add_people(shop, 30)
        export_log(shop.journal, tmp_path / "log")
        assert verify_log(tmp_path / "log", [key], seen).consistent_with > 300
        with pytest.raises(ProofError):  # another log's checkpoint
            verify_log(tmp_path / "log", [key, given.key], (given.log / "checkpoint").read_bytes())


def test_two_histories_under_one_key_do_not_go_on_from_each_other(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        add_people(shop, 10)
    copied(tmp_path, tmp_path.parent / f"{tmp_path.name}-other")
    seen, key = b"", ""
    for folder, people in ((tmp_path, 3), (tmp_path.parent / f"{tmp_path.name}-other", 5)):
        with new_shop(folder) as shop:
            add_people(shop, people)
            key = shop.journal.signer().verifier_key.encode()
            if not seen:
                seen = shop.journal.state().checkpoint
            export_log(shop.journal, folder / "log")
    with pytest.raises(ProofError, match="not those that were seen"):
        verify_log(tmp_path.parent / f"{tmp_path.name}-other" / "log", [key], seen)
