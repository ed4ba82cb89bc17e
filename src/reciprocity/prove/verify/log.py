"""Verifying a log as a folder of files: each leaf and tile, the signed root, the epochs.

What an auditor does who trusts nobody: no leaf of a person can be opened here, but all can be
counted, and each epoch must have counted the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast

from reciprocity.errors import InputError, ProofError
from reciprocity.prove.verify.entry import (
    Json,
    followed,
    keys_from,
    leaf_of,
    number,
    open_under,
)
from reciprocity.tlog.merkle import HASH_BYTES, hash_leaves, root_at
from reciprocity.tlog.note import Checkpoint, Note
from reciprocity.tlog.policy import Policy
from reciprocity.tlog.tiles import (
    ENTRY_BYTES,
    TILE_WIDTH,
    Edge,
    TilePath,
    TileReader,
    parse_entries,
    parse_tile,
    partial_tiles,
    tile_width,
)

__all__ = ["VerifiedLog", "verify_log"]

_PERSONAL, _BRAND, _CLEAR, _HASHED = 1, 2, 3, 4
_MOST_BUNDLE: Final = TILE_WIDTH * (ENTRY_BYTES + 2)


@dataclass(frozen=True, slots=True)
class VerifiedLog:
    """A log that holds: what its checkpoint signs, and what can be counted in it.

    *personal*, *brand* and *public* are numbers of leaves; *epochs* how many were stated, each with
    the right count; *root* is in hex. *consistent_with* is the size of the checkpoint seen before.
    """

    origin: str
    size: int
    root: str
    personal: int
    brand: int
    public: int
    epochs: int
    consistent_with: int
    cosigned_by: tuple[str, ...]


@dataclass(slots=True)
class _Counted:
    """What the leaves seen so far come to."""

    index: int = 0
    kinds: list[int] = field(default_factory=lambda: [0] * 5)
    personal_at: list[int] = field(default_factory=list)
    epochs: list[tuple[int, Json]] = field(default_factory=list)
    changes: list[Json] = field(default_factory=list)

    def see(self, leaf: bytes) -> None:
        """Count the next leaf; keep it if it states an epoch."""
        kind = leaf[0] if leaf else 0
        if not _PERSONAL <= kind <= _HASHED or (kind != _CLEAR and len(leaf) != 1 + HASH_BYTES):
            raise ProofError(f"leaf {self.index}: is of no published form")
        self.kinds[kind] += 1
        if kind == _PERSONAL:
            self.personal_at.append(self.index)
        elif kind == _CLEAR:
            self._public(leaf)
        self.index += 1

    def _public(self, leaf: bytes) -> None:
        what = f"leaf {self.index}"
        try:
            event, again = leaf_of(leaf[1:].decode(), b"", what)
        except UnicodeDecodeError as error:
            raise ProofError(f"{what}: is not UTF-8") from error
        if again != leaf:
            raise ProofError(f"{what}: a public leaf that is no public event")
        if event["kind"] == "epoch.published" and event["v"] == 1:
            self.epochs.append((self.index, cast("Json", event["body"])))
        elif event["kind"] == "log.key_changed" and event["v"] == 1:
            self.changes.append(cast("Json", event["body"]))


def verify_log(
    folder: Path, keys: Sequence[str], seen: bytes = b"", policy: Policy | None = None
) -> VerifiedLog:
    """What the exported log in *folder* shows under one of *keys*, or those of *policy*.

    *seen* is an older checkpoint, which the log must go on from.

    Raises `ProofError` saying what does not hold, `InputError` for a key that is none or a folder
    without a checkpoint.
    """
    verifiers, note = keys_from(keys, policy), _file(folder, "checkpoint", 1 << 18)
    checkpoint = Checkpoint.parse(Note.parse(note).text)  # believed once somebody known signed it
    counted = _check_tree(folder, checkpoint)
    verifiers = followed(verifiers, counted.changes)
    _, cosigned_by = open_under(note, verifiers, policy)
    _check_epochs(counted)
    return VerifiedLog(
        origin=checkpoint.origin,
        size=checkpoint.size,
        root=checkpoint.root.hex(),
        personal=counted.kinds[_PERSONAL],
        brand=counted.kinds[_BRAND],
        public=counted.kinds[_CLEAR] + counted.kinds[_HASHED],
        epochs=len(counted.epochs),
        consistent_with=_check_seen(folder, checkpoint, open_under(seen, verifiers)[0])
        if seen
        else 0,
        cosigned_by=cosigned_by,
    )


def _check_tree(folder: Path, checkpoint: Checkpoint) -> _Counted:
    """Hold that entries make the tiles, and tiles the root; what the entries are."""
    edge, counted = Edge(), _Counted()
    for start in range(0, checkpoint.size, TILE_WIDTH):
        index, width = start // TILE_WIDTH, min(TILE_WIDTH, checkpoint.size - start)
        path = TilePath(None, index, width).encode()
        entries = parse_entries(_file(folder, path, _MOST_BUNDLE), width)
        _, tiles = edge.extend(hash_leaves(entries))
        for tile in tiles:
            _check_tile(folder, tile.level, tile.index, tile.hashes)
        for leaf in entries:
            counted.see(leaf)
    if edge.root() != checkpoint.root:
        raise ProofError(f"log: its {checkpoint.size} entries do not make the root that was signed")
    rows = edge.partial_tiles()
    for level, index, _ in partial_tiles(checkpoint.size):
        _check_tile(folder, level, index, rows[level])
    return counted


def _check_tile(folder: Path, level: int, index: int, hashes: bytes) -> None:
    path = TilePath(level, index, len(hashes) // HASH_BYTES).encode()
    found = _file(folder, path, TILE_WIDTH * HASH_BYTES)
    parse_tile(found, len(hashes) // HASH_BYTES)
    if found != hashes:
        raise ProofError(f"log: {path} is not what the entries make")


def _check_epochs(counted: _Counted) -> None:
    """Hold each epoch's count against the leaves below it, and their order."""
    before_number, before_size, before_slots, at = 0, 0, 0, 0
    for index, body in counted.epochs:
        what = f"epoch at leaf {index}"
        size, slots = number(body, "size", what), number(body, "slots", what)
        if number(body, "number", what) != before_number + 1:
            raise ProofError(f"{what}: is not number {before_number + 1}, which follows")
        if not before_size <= size <= index or slots < before_slots:
            raise ProofError(f"{what}: goes back behind the one before it, or covers itself")
        while at < len(counted.personal_at) and counted.personal_at[at] < size:
            at += 1
        if number(body, "sum_n", what) != at:
            raise ProofError(f"{what}: states {body['sum_n']} personal events, the log has {at}")
        before_number, before_size, before_slots = before_number + 1, size, slots


