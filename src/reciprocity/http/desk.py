"""Where withdrawals are taken: with the brand's keys or, if need be, without them.

A withdrawal must not fail because something else did. With keys it goes into the journal; when
keys, safekeeping or the brand file are out of reach it is noted beside it, in clear, and nothing
is sent to anybody until whoever opens the brand next has sealed it.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from reciprocity.brand import BrandStatement
from reciprocity.deliver.link import Link, Links
from reciprocity.errors import Conflict, InputError, ReciprocityError, Unavailable
from reciprocity.journal.journal import now_ms
from reciprocity.leave.one_click import (
    statement_without_keys,
    withdraw_by_link,
    withdraw_without_keys,
)
from reciprocity.platform import Reciprocity
from reciprocity.storage import FILE, Database, connect, exists, place_of

__all__ = ["Desk"]

_FILES = ("journal.db", "keys.db")
_log = logging.getLogger(__name__)


class Desk:
    """Reads links and takes withdrawals for one brand; safe to share between threads."""

    def __init__(self, folder: Path, clock: Callable[[], int] = now_ms) -> None:
        """Open the brand in *folder*, or at least its journal.

        Raises `InputError` when there is no journal, `Unavailable` or `Damaged` when it cannot be
        read: then no link can be told from another.
        """
        if not exists(folder / "journal.db"):
            raise InputError(f"journal in {folder} is not there: run `reciprocity apply` first")
        self.folder, self.clock = folder, clock
        self._paths = [str(folder / name) for name in _FILES]
        self._pointing = str(folder / FILE)
        self._pointed, self._place = self._pointer(), place_of(folder)
        self._shop: Reciprocity | None = None
        self._opened_files: tuple[int, ...] = ()
        self._lock = threading.Lock()  # around opening
        self._closing = ExitStack()
        with closing(self._connection()) as db:
            self._links, self._brand = Links(db), statement_without_keys(db)
        try:
            self.shop()
        except ReciprocityError as error:
            _log.warning("withdrawals will be noted without keys: %s", error)

    def brand(self) -> BrandStatement:
        """The brand file in force, or the last one read while the journal cannot be."""
        try:
            with closing(self._connection()) as db:
                self._brand = statement_without_keys(db)
        except ReciprocityError as error:
            _log.warning("brand file shown is the last one read: %s", error)
        return self._brand

    def link(self, token: str) -> Link:
        """What *token* stands for; writes nothing. Raises `InputError` for one we did not make."""
        try:
            return self._links.read(token)
        except InputError:
            with closing(self._connection()) as db:
                self._links = Links(db)  # a key may have been made since
            return self._links.read(token)

    def stop(self, link: Link) -> None:
        """Take the yes back; returns once that is durable and stands in every decision's way.

        Raises a `ReciprocityError` if that could not be done either way.
        """
        try:
            shop = self.shop()
            withdraw_by_link(shop.journal, self.brand(), link)
        except Conflict:
            raise  # nobody to withdraw for: noting it would not help
        except ReciprocityError as error:
            _log.warning("withdrawal noted without keys: %s", error)
        except Exception:  # noqa: BLE001 - whatever else is wrong must not be in its way
            _log.exception("withdrawal noted without keys")
        else:
            return
        with closing(self._connection()) as db:
            withdraw_without_keys(db, link, self.clock())

    def check(self) -> None:
        """Hold that a brand could be opened now and read; raises `ReciprocityError` if not.

        What was noted without keys is sealed by the way.
        """
        shop = self.shop()
        shop.journal.count()
        for path in (shop.brand.master_key, self.folder / "keys.db"):
            if not exists(path):
                raise Unavailable(f"key file {path} is missing: put it back before a restart")

    def close(self) -> None:
        """Close the brand."""
        self._closing.close()

    def shop(self) -> Reciprocity:
        """The brand, opened; anew if a restore put other files in the place of those we hold."""
        with self._lock:
            files = self._files()
            if self._shop is None or files != self._opened_files:
                self._shop = None
                shop = Reciprocity.open(self.folder, self.clock)
                self._closing.callback(shop.close)  # not earlier: a thread may still be in it
                self._shop, self._opened_files = shop, files
            return self._shop

    @contextmanager
    def at_hand(self) -> Iterator[bool]:
        """Can decisions be made inside without waiting for anybody? See `Journal.at_hand`."""
        shop = self._shop
        if shop is None or self._lock.locked():
            yield False
            return
        with shop.journal.at_hand() as free:
            yield free

    def _files(self) -> tuple[int, ...]:
        """What tells that other files, or another database, took the place of those we hold."""
        pointer = self._pointer()
        if pointer != self._pointed and place_of(self.folder) != self._place:
            raise Unavailable("brand has moved to another database: start this server anew")
        self._pointed = pointer
        if self._place is not None:  # its schemas are never put in each other's place
            return ()
        try:
            return tuple(os.stat(path).st_ino for path in self._paths)  # noqa: PTH116 - asked often
        except OSError as error:
            raise Unavailable(f"{error.strerror}: {error.filename}; put it back") from error

    def _pointer(self) -> tuple[int, int]:
        """Which `database.toml` there is; (0, 0) where there is none."""
        try:
            found = os.stat(self._pointing)  # noqa: PTH116 - asked often
        except FileNotFoundError:
            return 0, 0
        except OSError as error:
            raise Unavailable(f"{error.strerror}: {error.filename}; put it back") from error
        return found.st_ino, found.st_mtime_ns

    def _connection(self) -> Database:
        return connect(self.folder / "journal.db", durable=True)
