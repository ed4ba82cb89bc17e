"""What became of each request for a yes that is to be confirmed, in numbers.

Counted from the histories of people who are still there: of the erased nothing can be opened, so
they are not counted, and the figures say no more than that.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reciprocity.brand import CONFIRMATION
from reciprocity.events import Act, Attempt, ConsentRow, Outcome
from reciprocity.model import ConsentState, Instant

if TYPE_CHECKING:
    from reciprocity.journal.leaf import Told

__all__ = ["Asked", "Funnel", "funnel", "requests"]

_ENDS: Final = {
    ConsentState.GIVEN: "confirmed",
    ConsentState.REFUSED: "taken_back",
    ConsentState.WITHDRAWN: "taken_back",
}


class Asked(Struct, kw_only=True):
    """One request for a yes by `PURPOSE/CHANNEL`: what became of it.

    *mailed* counts the mails that asked for the confirmation and were taken by the next server.
    *became* is `confirmed`, `taken_back`, `ran_out`, or `waits`.
    """

    key: str
    at: Instant
    until: Instant
    mailed: int = 0
    became: str = "waits"


class Funnel(Struct, kw_only=True):
    """All requests for one purpose x channel, by what became of them; *mailed* had a mail."""

    purpose: str
    channel: str
    asked: int = 0
    mailed: int = 0
    confirmed: int = 0
    taken_back: int = 0
    ran_out: int = 0
    waits: int = 0


def requests(history: Iterable["Told"], at: Instant) -> list[Asked]:
    """Every request for a yes in one person's *history*, as it stands at *at*.

    One that is made again while it waits goes on; one made after it ran out is another.
    """
    read = _Requests()
    for told in history:
        read.see(told)
    read.run_out(at)
    return read.found


class _Requests:
    """Follows one history; *found* are its requests in the order in which they were made."""

    def __init__(self) -> None:
        self.found: list[Asked] = []
        self._waits: dict[str, Asked] = {}
        self._mails: dict[int, list[Asked]] = {}

    def see(self, told: "Told") -> None:
        """Take in the next event."""
        self.run_out(told.at)
        body = told.body
        if isinstance(body, Attempt) and body.purpose == CONFIRMATION:
            self._mails[told.version] = list(self._waits.values())
        elif isinstance(body, Outcome) and told.kind == "delivery.delivered":
            for one in self._mails.get(body.attempt, ()):
                one.mailed += 1
        elif isinstance(body, Act):
            for row in body.consent:
                self._hear(told, row)

    def run_out(self, at: Instant) -> None:
        """End what was not answered in time."""
        for key in [key for key, one in self._waits.items() if one.until <= at]:
            self._waits.pop(key).became = "ran_out"

    def _hear(self, told: "Told", row: ConsentRow) -> None:
        key = f"{row.purpose}/{row.channel}"
        if row.state is ConsentState.PENDING and told.kind == "consent.requested":
            if key not in self._waits:
                self._waits[key] = Asked(key=key, at=told.at, until=row.until)
                self.found.append(self._waits[key])
            self._waits[key].until = row.until
        elif row.state in _ENDS and key in self._waits:
            self._waits.pop(key).became = _ENDS[row.state]


def funnel(histories: Iterable[Iterable["Told"]], at: Instant, since: Instant = 0) -> list[Funnel]:
    """What has become by *at* of every request made from *since* on, by purpose and channel."""
    found: dict[str, Funnel] = {}
    for history in histories:
        for one in requests(history, at):
            if one.at < since:
                continue
            purpose, _, channel = one.key.rpartition("/")
            row = found.setdefault(one.key, Funnel(purpose=purpose, channel=channel))
            row.asked += 1
            row.mailed += bool(one.mailed)
            setattr(row, one.became, getattr(row, one.became) + 1)
    return [found[key] for key in sorted(found)]
