"""Backups: one folder for the journal, another, kept apart, for the keys.

Who holds one of them alone can read nothing. Both are taken at the same instant: two snapshots
are pinned while the appender's lock is held, and copied after it was given back. Backups are kept
for a short time only, since a person's erasure is complete when the last backup with their keys
is gone.
"""

import hashlib
import os
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import msgspec

from reciprocity.errors import Damaged, InputError
from reciprocity.events import canonical
from reciprocity.journal.journal import Journal
from reciprocity.journal.read import Reader
from reciprocity.journal.store import migrate
from reciprocity.keys import define_keys
from reciprocity.storage import Database, connect, explained
from reciprocity.storage.copying import copy_rows
from reciprocity.storage.sqlite import SqliteDatabase
from reciprocity.tlog.merkle import root_at

if TYPE_CHECKING:
    from reciprocity.journal.log_reader import State

__all__ = ["Manifest", "back_up", "backups", "check_pair", "file_hash", "newest", "sync"]

DAY_MS: Final = 86_400_000
_FORMAT: Final = "reciprocity-backup@v1"


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds; the same text lies beside the journal's copy and the keys' copy.

    *journal* and *keys* are the SHA-256 of the two files, *root* that of the log at *size*.
    """

    at: int
    origin: str
    size: int
    root: str
    checkpoint: str
    journal: str
    keys: str
    format: str = _FORMAT


def back_up(journal: Journal, journal_to: Path, keys_to: Path, *, keep_days: int = 30) -> Manifest:
    """Put a new backup under *journal_to* and *keys_to*, and remove those over *keep_days* old.

    Raises `InputError` if the two are not apart from each other and from safekeeping: whoever
    finds one must not find the other.
    """
    _check_apart(journal_to, keys_to, journal.safekeeping.path)
    with journal.appender.alone():  # nothing else of the journal is asked in here: it may wait
        pinned = [_pin(journal.folder / name) for name in ("journal.db", "keys.db")]
    reader = Reader(pinned[0], journal.keys)
    state = cast("State", reader.state())
    root = root_at(state.size, reader.tile_reader(state.size))
    at = journal.clock()
    name = f"{datetime.fromtimestamp(at // 1000, UTC):%Y-%m-%dT%H-%M-%SZ}-{state.size}"
    folders = [_make(to / f"{name}.partial") for to in (journal_to, keys_to)]
    hashes = []
    for source, folder, file in zip(pinned, folders, ("journal.db", "keys.db"), strict=True):
        with closing(source):
            hashes.append(_copy(source, folder / file))
    manifest = Manifest(
        at=at,
        origin=state.origin,
        size=state.size,
        root=root.hex(),
        checkpoint=state.checkpoint.decode(),
        journal=hashes[0],
        keys=hashes[1],
    )
    for folder in reversed(folders):  # keys first: a journal's backup is complete when it is there
        (folder / "manifest.json").write_bytes(canonical(manifest) + b"\n")
        sync(folder / "manifest.json")
        folder.rename(folder.with_suffix(""))
        sync(folder.parent)
    _prune(journal_to, at - keep_days * DAY_MS)
    _prune(keys_to, at - keep_days * DAY_MS)
    return manifest


def backups(folder: Path) -> list[tuple[Manifest, Path]]:
    """The complete backups under *folder*, oldest first."""
    found = [(_read(path.parent), path.parent) for path in folder.glob("*/manifest.json")]
    whole = [(m, path) for m, path in found if path.suffix != ".partial"]
    return sorted(whole, key=lambda one: (one[0].at, one[0].size))


def newest(journal_from: Path, keys_from: Path) -> tuple[Path, Path]:
    """The newest backup of which both halves are there; raises `InputError` if there is none."""
    keys = dict(backups(keys_from))
    for manifest, path in reversed(backups(journal_from)):
        if manifest in keys:
            return path, keys[manifest]
    raise InputError(f"no backup under {journal_from} has its other half under {keys_from}")


def check_pair(journal_from: Path, keys_from: Path) -> Manifest:
    """The manifest of the backup in these two folders, once both files are what it says."""
    manifest = _read(journal_from)
    if manifest != _read(keys_from):
        raise InputError(
            f"backups {journal_from.name} and {keys_from.name} were not taken together: name the "
            "two folders of one backup"
        )
    found = (file_hash(journal_from / "journal.db"), file_hash(keys_from / "keys.db"))
    if found != (manifest.journal, manifest.keys):
        raise Damaged(f"backup {journal_from.name} is not what its manifest says: use another")
    return manifest


def file_hash(path: Path) -> str:
    """The SHA-256 of the file at *path*, in hex."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"backup file {path} cannot be read: {error.strerror}") from error


def sync(path: Path) -> None:
    """Make *path*, a file or a folder, durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _check_apart(journal_to: Path, keys_to: Path, safekeeping: Path) -> None:
    places = {
        "journal's backups": journal_to.resolve(),
        "keys' backups": keys_to.resolve(),
        "safekeeping": safekeeping.resolve(),
    }
    for one, first in places.items():
        for other, second in places.items():
            if one != other and first.is_relative_to(second):
                raise InputError(
                    f"folder {first} of the {one} lies in that of the {other}: keep them apart, "
                    "best on different machines"
                )


def _pin(path: Path) -> Database:
    """A connection that sees the database of *path* as it is now, whatever is written later."""
    db = connect(path, durable=True)
    try:
        with explained("back up"):
            db.begin_reading()
            db.tables()
    except BaseException:
        db.close()
        raise
    return db


def _make(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True, mode=0o700)
    except OSError as error:
        raise InputError(f"backup folder {folder} cannot be made: {error.strerror}") from error
    return folder


def _copy(source: Database, target: Path) -> str:
    """Write what *source* sees to the new file *target*; its hash."""
    with explained("write a backup"):
        target.touch(mode=0o600)
        if isinstance(source, SqliteDatabase):
            with closing(sqlite3.connect(target)) as copy:
                source.backup(copy, pages=4096)
        else:
            _copy_rows(source, target)
        with closing(sqlite3.connect(target)) as copy:
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, fit for read-only places
    sync(target)
    return file_hash(target)


def _copy_rows(source: Database, target: Path) -> None:
    """The same from another kind of database: a file as this release would make it."""
    if target.name == "journal.db":
        migrate(target)
    with closing(connect(target, durable=True)) as copy:
        if target.name == "keys.db":
            define_keys(copy)
        copy.begin()
        copy_rows(source, copy)
        copy.commit()


def _read(folder: Path) -> Manifest:
    try:
        return msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError) as error:
        raise InputError(f"backup {folder} has no manifest that can be read: {error}") from error


def _prune(folder: Path, before: int) -> None:
    for manifest, path in backups(folder)[:-1]:
        if manifest.at < before:
            shutil.rmtree(path)
