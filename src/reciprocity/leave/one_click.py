"""One click in a mail: the link that takes back a yes, also while the keys are out of reach.

The link alone is enough: no cookie, no sign-in, no second page (RFC 8058). Saying it twice
changes nothing, and so does saying it after erasure. Without keys the withdrawal is noted in
clear (`journal/pending.py`) and stops every message until it is sealed.
"""

from typing import Final

from reciprocity.brand import BrandStatement, read_statement
from reciprocity.consent.draft import Saying, withdraw_all
from reciprocity.consent.laws import PERSON, answer_key
from reciprocity.consent.state import Wishes
from reciprocity.deliver.link import Link
from reciprocity.errors import Conflict, Damaged, Unavailable
from reciprocity.events import Act, Stated
from reciprocity.journal import pending
from reciprocity.journal.entry import ANY_VERSION, Entry
from reciprocity.journal.journal import Journal
from reciprocity.journal.leaf import Row, open_public
from reciprocity.model import ConsentState, Id
from reciprocity.storage import Database, explained

__all__ = ["reach", "statement_without_keys", "withdraw_by_link", "withdraw_without_keys"]

METHOD: Final = "one_click"
_NO: Final = frozenset({ConsentState.REFUSED, ConsentState.WITHDRAWN})
_TRIES: Final = 8


def reach(brand: BrandStatement, link: Link) -> tuple[Id, ...]:
    """The purposes that a click on *link* withdraws, as far as the brand file tells.

    What a person answered beyond it, for a purpose declared no more, goes as well.
    """
    _, act = withdraw_all(_saying(brand, 0), Wishes(), link.purpose, link.channel)
    return tuple(row.purpose for row in act.consent)


def withdraw_by_link(journal: Journal, brand: BrandStatement, link: Link) -> bool:
    """Take back the yes that *link* was sent under, and those of its tree on that channel.

    Gives True if anything changed by it; a second click, or one after erasure, changes nothing.
    What was never answered is withdrawn as well, so that no import fills the gap later. Raises
    `Conflict` for a person the journal does not know: it is older than the message.
    """
    for attempt in range(1, _TRIES + 1):
        kept = journal.kept(link.slot)
        if kept is None:
            return _withdraw_unseen(journal, brand, link)
        if kept.standing.erased:
            return False
        saying = _saying(brand, max(journal.clock(), journal.state().last_at))
        kind, act = withdraw_all(saying, kept.standing.wishes, link.purpose, link.channel)
        if not _changes(act, kept.standing.wishes):
            return False
        expect = kept.standing.version if attempt < _TRIES else ANY_VERSION
        try:
            journal.append([Entry(kind=kind, body=act, slot=link.slot, expect=expect)])
        except Conflict:
            continue  # history moved on: look again
        return True
    return False  # erased in the last of these instants


def _withdraw_unseen(journal: Journal, brand: BrandStatement, link: Link) -> bool:
    """The same for somebody whom the standing cache lacks: the appender makes it anew."""
    if not journal.version(link.slot):
        raise Conflict("person of this link is not in the journal: restore the newest backup")
    kind, act = withdraw_all(_saying(brand, journal.clock()), Wishes(), link.purpose, link.channel)
    journal.append([Entry(kind=kind, body=act, slot=link.slot, expect=ANY_VERSION)])
    return True


def withdraw_without_keys(db: Database, link: Link, at: int) -> None:
    """The same, noted in clear until keys are back; nothing is sent to anybody before that."""
    saying = _saying(statement_without_keys(db), at)
    kind, act = withdraw_all(saying, Wishes(), link.purpose, link.channel)
    if act.consent:
        pending.leave(db, link.slot, kind, act, at)


def statement_without_keys(db: Database) -> BrandStatement:
    """The brand file in force, which is public and needs no key to be read."""
    with explained("read the brand file in force"):
        row = db.execute(
            "SELECT e.position, NULL, NULL, recorded_at, happened_at, kind, sealed, leaf "
            "FROM event e JOIN in_force f ON f.position = e.position WHERE f.name = 'brand'"
        ).fetchone()
    if row is None:
        raise Unavailable("brand file is not in force yet: run `reciprocity apply`")
    body = open_public(Row._make(row)).body
    if not isinstance(body, Stated):
        raise Damaged("journal's brand file in force is of another kind: restore a backup")
    return read_statement(bytes(body.body))


def _saying(brand: BrandStatement, at: int) -> Saying:
    # Laws say how long a yes holds: taking one back asks none of them.
    return Saying(brand=brand, laws=(), actor=PERSON, method=METHOD, at=at, place="mail")


def _changes(act: Act, wishes: Wishes) -> bool:
    keys = [answer_key(row.purpose, row.channel) for row in act.consent]
    return any(
        key in wishes.requests or key not in wishes.answers or wishes.answers[key].state not in _NO
        for key in keys
    )
