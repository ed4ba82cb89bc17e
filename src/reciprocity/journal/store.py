"""Making `journal.db`, and bringing an older one up to what this release writes."""

import os
from contextlib import closing
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reciprocity.errors import Unavailable
from reciprocity.journal.migrations import HEAD
from reciprocity.storage import BUSY_MS, Database, connect, driver_failure, explained, place_of

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["migrate", "revision", "rotate_link_key"]

LINK_KEY_BYTES: Final = 64


def rotate_link_key(db: Database, at: int) -> None:
    """Make links with a new key from here on; those made before keep working."""
    with explained("keep a link key"):
        db.execute(
            "INSERT INTO link_key (id, key, made_at) "
            "SELECT COALESCE(MAX(id), 0) + 1, ?, ? FROM link_key",
            (os.urandom(LINK_KEY_BYTES), at),
        )


def revision(db: Database) -> str:
    """The migration this journal is at, or an empty text for an empty one."""
    with explained("read its revision"):
        if not db.has_table("alembic_version"):
            return ""
        row = db.execute("SELECT version_num FROM alembic_version").fetchone()
    return row[0] if row else ""


def migrate(path: Path) -> None:
    """Bring the journal at *path* to `HEAD` (making it, if new); does nothing when it is there.

    A journal at a revision this release does not know was written by a newer one, and is refused.
    """
    with closing(connect(path, durable=True)) as db:
        found = revision(db)
    if found == HEAD:
        return
    if found > HEAD:
        raise Unavailable(
            f"journal is at revision {found}, this release knows {HEAD}: upgrade reciprocity"
        )
    with explained("migrate"):
        _upgrade(*_engine(path))


def _engine(path: Path) -> tuple["sa.Engine", list[str]]:
    """What Alembic works through, and what is said first: it works alone, and all or nothing."""
    import sqlalchemy as sa  # noqa: PLC0415 - slow to import and rarely needed

    if (place := place_of(path.parent)) is not None:
        from reciprocity.storage.driver import alone, open_driver  # noqa: PLC0415

        def creator() -> object:
            return open_driver(place, path.stem, durable=True, busy_ms=BUSY_MS)

        schema = place.schema(path.stem)
        return sa.create_engine("postgresql+psycopg://", creator=creator), [
            alone(place, path.stem),
            f"CREATE SCHEMA IF NOT EXISTS {schema}",
        ]
    # The driver commits before each CREATE unless told otherwise: one transaction, or a migration
    # cut short could never be run again.
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"isolation_level": None})
    return engine, [f"PRAGMA busy_timeout = {BUSY_MS}", "BEGIN IMMEDIATE"]


def _upgrade(engine: "sa.Engine", first: list[str]) -> None:
    import sqlalchemy as sa  # noqa: PLC0415
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    try:
        with as_file(files("reciprocity.journal") / "migrations") as folder, engine.connect() as db:
            for statement in first:
                db.exec_driver_sql(statement)
            config = Config()
            config.set_main_option("script_location", str(folder))
            config.attributes["connection"] = db
            command.upgrade(config, "head")
            db.exec_driver_sql("COMMIT")
    except sa.exc.DBAPIError as error:
        raise driver_failure(error.orig or error) from error
    finally:
        engine.dispose()
