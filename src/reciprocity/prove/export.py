"""The log as a folder of files that anyone may read and mirror (C2SP tlog-tiles).

    checkpoint                     the signed size and root
    tile/<level>/<index>[.p/<n>]   hashes, 256 to a tile
    tile/entries/<index>[.p/<n>]   the leaves themselves, which reveal nothing

Nothing in it is secret: serve the folder as it is. A run adds what is new, and what it publishes
it has checked. The checkpoint is written last, so that whoever reads it finds every file it needs,
also when the run is cut short.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from msgspec import Struct

from reciprocity.errors import InputError, ProofError, Unavailable
from reciprocity.journal.journal import Journal
from reciprocity.journal.read import Reader
from reciprocity.prove.verify.entry import open_under
from reciprocity.tlog.merkle import hash_leaf, root_at
from reciprocity.tlog.note import Checkpoint, open_checkpoint
from reciprocity.tlog.tiles import (
    TILE_WIDTH,
    TilePath,
    TileReader,
    encode_entries,
    full_tiles,
    partial_tiles,
)

__all__ = ["Exported", "export_log"]

CHECKPOINT: Final = "checkpoint"
_AT_ONCE: Final = 64  # files written before the first of them is synced: they share its wait


class Exported(Struct, frozen=True, kw_only=True):
    """What an export came to; *size* and *root* (hex) are those of the checkpoint in the folder."""

    origin: str
    size: int
    root: str
    files: int


def export_log(
    journal: Journal, folder: Path, progress: Callable[[int, int], None] | None = None
) -> Exported:
    """Bring the log's files in *folder* up to the newest checkpoint.

    *progress* is told (files done, files). Raises `InputError` when the folder holds something
    else, `ProofError` when what was exported before is no part of this log, `Unavailable` when a
    file cannot be written.
    """
    state, log = journal.state(), journal.verifier()
    newest = open_checkpoint(state.checkpoint, log)
    with closing(journal.connection()) as db:
        reader = Reader(db, journal.keys)
        tiles = reader.tile_reader(newest.size)
        before = _exported(folder, newest, journal)
        _same_log(before, newest, tiles)
        files = _files(reader, before.size if before else 0, newest.size)
        paths = _write(folder, files, newest.size, before.size if before else 0, progress)
    _replace(folder / CHECKPOINT, state.checkpoint)
    _remove_filled(folder, before.size if before else 0, newest.size)
    return Exported(origin=newest.origin, size=newest.size, root=newest.root.hex(), files=paths + 1)


def _exported(folder: Path, newest: Checkpoint, journal: Journal) -> Checkpoint | None:
    """The checkpoint that *folder* holds already; None for a new or empty folder."""
    try:
        data = (folder / CHECKPOINT).read_bytes()
    except FileNotFoundError:
        _refuse_foreign(folder)
        return None
    except OSError as error:
        raise Unavailable(f"export folder {folder} cannot be read: {error.strerror}") from error
    try:
        before, _ = open_under(data, journal.verifiers())
    except ProofError as error:
        raise InputError(
            f"export folder {folder} holds the checkpoint of another log ({error}): name an empty "
            "folder; after a restore the log has a new origin, and is exported anew"
        ) from error
    if before.size > newest.size:
        raise ProofError(
            f"export folder {folder} holds {before.size} events, the log has {newest.size}: an "
            "older journal was put in place; bring the newer one back with `reciprocity restore`"
        )
    return before


def _refuse_foreign(folder: Path) -> None:
    try:
        own = {"tile", _draft_name(CHECKPOINT)}  # the draft of an export that was cut short
        foreign = [path.name for path in folder.iterdir() if path.name not in own]
    except FileNotFoundError:
        return
    except OSError as error:
        raise InputError(f"export folder {folder} cannot be read: {error.strerror}") from error
    if foreign:
        raise InputError(f"export folder {folder} holds other files: name a new or empty one")


def _same_log(before: Checkpoint | None, newest: Checkpoint, tiles: TileReader) -> None:
    """Hold that the journal's tiles make the root it signed, and the one exported before."""
    for checkpoint in (newest, before):
        if checkpoint is None or not checkpoint.size:
            continue
        if root_at(checkpoint.size, tiles.at(checkpoint.size)) != checkpoint.root:
            raise ProofError(
                f"log does not make the root of its checkpoint of size {checkpoint.size}: "
                "nothing was published; run `reciprocity audit`, keep the files"
            )


