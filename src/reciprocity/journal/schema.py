"""The tables of `journal.db`, portable to PostgreSQL, and the triggers that keep history whole.

The tables are the truth and everything that must be durable together with it. What can be made
anew from them (standing, outbox) lies in `standing.db`, what ends apart from them (keys) in
`keys.db`. Alembic brings a file up to `HEAD`; a test compares the two.
"""

from typing import Final

import sqlalchemy as sa

__all__ = ["POSTGRESQL_TRIGGERS", "SQLITE_TRIGGERS", "tables"]

tables: Final = sa.MetaData()

_Int = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

event = sa.Table(
    "event",
    tables,
    sa.Column("position", _Int, primary_key=True, autoincrement=False),
    sa.Column("slot", _Int),
    sa.Column("version", _Int),
    sa.Column("recorded_at", _Int),
    sa.Column("happened_at", _Int),
    sa.Column("kind", sa.Text),
    sa.Column("sealed", sa.LargeBinary),
    sa.Column("leaf", sa.LargeBinary, nullable=False),
    sa.Column("act_id", sa.LargeBinary),
)
sa.Index("event_person", event.c.slot, event.c.version, unique=True)
sa.Index(
    "event_act",
    event.c.act_id,
    unique=True,
    sqlite_where=event.c.act_id.is_not(None),
    postgresql_where=event.c.act_id.is_not(None),
)

tile = sa.Table(
    "tile",
    tables,
    sa.Column("level", sa.Integer, primary_key=True),
    sa.Column("number", _Int, primary_key=True),
    sa.Column("root", sa.LargeBinary, nullable=False),
    sa.Column("hashes", sa.LargeBinary, nullable=False),
)

log_state = sa.Table(
    "log_state",
    tables,
    sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True),
    sa.Column("size", _Int, nullable=False),
    sa.Column("last_at", _Int, nullable=False),
    sa.Column("next_slot", _Int, nullable=False),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("gap", sa.Integer, nullable=False),
    sa.Column("checkpoint", sa.LargeBinary, nullable=False),
)

in_force = sa.Table(
    "in_force",
    tables,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("position", _Int, nullable=False),
)

vault = sa.Table(
    "vault",
    tables,
    sa.Column("slot", _Int, primary_key=True, autoincrement=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)

suppression = sa.Table(
    "suppression",
    tables,
    sa.Column("digest", sa.LargeBinary, primary_key=True),
    sa.Column("since", _Int, nullable=False),
)

pending_act = sa.Table(
    "pending_act",
    tables,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("slot", _Int, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("at", _Int, nullable=False),
)

link_key = sa.Table(
    "link_key",
    tables,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("key", sa.LargeBinary, nullable=False),
    sa.Column("made_at", _Int, nullable=False),
)
"""Keys of the unsubscribe links, in clear: a link must work while the master key is out of reach.
Whoever reads them can only take away (`deliver/link.py`)."""

SQLITE_TRIGGERS: Final = (
    # INSERT OR REPLACE would slip past UPDATE and DELETE triggers, so every way in is named here.
    """
    CREATE TRIGGER event_appends BEFORE INSERT ON event
    WHEN NEW.position <> (SELECT COALESCE(MAX(position), -1) + 1 FROM event)
      OR EXISTS (SELECT 1 FROM event WHERE slot = NEW.slot AND version = NEW.version)
      OR (NEW.act_id IS NOT NULL AND EXISTS (SELECT 1 FROM event WHERE act_id = NEW.act_id))
    BEGIN SELECT RAISE(ABORT, 'the journal only appends'); END
    """,
    """
    CREATE TRIGGER event_erases BEFORE UPDATE ON event
    WHEN NOT (OLD.slot IS NOT NULL AND NEW.position = OLD.position AND NEW.leaf = OLD.leaf
      AND COALESCE(NEW.slot, NEW.version, NEW.recorded_at, NEW.happened_at) IS NULL
      AND NEW.kind IS NULL AND NEW.sealed IS NULL AND NEW.act_id IS NULL)
    BEGIN SELECT RAISE(ABORT, 'an event changes only by erasure'); END
    """,
    """
    CREATE TRIGGER event_stays BEFORE DELETE ON event
    BEGIN SELECT RAISE(ABORT, 'an event is never deleted'); END
    """,
    """
    CREATE TRIGGER tile_appends BEFORE INSERT ON tile
    WHEN EXISTS (SELECT 1 FROM tile WHERE level = NEW.level AND number = NEW.number)
    BEGIN SELECT RAISE(ABORT, 'a full tile never changes'); END
    """,
    """
    CREATE TRIGGER tile_keeps BEFORE UPDATE ON tile
    BEGIN SELECT RAISE(ABORT, 'a full tile never changes'); END
    """,
    """
    CREATE TRIGGER tile_stays BEFORE DELETE ON tile
    BEGIN SELECT RAISE(ABORT, 'a full tile never changes'); END
    """,
)
"""SQLite's guards."""

POSTGRESQL_TRIGGERS: Final = (
    """
    CREATE FUNCTION event_appends() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW.position <> (SELECT COALESCE(MAX(position), -1) + 1 FROM event) THEN
        RAISE EXCEPTION 'the journal only appends';
      END IF;
      RETURN NEW;
    END $$
    """,
    """
    CREATE FUNCTION event_erases() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NOT (OLD.slot IS NOT NULL AND NEW.position = OLD.position AND NEW.leaf = OLD.leaf
        AND COALESCE(NEW.slot, NEW.version, NEW.recorded_at, NEW.happened_at) IS NULL
        AND NEW.kind IS NULL AND NEW.sealed IS NULL AND NEW.act_id IS NULL) THEN
        RAISE EXCEPTION 'an event changes only by erasure';
      END IF;
      RETURN NEW;
    END $$
    """,
    """
    CREATE FUNCTION refuses() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION '%', TG_ARGV[0]; END $$
    """,
    """
    CREATE TRIGGER event_appends BEFORE INSERT ON event
    FOR EACH ROW EXECUTE FUNCTION event_appends()
    """,
    """
    CREATE TRIGGER event_erases BEFORE UPDATE ON event
    FOR EACH ROW EXECUTE FUNCTION event_erases()
    """,
    """
    CREATE TRIGGER event_stays BEFORE DELETE OR TRUNCATE ON event
    EXECUTE FUNCTION refuses('an event is never deleted')
    """,
    """
    CREATE TRIGGER tile_keeps BEFORE UPDATE OR DELETE OR TRUNCATE ON tile
    EXECUTE FUNCTION refuses('a full tile never changes')
    """,
)
"""PostgreSQL's guards: its unique keys refuse what SQLite's INSERT OR REPLACE could slip past."""
