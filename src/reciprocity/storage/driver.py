"""PostgreSQL's driver, psycopg 3: a connection as it is wanted here, and what its errors mean."""

from typing import Final

from reciprocity.errors import Unavailable
from reciprocity.storage.failures import DatabaseContradicted, DatabaseStopped
from reciprocity.storage.place import Place

try:
    import psycopg
    from psycopg.types.numeric import Int8BinaryDumper
except ImportError as error:
    raise Unavailable(
        "PostgreSQL needs a driver that is not there: pip install 'reciprocity[postgres]'"
    ) from error

__all__ = ["LOST", "SPLIT", "alone", "named", "open_driver", "psycopg"]

LOST: Final = "its transaction failed or its connection was lost; nothing was written, try again"
SPLIT: Final = (
    "its connection is handed to others between transactions (a pooler in transaction mode), so "
    "that rows could go to another brand; nothing was written, connect directly or with session "
    "pooling"
)
_OWN: Final = "let the role that connects own the brand's schemas"
_TAKEN: Final = "reciprocity.schema"
"""A setting of ours that a connection has as soon as somebody uses it, until it ends."""
_ASK: Final = f"SELECT current_setting('{_TAKEN}', true)"
_SETTINGS: Final = {
    "client_encoding": "UTF8",
    "client_min_messages": "warning",
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "idle_in_transaction_session_timeout": "0",
    "statement_timeout": "0",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
"""Whatever the database or the role has been given as its own default."""


def open_driver(place: Place, name: str, *, durable: bool, busy_ms: int) -> psycopg.Connection:
    """The driver's own connection to the schema *name*; raises its own errors.

    And `DatabaseStopped` where somebody else is, or was, at the other end of the same.
    """
    connection = psycopg.connect(
        place.url,
        autocommit=True,
        application_name=f"reciprocity {name}",
        connect_timeout=10,
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
        tcp_user_timeout=30_000,
    )
    settings = {  # said here and not on connecting: a pooler would not pass them on
        **_SETTINGS,
        "search_path": place.schema(name),
        "lock_timeout": str(busy_ms),
        "synchronous_commit": "on" if durable else "off",
        _TAKEN: place.schema(name),
    }
    said = "; ".join([_ASK, *(f"SET {key} = '{value}'" for key, value in settings.items())])
    try:
        if any(connection.execute(said.encode()).fetchone() or ()):
            raise DatabaseStopped(SPLIT)
    except BaseException:
        connection.close()
        raise
    # One type for all whole numbers: otherwise each size of value makes a plan of its own.
    connection.adapters.register_dumper(int, Int8BinaryDumper)
    return connection


def alone(place: Place, name: str) -> str:
    """How a transaction begins that writes to the database *name*, with the lock on it.

    Its last answer is the schema that the connection has.
    """
    return (
        "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; "
        f"SELECT pg_advisory_xact_lock({place.lock(name)}); {_ASK}"
    )


def named(error: BaseException) -> Exception:
    """*error* of the driver's, as `explained` knows it."""
    said = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return DatabaseStopped(f"{said}; another process holds it, nothing was written, try again")
    if isinstance(error, psycopg.errors.DiskFull):
        return DatabaseStopped(f"{said}; nothing was written, make room and try again")
    if isinstance(error, psycopg.errors.InFailedSqlTransaction):
        return DatabaseStopped(LOST)
    if isinstance(error, psycopg.OperationalError) and "does not exist" in said:
        return DatabaseStopped(f"{said}; make it there, or mend the url in database.toml")
    if isinstance(error, psycopg.OperationalError):
        return DatabaseStopped(
            f"{said}; start PostgreSQL, or check the brand's database.toml and "
            "~/.pgpass, and try again"
        )
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return DatabaseStopped(f"{said}; {_OWN}")
    if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.InvalidSchemaName):
        return DatabaseStopped(f"{said}; run `reciprocity apply`, or {_OWN}")
    return DatabaseContradicted(said)