def _files(reader: Reader, old_size: int, size: int) -> Iterator[tuple[str, bytes]]:
    """Path and content of every file that a log of *size* has and one of *old_size* has not."""
    tile = reader.read_tile()
    for level, index in full_tiles(old_size, size):
        data = tile(level, index, TILE_WIDTH)
        yield TilePath(level, index).encode(), data
        if level == 0:
            yield from _bundle(reader, index, TILE_WIDTH, data)
    for level, index, width in partial_tiles(size):
        data = tile(level, index, width)
        yield TilePath(level, index, width).encode(), data
        if level == 0:
            yield from _bundle(reader, index, width, data)


def _bundle(reader: Reader, index: int, width: int, tile: bytes) -> Iterator[tuple[str, bytes]]:
    """The entries under one tile of level 0, held against its hashes."""
    entries = reader.leaves(index * TILE_WIDTH, index * TILE_WIDTH + width)
    if b"".join(map(hash_leaf, entries)) != tile:
        raise ProofError(f"log's entries are not those of tile {index}: nothing was published")
    yield TilePath(None, index, width).encode(), encode_entries(entries)


def _write(
    folder: Path,
    files: Iterator[tuple[str, bytes]],
    size: int,
    old_size: int,
    progress: Callable[[int, int], None] | None,
) -> int:
    """Write *files* below *folder*, all on the disk when this returns; how many there were."""
    total = 2 * len([1 for level, _ in full_tiles(old_size, size) if not level]) + 2
    done, batch = 0, list[tuple[Path, bytes]]()
    for path, data in files:
        batch.append((folder / path, data))
        if len(batch) == _AT_ONCE:
            done += _write_batch(batch)
            batch.clear()
            if progress:
                progress(min(done, total), total)
    return done + _write_batch(batch)


def _write_batch(batch: list[tuple[Path, bytes]]) -> int:
    drafts = [(path, _draft(path, data)) for path, data in batch]
    for path, draft in drafts:
        _settle(path, draft)
    return len(drafts)


def _replace(path: Path, data: bytes) -> None:
    _settle(path, _draft(path, data))
    _sync_folder(path.parent)


def _draft_name(name: str) -> str:
    return f".{name}.new"


def _draft(path: Path, data: bytes) -> Path:
    draft = path.with_name(_draft_name(path.name))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(data)
    except OSError as error:
        raise _unwritable(path, error) from error
    return draft


def _settle(path: Path, draft: Path) -> None:
    """Sync *draft* and give it its name: a file is there whole or not at all."""
    try:
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error


def _sync_folder(folder: Path) -> None:
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(place)
    finally:
        os.close(place)


def _unwritable(path: Path, error: OSError) -> Unavailable:
    return Unavailable(
        f"export file {path} cannot be written: {error.strerror}; the checkpoint published before "
        "still holds; make room or the folder writable and run it again"
    )


def _remove_filled(folder: Path, old_size: int, size: int) -> None:
    """Remove partial tiles that are full by now, as tlog-tiles allows; others are still read."""
    filled = full_tiles(old_size, size)
    for level, index in [*filled, *((None, index) for level, index in filled if level == 0)]:
        partial = folder / f"{TilePath(level, index).encode()}.p"
        if partial.is_dir():
            for path in partial.iterdir():
                path.unlink(missing_ok=True)
            partial.rmdir()
