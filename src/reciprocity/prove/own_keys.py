"""The keys a brand's own journal says it signs with: proof and journal agree, no more."""

from contextlib import closing
from pathlib import Path

from reciprocity.errors import InputError, ReciprocityError
from reciprocity.events import LogKeyChanged, LogOpened, LogRestored, read_body, read_event
from reciprocity.storage import FAILURES, connect, exists

__all__ = ["keys_of"]


def keys_of(journal_file: Path) -> list[str]:
    """The verifier keys that the log in *journal_file* says it signs with, newest first.

    They are public statements, so no key of the brand is needed. Raises `InputError` when there
    is no such journal.
    """
    if not exists(journal_file):
        raise InputError(f"journal {journal_file} is not there: give the verifier key with --key")
    try:
        with closing(connect(journal_file, durable=True, read_only=True)) as db:
            rows = db.execute(
                "SELECT leaf FROM event WHERE kind IN ('log.opened', 'log.restored', "
                "'log.key_changed') ORDER BY position DESC"
            ).fetchall()
    except (*FAILURES, ReciprocityError) as error:
        raise InputError(f"journal {journal_file} cannot be read ({error}): give --key") from error
    events = [read_event(leaf[1:]) for (leaf,) in rows]
    bodies = [read_body(event.kind, event.body, event.v) for event in events]
    keys = [
        body.new_key if isinstance(body, LogKeyChanged) else body.key
        for body in bodies
        if isinstance(body, LogOpened | LogRestored | LogKeyChanged)
    ]
    return list(dict.fromkeys(keys))