def _check_seen(folder: Path, checkpoint: Checkpoint, seen: Checkpoint) -> int:
    """Hold that the log goes on from what was seen of it before; the size it had then."""
    if seen.origin != checkpoint.origin or seen.size > checkpoint.size:
        raise ProofError(
            f"log: has {checkpoint.size} entries of {checkpoint.origin}, but {seen.size} of "
            f"{seen.origin} were seen before"
        )

    def read_tile(level: int, index: int, width: int) -> bytes:
        whole = tile_width(level, index, checkpoint.size)
        path = TilePath(level, index, whole).encode()
        return _file(folder, path, TILE_WIDTH * HASH_BYTES)[: width * HASH_BYTES]

    if root_at(seen.size, TileReader(read_tile, seen.size)) != seen.root:
        raise ProofError(f"log: its first {seen.size} entries are not those that were seen before")
    return seen.size


def _file(folder: Path, path: str, most: int) -> bytes:
    try:
        with (folder / path).open("rb") as file:
            data = file.read(most + 1)
    except FileNotFoundError as error:
        if path == "checkpoint":
            raise InputError(
                f"folder {folder} holds no exported log: it has no checkpoint"
            ) from error
        raise ProofError(f"log: {path} is missing") from error
    except OSError as error:
        raise InputError(f"file {folder / path} cannot be read: {error.strerror}") from error
    if len(data) > most:
        raise ProofError(f"log: {path} is larger than any such file can be")
    return data
