"""Verifying a log as a folder of files: each leaf and tile, the signed root, the epochs.

What an auditor does who trusts nobody: no leaf of a person can be opened here, but all can be
counted, and each epoch must have counted the same. What must be public is held to its course
(`course.py`), and the checkpoint to the key that speaks for the log now (`keys.py`).
"""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from reciprocity.errors import InputError, ProofError
from reciprocity.prove.verify.course import Course
from reciprocity.prove.verify.entry import keys_from, leaf_of, open_under
from reciprocity.prove.verify.keys import speaking
from reciprocity.tlog.merkle import HASH_BYTES, hash_leaves, root_at
from reciprocity.tlog.note import Checkpoint, Note
from reciprocity.tlog.policy import Policy
from reciprocity.tlog.signing import LogVerifier
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
_FLAGS: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)  # a pipe would be waited for for ever


@dataclass(frozen=True, slots=True)
class VerifiedLog:
    """A log that holds: what its checkpoint signs, and what can be counted in it.

    *personal*, *brand* and *public* are numbers of leaves, *hashed* how many of the public ones are
    the hash of a text kept elsewhere (nothing that this checks may be). *epochs* is how many were
    stated, each with the right count; the newest, at *epoch_at* (ms since 1970), leaves *behind*
    personal leaves uncovered, no epoch ever left more than *most_behind* that stood before it, and
    *longest_ms* passed at most between two. *newest_at* is when the last public statement was
    recorded. *unanswered* are numbers of challenges. *root* is in hex; *consistent_with* is the
    size of the checkpoint seen before.
    """

    origin: str
    size: int
    root: str
    personal: int
    brand: int
    public: int
    hashed: int
    epochs: int
    epoch_at: int
    behind: int
    most_behind: int
    longest_ms: int
    newest_at: int
    challenges: int
    unanswered: tuple[int, ...]
    consistent_with: int
    cosigned_by: tuple[str, ...]


@dataclass(slots=True)
class _Counted:
    """What the leaves seen so far come to."""

    index: int = 0
    kinds: list[int] = field(default_factory=lambda: [0] * 5)
    course: Course = field(default_factory=Course)

    def see(self, leaf: bytes) -> None:
        """Count the next leaf, and hold a public one to the course of the log."""
        kind = leaf[0] if leaf else 0
        if not _PERSONAL <= kind <= _HASHED or (kind != _CLEAR and len(leaf) != 1 + HASH_BYTES):
            raise ProofError(f"leaf {self.index}: is of no published form")
        self.kinds[kind] += 1
        if kind == _PERSONAL:
            self.course.personal_at.append(self.index)
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
        self.course.see(self.index, event)


def verify_log(
    folder: Path, keys: Sequence[str], seen: bytes = b"", policy: Policy | None = None
) -> VerifiedLog:
    """What the exported log in *folder* shows under one of *keys*, or those of *policy*.

    *seen* is an older checkpoint, which the log must go on from. Each checkpoint must be signed by
    the key that spoke for the log of its size, which one of *keys* leads to.

    Raises `ProofError` saying what does not hold, `InputError` for a key that is none or a folder
    without a checkpoint.
    """
    trusted, note = keys_from(keys, policy), _file(folder, "checkpoint", 1 << 18)
    checkpoint = Checkpoint.parse(Note.parse(note).text)  # believed once somebody known signed it
    counted = _check_tree(folder, checkpoint)
    course = counted.course
    if course.origin not in {"", checkpoint.origin}:
        raise ProofError(f"log: is of {course.origin}, its checkpoint of {checkpoint.origin}")
    now = speaking(trusted, course.keys, checkpoint.size)
    open_under(note, now)  # a policy that names an old key would still take its word
    _, cosigned_by = open_under(note, now, policy)
    for size, root in course.roots:
        if _root_at(folder, checkpoint, size) != root:
            raise ProofError(f"log: a challenge was answered for {size} entries that are not these")
    return VerifiedLog(
        origin=checkpoint.origin,
        size=checkpoint.size,
        root=checkpoint.root.hex(),
        personal=counted.kinds[_PERSONAL],
        brand=counted.kinds[_BRAND],
        public=counted.kinds[_CLEAR] + counted.kinds[_HASHED],
        hashed=counted.kinds[_HASHED],
        epochs=course.epochs,
        epoch_at=course.epoch_at,
        behind=course.behind(),
        most_behind=course.most_behind,
        longest_ms=course.longest_ms,
        newest_at=course.at,
        challenges=len(course.begun),
        unanswered=course.unanswered(),
        consistent_with=_check_seen(folder, checkpoint, seen, trusted, course) if seen else 0,
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


def _check_seen(
    folder: Path,
    checkpoint: Checkpoint,
    note: bytes,
    trusted: Sequence[LogVerifier],
    course: Course,
) -> int:
    """Hold that the log goes on from what was seen of it before; the size it had then."""
    claimed = Checkpoint.parse(Note.parse(note).text)
    if claimed.origin != checkpoint.origin or claimed.size > checkpoint.size:
        raise ProofError(
            f"log: has {checkpoint.size} entries of {checkpoint.origin}, but {claimed.size} of "
            f"{claimed.origin} were seen before"
        )
    seen, _ = open_under(note, speaking(trusted, course.keys, claimed.size))
    if _root_at(folder, checkpoint, seen.size) != seen.root:
        raise ProofError(f"log: its first {seen.size} entries are not those that were seen before")
    return seen.size


def _root_at(folder: Path, checkpoint: Checkpoint, size: int) -> bytes:
    """The root of the log's first *size* entries."""

    def read_tile(level: int, index: int, width: int) -> bytes:
        whole = tile_width(level, index, checkpoint.size)
        path = TilePath(level, index, whole).encode()
        return _file(folder, path, TILE_WIDTH * HASH_BYTES)[: width * HASH_BYTES]

    return root_at(size, TileReader(read_tile, size))


def _file(folder: Path, path: str, most: int) -> bytes:
    """What the file holds, of at most *most* bytes; a pipe or a device is none."""
    try:
        opened = os.open(folder / path, _FLAGS)
        try:
            if not stat.S_ISREG(os.fstat(opened).st_mode):
                raise ProofError(f"log: {path} is no file")
            with os.fdopen(opened, "rb", closefd=False) as file:
                data = file.read(most + 1)
        finally:
            os.close(opened)
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
