"""The ways in: asking for the link to one's own page, and what a link in a message opens.

Asking gives one answer, at once, whether or not the address is known; what is to be sent is sent
afterwards. A link is used by a press of a button, never by being looked at: scanners look at all.
"""

import logging
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from reciprocity.brand import CONFIRMATION, PAGE_LINK
from reciprocity.consent.draft import REQUEST_DAYS, Drafted, confirm, waiting
from reciprocity.consent.laws import DAY_MS, PERSON
from reciprocity.deliver.link import Entries, Link
from reciprocity.deliver.run import send_own
from reciprocity.errors import Conflict, InputError, ReciprocityError
from reciprocity.events import Act, Attempt, PointSet
from reciprocity.http.buckets import Room, Rooms
from reciprocity.http.desk import Desk
from reciprocity.http.limit import Limit
from reciprocity.http.visits import ENTRY_MS, Visit, Visits
from reciprocity.journal.entry import Entry
from reciprocity.platform import Reciprocity
from reciprocity.vault.people import EMAIL, canonical_address

__all__ = ["Asking", "Door", "may_ask"]

_HOUR_MS: Final = 3_600_000
MOST: Final = {PAGE_LINK: (3, _HOUR_MS), CONFIRMATION: (2, REQUEST_DAYS * DAY_MS)}
"""How many such mails one person is sent in how long, so that nobody can flood a mailbox."""
MOST_WAITING: Final = 256
_LETTERS: Final = (10, 50)
"""How many letters a second are sent for whoever asks, and how many at once."""
_ANYBODY: Final = "anybody"
_METHOD: Final = "entry_link"
_log = logging.getLogger(__name__)


class Asking:
    """Takes requests for a link, and sends the mails in the background, one after the other."""

    def __init__(self, desk: Desk, rooms: Rooms) -> None:
        """Send what people of *desk* ask for."""
        self._desk = desk
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="asking")
        self._waiting = threading.Semaphore(MOST_WAITING)
        self._pace = Limit(*_LETTERS, buckets=rooms.of(Room.LETTERS))

    def for_address(self, text: str) -> bool:
        """Send the person with the address *text* a link, if there is one; False when overrun.

        Says nothing about them, and takes no longer for one than for the other.
        """

        def find(shop: Reciprocity) -> int | None:
            try:
                canonical = canonical_address(EMAIL, text)
            except InputError:
                return None
            return shop.journal.find(shop.journal.digest(EMAIL, canonical))

        return self._later(find, PAGE_LINK)

    def for_person(self, slot: int, what: str = PAGE_LINK) -> bool:
        """The same for a person who is known already; *what* is one of the mails of our own."""
        return self._later(lambda _: slot, what)

    def settled(self) -> None:
        """Return once all that was asked for until now has been sent."""
        self._pool.submit(lambda: None).result()

    def close(self) -> None:
        """Send what was asked for, and take no more."""
        self._pool.shutdown()

    def _later(self, find: Callable[[Reciprocity], int | None], what: str) -> bool:
        if not self._pace.takes(_ANYBODY) or not self._waiting.acquire(blocking=False):
            _log.warning("more links are asked for than can be sent: one was not")
            return False
        self._pool.submit(self._send, find, what)
        return True

    def _send(self, find: Callable[[Reciprocity], int | None], what: str) -> None:
        try:
            shop = self._desk.shop()
            slot = find(shop)
            if slot is not None:
                _send_link(shop, slot, what)
        except ReciprocityError as error:
            _log.error("link that was asked for was not sent: %s", error)
        finally:
            self._waiting.release()


def may_ask(shop: Reciprocity, slot: int, what: str) -> tuple[str, ...]:
    """The channels on which the person in *slot* may be sent *what* now: not too many lately."""
    kept, at = shop.journal.kept(slot), shop.journal.clock()
    if kept is None or kept.standing.erased:
        return ()
    most, within = MOST[what]
    return tuple(
        channel
        for channel in shop.statement.purposes[what].channels
        if channel in kept.standing.wishes.points
        and sum(
            sent.message == f"{what}-{channel}" and sent.at > at - within
            for sent in kept.standing.sent
        ) < most
    )  # fmt: skip


