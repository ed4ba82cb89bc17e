"""The keys a brand's own journal says it signs with: proof and journal agree, no more."""

import sqlite3
from contextlib import closing
from pathlib import Path

from reciprocity.errors import InputError
from reciprocity.events import LogKeyChanged, LogOpened, LogRestored, read_body, read_event

__all__ = ["keys_of"]


def keys_of(journal_file: Path) -> list[str]:
    """The verifier keys that the log in *journal_file* says it signs with, newest first.

    They are public statements, so no key of the brand is needed. Raises `InputError` when there
    is no such journal.
    """
    if not journal_file.exists():
        raise InputError(f"journal {journal_file} is not there: give the verifier key with --key")
    try:
        with closing(
            sqlite3.connect(f"{journal_file.absolute().as_uri()}?mode=ro", uri=True)
        ) as db:
            rows = db.execute(
                "SELECT leaf FROM event WHERE kind IN ('log.opened', 'log.restored', "
                "'log.key_changed') ORDER BY position DESC"
            ).fetchall()
    except sqlite3.Error as error:
        raise InputError(f"journal {journal_file} cannot be read ({error}): give --key") from error
    events = [read_event(leaf[1:]) for (leaf,) in rows]
    bodies = [read_body(event.kind, event.body, event.v) for event in events]
    keys = [
        body.new_key if isinstance(body, LogKeyChanged) else body.key
        for body in bodies
        if isinstance(body, LogOpened | LogRestored | LogKeyChanged)
    ]
    return list(dict.fromkeys(keys))
