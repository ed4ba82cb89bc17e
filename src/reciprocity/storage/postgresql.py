"""A database in a schema of PostgreSQL (14 or newer), through psycopg 3.

The write lock is an advisory one, taken together with BEGIN under READ COMMITTED: every statement
after it sees what the holder before committed. It goes back when its holder's connection ends, so a
killed process never holds it for long; keepalives tell a vanished machine within half a minute.

A lost server ends what was open. The next statement outside a transaction finds it again; only a
reading one is run a second time, since nobody knows what became of a write.
"""

import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any, Final, TypeVar

from reciprocity.storage.driver import LOST, SPLIT, alone, named, open_driver, psycopg
from reciprocity.storage.failures import DatabaseContradicted, DatabaseStopped
from reciprocity.storage.place import Place

__all__ = ["PostgresDatabase", "leased"]

_NAMED: Final = re.compile(r"CREATE (?:UNIQUE )?(?:TABLE|INDEX) IF NOT EXISTS (\w+)")
_WORDS: Final = (
    (re.compile(r"\)\s*STRICT\b(?:\s*,\s*WITHOUT ROWID)?"), ")"),
    (re.compile(r"\bBLOB\b"), "BYTEA"),
    (re.compile(r"\bINTEGER\b"), "BIGINT"),
    (re.compile(r"\bDROP TABLE IF EXISTS (\w+)"), r"DROP TABLE IF EXISTS \1 CASCADE"),
)
"""SQLite's words for a table, and PostgreSQL's."""
_HELD_UP: Final = re.compile(
    r"(\d+) (?:are dead but not yet removable|dead row versions cannot be)"
)
_MARK: Final = re.compile(r"reciprocity (\d+)")
"""What the comment on a schema of ours says: its layout."""
_TRIES: Final = 10
_PAUSE_SECONDS: Final = 0.1
_Result = TypeVar("_Result")


@lru_cache(maxsize=2_048)
def _spelled(query: str) -> bytes:
    """*query* in the driver's placeholders."""
    return query.replace("%", "%%").replace("?", "%s").encode()


@contextmanager
def leased(place: Place, name: str, *, shared: bool) -> Iterator[Callable[[], bool]]:
    """A way to try for the lease *name*, which ends with the block, or with this process.

    Raises `DatabaseStopped` where the database cannot be reached.
    """
    db = PostgresDatabase(place, "journal", durable=False, busy_ms=0)
    how = "pg_try_advisory_lock_shared" if shared else "pg_try_advisory_lock"
    try:
        yield lambda: db.execute(f"SELECT {how}(?)", (place.lock(name),)).fetchone() == (True,)
    finally:
        with suppress(DatabaseStopped):  # a server notices late that a client is gone: give back
            db.execute("SELECT pg_advisory_unlock_all()")
        db.close()


def _undo(connection: psycopg.Connection) -> None:
    """End whatever the server thinks is open; a connection that is lost has nothing open."""
    if connection.closed or connection.info.transaction_status is psycopg.pq.TransactionStatus.IDLE:
        return
    try:
        connection.execute(b"ROLLBACK")
    except psycopg.Error:
        connection.close()


