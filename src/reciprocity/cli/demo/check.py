"""Comparing what was planned and delivered with what had to be, person by person."""

from collections.abc import Iterator, Mapping, Sequence
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Final

from msgspec import Struct

from reciprocity.cli.demo.acts import slot_of
from reciprocity.cli.demo.people import GARDEN, KITCHEN, Made, chosen, count
from reciprocity.deliver.campaign import Plan
from reciprocity.events import Attempt, Outcome
from reciprocity.platform import Reciprocity

__all__ = ["Compared", "compare", "letters_in"]

_SUBJECTS: Final = {"Seeds": GARDEN, "Flour": KITCHEN}


class Compared(Struct, frozen=True, kw_only=True):
    """One thing that had to be, and what was."""

    what: str
    must: int
    found: int

    @property
    def equal(self) -> bool:
        """Are the two the same?"""
        return self.must == self.found


def letters_in(maildir: Path) -> dict[str, list[str]]:
    """Which messages lie in *maildir*, by the address they are for."""
    read, found = BytesHeaderParser(), dict[str, list[str]]()
    for path in sorted((maildir / "new").iterdir()):
        head = read.parsebytes(path.read_bytes())
        message = _SUBJECTS.get(str(head["Subject"]).split(" ", 1)[0], "?")
        found.setdefault(str(head["To"]), []).append(message)
    return found


def compare(
    shop: Reciprocity,
    people: Sequence[Made],
    plan: Plan,
    letters: Mapping[str, list[str]],
    withdrawn: Mapping[str, int],
) -> list[Compared]:
    """Every count of *plan*, and every letter, beside the truth of *people*.

    *withdrawn* has the position at which each who left while it was sent took the yes back.
    """
    return [*_planned(people, plan), *_delivered(shop, people, letters, withdrawn)]


def _planned(people: Sequence[Made], plan: Plan) -> Iterator[Compared]:
    for message, counts in plan.messages.items():
        found = {("deliver", ""): counts.deliver}
        found |= {("wait", reason): number for reason, number in counts.wait.items()}
        found |= {("refuse", reason): number for reason, number in counts.refuse.items()}
        must = count(people, message)
        for verdict, reason in sorted({*must, *found}):
            yield Compared(
                what=f"plan: {message}, {verdict} {reason}".rstrip(),
                must=must.get((verdict, reason), 0),
                found=found.get((verdict, reason), 0),
            )
        wanted = sum(chosen(one) == message for one in people)
        yield Compared(
            what=f"plan: {message} chosen", must=wanted, found=plan.chosen.get(message, 0)
        )


def _delivered(
    shop: Reciprocity,
    people: Sequence[Made],
    letters: Mapping[str, list[str]],
    withdrawn: Mapping[str, int],
) -> Iterator[Compared]:
    may = [one for one in people if chosen(one)]
    stays = [one for one in may if one.customer not in withdrawn]
    leaves = [one for one in may if one.customer in withdrawn]
    in_time = [one for one in leaves if _attempted_before(shop, one, withdrawn[one.customer])]
    right = {one.email: [chosen(one)] for one in may}
    yield Compared(
        what="letters to those who stayed, each the right one",
        must=len(stays),
        found=sum(letters.get(one.email) == right[one.email] for one in stays),
    )
    yield Compared(
        what="letters to those who left, under way before they said so",
        must=len(in_time),
        found=sum(one.email in letters for one in leaves),
    )
    yield Compared(
        what="letters that should not be there",
        must=0,
        found=sum(right.get(address) != told for address, told in letters.items()),
    )


def _attempted_before(shop: Reciprocity, person: Made, position: int) -> bool:
    """Was a message to *person* on its way, and not stopped at the door, before *position*?"""
    history = shop.journal.history(slot_of(shop, person))
    tried = [
        told.version
        for told in history
        if isinstance(told.body, Attempt) and told.position < position
    ]
    cancelled = [
        told.body.attempt
        for told in history
        if isinstance(told.body, Outcome) and told.kind == "delivery.cancelled"
    ]
    return any(version not in cancelled for version in tried)
