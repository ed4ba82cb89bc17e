"""What a program is told of one person: choices and names, no address, no value of an attribute.

It is told at a version of their history, so that the answer to an act is the same whenever it is
asked for again.
"""

from collections.abc import Iterator

from msgspec import Struct

from reciprocity.brand import BrandStatement, LawPack
from reciprocity.decide.answers import answers_now
from reciprocity.decide.prepare import Statements
from reciprocity.decide.statements import statements_below, statements_in_force
from reciprocity.errors import InputError
from reciprocity.http.api.once import Written
from reciprocity.http.problem import Kind, Refusal
from reciprocity.journal.cache import Kept
from reciprocity.journal.journal import Journal
from reciprocity.journal.standing import Standing, fold
from reciprocity.model import ConsentState, Instant
from reciprocity.platform import Reciprocity
from reciprocity.vault.people import pseudonym_text

__all__ = ["Consent", "Person", "person_after", "person_now", "slot_of"]


class Consent(Struct, frozen=True, kw_only=True):
    """One purpose, or behaviour, on one channel; *since* is 0 where nobody answered.

    Nothing but `given` permits, and not even that against an objection.
    """

    purpose: str
    channel: str
    state: ConsentState
    since: Instant


class Person(Struct, frozen=True, kw_only=True):
    """What stands for one person after *version* events.

    *pauses* end at an instant; *caps* are (per 7 days, per 30 days); *shared* names attributes by
    purpose. *erase_at* is 0 unless erasure was asked for.
    """

    person: str
    version: int
    consent: list[Consent]
    objections: list[str]
    topics: dict[str, int]
    caps: dict[str, tuple[int | None, int | None]]
    pauses: dict[str, Instant]
    shared: dict[str, list[str]]
    language: str
    time_zone: str
    erase_at: Instant


def slot_of(shop: Reciprocity, name: str) -> int:
    """The slot of the person called *name*, an external id or a pseudonym; `Refusal` if nobody."""
    try:
        return shop.find(name if name.startswith("p_") else f"id:{name}")
    except InputError:
        raise Refusal(Kind.UNKNOWN_PERSON) from None


def person_now(shop: Reciprocity, slot: int) -> Person:
    """What stands for the person in *slot* now."""
    journal = shop.journal
    kept = journal.kept(slot)
    if kept is None or kept.standing.erased:
        raise Refusal(Kind.UNKNOWN_PERSON)
    at = max(journal.clock(), journal.state().last_at)
    stated = statements_in_force(journal)
    return _person(pseudonym_text(kept.pseudonym), stated, kept.standing, at)


def person_after(
    journal: Journal, stated: Statements, kept: Kept | None, written: Written
) -> Person:
    """What stood for a person right after *written*, the last event of an act.

    *stated* is in force now, and *kept* what stands now for them. Raises `Refusal` once they are
    erased.
    """
    if max(stated.brand_at, stated.laws_at, stated.rulebook_at) > written.position:
        stated = statements_below(journal, written.position)
    if kept is None or kept.standing.erased:
        raise Refusal(Kind.UNKNOWN_PERSON)
    standing = kept.standing
    if standing.version != written.version:
        standing = Standing(slot=written.slot)
        for told in journal.history(written.slot, written.version + 1):
            standing = fold(
                standing, told.kind, told.v, told.body, told.at, told.happened_at, told.version,
                None,
            )  # fmt: skip
    return _person(pseudonym_text(kept.pseudonym), stated, standing, written.at)


def _person(name: str, stated: Statements, standing: Standing, at: Instant) -> Person:
    wishes = standing.wishes
    return Person(
        person=name,
        version=standing.version,
        consent=list(_consent(stated.brand, stated.laws, standing, at)),
        objections=sorted(wishes.objections),
        topics={name: told.level for name, told in sorted(wishes.topics.items())},
        caps=wishes.caps,
        pauses={name: until for name, until in wishes.pauses.items() if until > at},
        shared={purpose: list(names) for purpose, names in wishes.shared.items()},
        language=wishes.language,
        time_zone=wishes.time_zone,
        erase_at=wishes.erase_at,
    )


def _consent(
    told: BrandStatement, laws: tuple[LawPack, ...], standing: Standing, at: Instant
) -> Iterator[Consent]:
    """A row for each purpose and channel that asks for a yes, and each behaviour."""
    for one in answers_now(told, laws, standing.wishes, at):
        since = one.answer.at if one.answer else 0
        yield Consent(purpose=one.purpose, channel=one.channel, state=one.state, since=since)