class PostgresDatabase:
    """`Database` over PostgreSQL."""

    def __init__(self, place: Place, name: str, *, durable: bool, busy_ms: int) -> None:
        """Connect to the schema of the database *name* at *place*; it need not be there yet."""
        self.place, self.name = place, name
        self._durable, self._busy_ms = durable, busy_ms
        self._opening = threading.RLock()  # a reader's thread must not change a writer's connection
        self._held: psycopg.Connection | None = None
        self._streams = 0
        self._connection = self._open()

    def _open(self) -> psycopg.Connection:
        with self._translated():
            return open_driver(self.place, self.name, durable=self._durable, busy_ms=self._busy_ms)

    # -- statements --

    @property
    def in_transaction(self) -> bool:
        """See `Database.in_transaction`."""
        return self._held is not None

    def execute(self, query: str, values: Sequence[Any] = (), /) -> psycopg.Cursor:
        """See `Database.execute`."""

        def work(connection: psycopg.Connection) -> psycopg.Cursor:
            return connection.execute(_spelled(query), values, binary=True)

        return self._run(work, again=not self._held and query.startswith("SELECT"))

    def executemany(self, query: str, rows: Iterable[Sequence[Any]], /) -> psycopg.Cursor:
        """See `Database.executemany`."""

        def work(connection: psycopg.Connection) -> psycopg.Cursor:
            cursor = connection.cursor()
            cursor.executemany(_spelled(query), rows)
            return cursor

        return self._run(work)

    def stream(self, query: str, values: Sequence[Any] = (), /) -> Iterator[Any]:
        """See `Database.stream`."""
        self._streams += 1
        name, hold = f"stream_{self._streams}", self._held is None
        with (
            self._translated(),
            self._live().cursor(name, withhold=hold) as cursor,
        ):
            cursor.itersize = 2_000
            yield from cursor.execute(_spelled(query), values, binary=True)

    def _run(
        self, work: Callable[[psycopg.Connection], _Result], *, again: bool = False
    ) -> _Result:
        connection = self._live()
        try:
            return work(connection)
        except psycopg.Error as error:
            if not (again and connection.closed):
                raise named(error) from error
        connection = self._live()
        with self._translated():
            return work(connection)

    def _live(self) -> psycopg.Connection:
        """The connection: that of the open transaction if there is one, else one that lives."""
        with self._opening:
            if self._held is not None:
                if self._held.closed:
                    raise DatabaseStopped(LOST)
                return self._held
            if self._connection.closed:
                self._connection = self._open()
            return self._connection

    # -- transactions --

    def begin(self) -> None:
        """See `Database.begin`."""
        self._start(alone(self.place, self.name), check=True)

    def begin_reading(self) -> None:
        """See `Database.begin_reading`."""
        self._start("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def _start(self, statements: str, *, check: bool = False) -> None:
        if self._held is not None:
            raise DatabaseContradicted("a transaction is open already")

        def start(connection: psycopg.Connection) -> psycopg.Connection:
            try:
                told = connection.execute(statements.encode())
                if check and told.set_result(-1).fetchone() != (self.place.schema(self.name),):
                    raise DatabaseStopped(SPLIT)
            except BaseException:
                _undo(connection)
                raise
            return connection

        self._held = self._run(start, again=True)

    def check_held(self) -> None:
        """See `Database.check_held`."""
        if self._held is not None:
            self.execute("SELECT 1")

    def commit(self) -> None:
        """See `Database.commit`."""
        held = self._held
        if held is None:
            return
        # PostgreSQL calls it a success when it rolls back what a failed statement left.
        if held.closed or held.info.transaction_status is not psycopg.pq.TransactionStatus.INTRANS:
            raise DatabaseStopped(LOST)
        try:
            held.execute(b"COMMIT")
        except psycopg.Error as error:
            if held.closed:
                raise DatabaseStopped(
                    "connection to PostgreSQL was lost while it committed: it may be written or "
                    "not; look, or do the same again, under the same id if it had one"
                ) from error
            raise named(error) from error
        self._held = None

    def rollback(self) -> None:
        """See `Database.rollback`."""
        held, self._held = self._held, None
        if held is not None:
            _undo(held)

    # -- tables --

    def define(self, script: str, /, *, layout: int = 0) -> None:
        """See `Database.define`."""
        names = _NAMED.findall(script)
        if names and len(names) == script.count("CREATE") and self._has(names, layout):
            return
        for old, new in _WORDS:
            script = old.sub(new, script)
        schema = self.place.schema(self.name)
        inside = self._held is not None
        if not inside:
            self.begin()
        try:
            self.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            for statement in filter(str.strip, script.split(";")):
                self.execute(statement)
            if layout:
                self.execute(f"COMMENT ON SCHEMA {schema} IS 'reciprocity {layout}'")
            if not inside:
                self.commit()
        except BaseException:
            if not inside:
                self.rollback()
            raise

    def _has(self, names: Sequence[str], layout: int) -> bool:
        (found,) = self.execute(
            "SELECT COUNT(*) FROM pg_class WHERE relnamespace = to_regnamespace(?)"
            " AND relname = ANY(?)",
            (self.place.schema(self.name), list(names)),
        ).fetchone() or (0,)
        return found == len(names) and (not layout or self.layout() == layout)

    def layout(self) -> int:
        """See `Database.layout`."""
        (noted,) = self.execute(
            "SELECT obj_description(to_regnamespace(?), 'pg_namespace')",
            (self.place.schema(self.name),),
        ).fetchone() or (None,)
        known = _MARK.fullmatch(noted or "")  # it may be a comment of an administrator's
        return int(known[1]) if known else 0

    def has_table(self, name: str, /) -> bool:
        """See `Database.has_table`."""
        found = self.execute(
            "SELECT 1 FROM pg_tables WHERE schemaname = ? AND tablename = ?",
            (self.place.schema(self.name), name),
        )
        return found.fetchone() is not None

    def tables(self) -> dict[str, tuple[str, ...]]:
        """See `Database.tables`."""
        found = self.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = ? ORDER BY table_name, ordinal_position",
            (self.place.schema(self.name),),
        )
        tables: dict[str, tuple[str, ...]] = {}
        for table, column in found:
            tables[table] = (*tables.get(table, ()), column)
        return tables

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], /) -> None:
        """See `Database.load`."""
        into = f"COPY {table} ({', '.join(columns)}) FROM STDIN"

        def work(connection: psycopg.Connection) -> None:
            with connection.cursor().copy(into.encode()) as copy:
                for row in rows:
                    copy.write_row(row)

        self._run(work)

    def drain(self) -> bool:
        """VACUUM what has deleted rows; False while an older reader may still see any of them.

        PostgreSQL does not overwrite: pages and its own log keep bytes until they are used anew.
        """
        return all(self._vacuumed(name) for name in self.tables())

    def _vacuumed(self, table: str) -> bool:
        """Is nothing left in *table* that was deleted? Who only just reads is waited for."""
        held_up: list[int] = []

        def hear(told: psycopg.errors.Diagnostic) -> None:
            held_up.extend(map(int, _HELD_UP.findall(told.message_detail or "")))
            held_up.extend(map(int, _HELD_UP.findall(told.message_primary or "")))

        for _ in range(_TRIES):
            held_up.clear()
            connection = self._live()
            connection.add_notice_handler(hear)
            try:
                self.execute(f'VACUUM (VERBOSE) "{table}"')
            finally:
                connection.remove_notice_handler(hear)
            if not any(held_up):
                return True
            time.sleep(_PAUSE_SECONDS)
        return False

    def ordering(self, table: str, columns: Sequence[str], /) -> str:
        """See `Database.ordering`."""
        texts = {
            name
            for (name,) in self.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_schema = ?"
                " AND table_name = ? AND data_type = 'text'",
                (self.place.schema(self.name), table),
            )
        }
        return ", ".join(f'{name} COLLATE "C"' if name in texts else name for name in columns)

    def close(self) -> None:
        """See `Database.close`."""
        self._connection.close()

    # -- failures --

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise named(error) from error