def _send_link(shop: Reciprocity, slot: int, what: str) -> None:
    """Send *what* on each channel that has a message for it and an address of the person."""
    for channel in may_ask(shop, slot, what):
        send_own(shop.post, slot, f"{what}-{channel}", secrets.token_hex(8))


class Door:
    """What a link in a mail that was asked for opens: a page, or the confirmation of a yes."""

    def __init__(self, desk: Desk, visits: Visits) -> None:
        """Open pages of *desk* by *visits*."""
        self._desk, self._visits = desk, visits

    def read(self, token: str) -> Link:
        """The link that *token* is, still in time.

        Raises `InputError` for one that is not ours, or too old. Changes nothing.
        """
        shop = self._desk.shop()
        link = Entries(shop.links, shop.journal.digest).read(token)
        attempt = _attempt(shop, link)
        lives = REQUEST_DAYS * DAY_MS if link.purpose == CONFIRMATION else ENTRY_MS
        if shop.journal.clock() > attempt.decided_at + lives:
            raise InputError("link has run out: ask for another one")
        return link

    def enter(self, link: Link) -> Visit:
        """Use the link up and begin a visit; raises `InputError` if it was used before.

        Whoever holds it reads the person's mail, so from here on the address is known to be theirs.
        """
        if not self._visits.use(link):
            raise InputError("link was used before: ask for another one")
        shop = self._desk.shop()
        _confirm_point(shop, link)
        return self._visits.begin(link.slot)

    def waiting(self, link: Link) -> list[str]:
        """The purposes that *link* would confirm: those that waited when its mail was sent."""
        shop = self._desk.shop()
        found = waiting(shop.wishes(link.slot), shop.journal.clock(), link.version)
        return list(dict.fromkeys(key.rpartition("/")[0] for key in found))

    def confirm(self, link: Link) -> list[str]:
        """Confirm the yeses that waited when its mail was sent; the purposes.

        Twice is no harm: none the second time.

        Raises `InputError` when none waits any more and none was confirmed by this link.
        """
        shop = self._desk.shop()
        _confirm_point(shop, link)
        saying = shop.saying(PERSON, _METHOD, place="mail")

        def drafted() -> Drafted:
            return confirm(saying, shop.wishes(link.slot), before=link.version)

        try:
            shop.act(link.slot, drafted)
        except InputError:
            if not _given(shop, link):
                raise
        return _given(shop, link)


def _given(shop: Reciprocity, link: Link) -> list[str]:
    """The purposes that a confirmation since *link* was sent has given."""
    found: list[str] = []
    for told in shop.journal.history(link.slot):
        if told.kind == "consent.confirmed" and told.version > link.version:
            body = told.body
            found += [row.purpose for row in body.consent] if isinstance(body, Act) else []
    return list(dict.fromkeys(found))


def _attempt(shop: Reciprocity, link: Link) -> Attempt:
    history = shop.journal.history(link.slot)
    if link.version <= len(history):
        body = history[link.version - 1].body
        if isinstance(body, Attempt) and body.purpose == link.purpose:
            return body
    raise InputError("link is for nobody we know any more")


def _confirm_point(shop: Reciprocity, link: Link) -> None:
    """Note that the address the mail went to is the person's own, unless it is another by now."""
    attempt = _attempt(shop, link)
    for _ in range(8):
        kept = shop.journal.kept(link.slot)
        if kept is None or kept.standing.erased:
            raise InputError("link is for nobody we know any more")
        point = kept.standing.wishes.points.get(link.channel)
        if point is None or point.version != attempt.point or point.confirmed:
            return
        told = PointSet(channel=link.channel, point=point.version, confirmed=True)
        body = Act(actor=PERSON, method=_METHOD, place="mail", points=(told,))
        entry = Entry(
            kind="contact_point.set", body=body, slot=link.slot, expect=kept.standing.version
        )
        try:
            shop.journal.append([entry])
        except Conflict:
            continue
        return
