"""Where a brand's rows lie: SQLite files beside `brand.toml`, or one PostgreSQL database.

Every chapter above asks for a database by the path its file would have (`shop/journal.db`) and is
handed a `Database`: it writes portable SQL with `?` in it and never learns which of the two it is.
A folder with a `database.toml` lies in PostgreSQL (`place`), one schema for each of `SHARED`.

What the chapters above rely on, on both:

    begin           takes the one write lock of that database; what is read after it is the newest
    begin_reading   everything read until `rollback` is of one state
    commit          durable when it returns, unless the database was opened as one that need not be
    a failure       is one of `FAILURES`; inside `explained` it says what to do next
    a lost server   ends the transaction that was open; the next statement finds the server again

- failures: what can go wrong, in words
- database: the contract; sqlite, postgresql: the two that keep it (driver: psycopg 3)
- place: which of the two it is
- opening: `connect`, `connect_defined`, and what both share
"""

from reciprocity.storage.database import Database, Rows
from reciprocity.storage.failures import (
    FAILURES,
    DatabaseContradicted,
    DatabaseStopped,
    driver_failure,
    explained,
)
from reciprocity.storage.opening import (
    BUSY_MS,
    connect,
    connect_defined,
    exists,
    flush,
    rows_in,
    transaction,
    upsert,
)
from reciprocity.storage.place import FILE, SHARED, Place, place_of

__all__ = [
    "BUSY_MS",
    "FAILURES",
    "FILE",
    "SHARED",
    "Database",
    "DatabaseContradicted",
    "DatabaseStopped",
    "Place",
    "Rows",
    "connect",
    "connect_defined",
    "driver_failure",
    "exists",
    "explained",
    "flush",
    "place_of",
    "rows_in",
    "transaction",
    "upsert",
]
