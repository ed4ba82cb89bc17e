"""Writes that come while others are being written are written together: one thread, one commit.

A thread for each write spent three quarters of its time on handing the interpreter around. Here
the server's loop goes on reading requests while one thread does all that came meanwhile: lets each
in, drafts it under what stands, appends all in one transaction, and answers each from one look at
what stands then. What is wrong with one write is no other's matter.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from reciprocity.brand import CONFIRMATION
from reciprocity.consent.draft import Drafted, Saying
from reciprocity.decide.prepare import Statements
from reciprocity.decide.statements import statements_in_force
from reciprocity.errors import Conflict, InputError, ReciprocityError
from reciprocity.http.api.acts import ActSaid, NewPerson, drafts_of, proved
from reciprocity.http.api.body import read_body
from reciprocity.http.api.counter import Counter
from reciprocity.http.api.keys import ApiKey, Scope
from reciprocity.http.api.once import Written, act_id_of, mark_of, written_before
from reciprocity.http.api.person import Person, person_after, slot_of
from reciprocity.http.frame import threaded
from reciprocity.http.problem import Kind, Refusal
from reciprocity.http.way_in import Asking
from reciprocity.journal.cache import Kept
from reciprocity.journal.entry import ANY_VERSION, TAKES_AWAY, Appended, Entry, act_part
from reciprocity.journal.waiting import Answer
from reciprocity.model import Instant
from reciprocity.platform import Reciprocity
from reciprocity.vault.people import registration

__all__ = ["Asked", "Clerk", "Recorded", "WrittenEvent", "receipt_path"]

_TRIES: Final = 8
_MOST_TOGETHER: Final = 256
_NOBODY_YET: Final = -1
_REQUESTED: Final = "consent.requested"
_act_said: Final = msgspec.json.Decoder(ActSaid)
_new_person: Final = msgspec.json.Decoder(NewPerson)


class Asked(Struct, frozen=True, kw_only=True):
    """A write as it was sent; *person* is None where one is to be made known."""

    authorization: str
    network: str
    media_type: str
    name: str
    body: bytes
    person: str | None


class WrittenEvent(Struct, frozen=True, kw_only=True):
    """One event that the request wrote."""

    kind: str
    position: int
    version: int
    at: Instant
    receipt: str


class Recorded(Struct, frozen=True, kw_only=True):
    """What was *recorded*, and what stood right after it."""

    recorded: list[WrittenEvent]
    stands: Person


class _Errand:
    """A write on its way; it ends with an *answer* or an *error*."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.done = asyncio.get_running_loop().create_future()
        self.answer: Recorded | None = None
        self.error: Exception | None = None
        self.key: ApiKey
        self.said: ActSaid | NewPerson
        self.act_id = self.mark = ""
        self.slot = _NOBODY_YET
        self.tries, self.before = 0, False
        self.entries: Sequence[Entry] = ()
        self.written: list[Written] = []

    def attempt(self, work: Callable[["_Errand"], None]) -> bool:
        """Do *work* for it; False if it ended by that."""
        try:
            work(self)
        except InputError as error:
            self.error = Refusal(Kind.INVALID, errors=error.problems)
        except Exception as error:  # noqa: BLE001 - it is told to whoever asked, and to nobody else
            self.error = error
        return self.error is None

    def settle(self) -> None:
        """Tell whoever waits; nobody may wait any more."""
        if self.done.done():
            return
        if self.error is not None:
            self.done.set_exception(self.error)
        else:
            self.done.set_result(self.answer)


class Clerk:
    """Takes writes; all that is asked of it happens on the server's loop, the work beside it."""

    def __init__(self, counter: Counter, asking: Asking) -> None:
        """Let programs in at *counter*; *asking* sends the mails that ask for a confirmation."""
        self._counter, self._asking = counter, asking
        self._waiting: list[_Errand] = []
        self._serving: asyncio.Task[None] | None = None

    async def take(self, asked: Asked) -> Recorded:
        """Write what is *asked*; returns once it is durable.

        Raises `Refusal` for what may not be written, another error where it could not be.
        """
        errand = _Errand(asked)
        self._waiting.append(errand)
        if self._serving is None:
            self._serving = asyncio.create_task(self._serve())
        recorded: Recorded = await errand.done
        return recorded

    async def _serve(self) -> None:
        """Do all that waits, and what comes meanwhile, until nothing does."""
        try:
            while self._waiting:
                together = self._waiting[:_MOST_TOGETHER]
                del self._waiting[:_MOST_TOGETHER]
                await self._done(together)
        finally:
            self._serving = None

    async def _done(self, together: list[_Errand]) -> None:
        try:
            await threaded(lambda: self._write(together))
        except Exception as error:  # noqa: BLE001 - each of them is told
            for errand in together:
                errand.error = errand.error or error
        for errand in together:
            errand.settle()

    # -- in the thread --

    def _write(self, together: list[_Errand]) -> None:
        left = [errand for errand in together if errand.attempt(self._let_in)]
        if not left:
            return
        shop = self._counter.desk.shop()
        left = _each_once([errand for errand in left if errand.attempt(_reader(shop))])
        written = list(left)
        while left:
            left = _one_round(shop, left)
        written = [errand for errand in written if errand.error is None]
        kept = shop.journal.kept_many(sorted({each.written[-1].slot for each in written}))
        stated = statements_in_force(shop.journal)
        for errand in written:
            errand.attempt(partial(_answer, shop, stated, kept))
            if not errand.before and any(e.kind == _REQUESTED for e in errand.written):
                self._asking.for_person(errand.slot, CONFIRMATION)

    def _let_in(self, errand: _Errand) -> None:
        asked = errand.asked
        errand.key = self._counter.admit(asked.authorization, Scope.CONSENT_WRITE, asked.network)
        errand.act_id = act_id_of(errand.key.name, asked.name)
        decoder = _new_person if asked.person is None else _act_said
        errand.said = read_body(asked.media_type, asked.body, decoder)


def _each_once(errands: list[_Errand]) -> list[_Errand]:
    """*errands* without those that are under way already among them."""
    doing: dict[str, _Errand] = {}
    for errand in errands:
        if doing.setdefault(errand.act_id, errand) is not errand:
            errand.error = Refusal(Kind.IN_PROGRESS)
    return list(doing.values())


def _reader(shop: Reciprocity) -> Callable[[_Errand], None]:
    """Finds whom an errand is for, and what tells it from others."""

    def read(errand: _Errand) -> None:
        if errand.asked.person is None:
            errand.mark = mark_of(shop.journal, "person", _NOBODY_YET, errand.said)
        else:
            errand.slot = slot_of(shop, errand.asked.person)
            errand.mark = mark_of(shop.journal, "act", errand.slot, errand.said)

    return read


# --- one transaction ------------------------------------------------------------------------------


def _one_round(shop: Reciprocity, errands: Sequence[_Errand]) -> list[_Errand]:
    """Write one of *errands* for each person; those that are to be tried, or tried again, next."""
    slots, turn, later = set[int](), list[_Errand](), list[_Errand]()
    for errand in errands:
        (later if errand.slot in slots else turn).append(errand)
        if errand.slot != _NOBODY_YET:
            slots.add(errand.slot)
    journal, stated = shop.journal, statements_in_force(shop.journal)
    kept = journal.kept_many(sorted(slots))
    at = max(journal.clock(), journal.state().last_at)
    draft = _drafter(shop, stated, kept, at)
    ready = [errand for errand in turn if errand.attempt(draft) and not errand.written]
    answers = journal.append_many([errand.entries for errand in ready]) if ready else []
    for errand, answer in zip(ready, answers, strict=True):
        errand.attempt(partial(_conclude, shop, answer))
    return [one for one in ready if one.error is None and not one.written] + later


def _drafter(
    shop: Reciprocity, stated: Statements, kept: dict[int, Kept], at: Instant
) -> Callable[[_Errand], None]:
    """Drafts an errand under what stands."""

    def draft(errand: _Errand) -> None:
        try:
            errand.entries = _entries(shop, stated, kept.get(errand.slot), at, errand)
        except InputError:  # it may be a retry of what cannot be said any more
            errand.written = written_before(shop, errand.act_id, errand.mark)
            if not errand.written:
                raise
            errand.before = True

    return draft


def _entries(
    shop: Reciprocity, stated: Statements, kept: Kept | None, at: Instant, errand: _Errand
) -> list[Entry]:
    said, actor, mark = errand.said, errand.key.actor, errand.mark
    if isinstance(said, NewPerson):
        entry = registration(
            shop.journal,
            stated.brand,
            actor=actor,
            external_id=said.external_id,
            addresses=said.addresses,
            confirmed=said.confirmed,
            method=said.method,
            place=said.place,
            source=mark,
            act_id=errand.act_id,
        )
        return [entry]
    if kept is None or kept.standing.erased:
        raise Refusal(Kind.UNKNOWN_PERSON)
    saying = Saying(
        brand=stated.brand, laws=stated.laws, actor=actor, method=said.method, place=said.place,
        source=mark, at=at,
    )  # fmt: skip
    drafts = drafts_of(said, saying, kept.standing.wishes)
    version, evidence = kept.standing.version, proved(said)
    last = errand.tries == _TRIES - 1
    if last and all(kind in TAKES_AWAY for kind, _ in drafts):
        version = ANY_VERSION  # what only takes away is not held up for ever
    return [
        _entry(errand, part, draft if evidence is None else _evident(draft, evidence), version)
        for part, draft in enumerate(drafts)
    ]


def _evident(draft: Drafted, evidence: object) -> Drafted:
    kind, body = draft
    return kind, replace(body, evidence=evidence)


def _entry(errand: _Errand, part: int, draft: Drafted, version: int) -> Entry:
    kind, body = draft
    return Entry(
        kind=kind,
        body=body,
        slot=errand.slot,
        expect=version if version == ANY_VERSION else version + part,
        act_id=act_part(errand.act_id, part),
    )


def _conclude(shop: Reciprocity, answer: Answer, errand: _Errand) -> None:
    """What became of an errand in its transaction; nothing, if it is to be tried again."""
    if isinstance(answer, list) and not answer[0].again:
        errand.written = [
            _written(entry, at) for entry, at in zip(errand.entries, answer, strict=True)
        ]
        errand.slot = answer[0].slot
        return
    if isinstance(answer, ReciprocityError) and not isinstance(answer, Conflict | InputError):
        raise answer
    errand.written = written_before(shop, errand.act_id, errand.mark)
    if errand.written:
        errand.before = True
    elif isinstance(answer, InputError):
        raise answer
    elif errand.asked.person is None:
        raise Refusal(Kind.PERSON_KNOWN)
    else:
        errand.tries += 1
        if errand.tries >= _TRIES:
            raise Refusal(Kind.CONFLICT)


def _written(entry: Entry, at: Appended) -> Written:
    return Written(
        kind=entry.kind, slot=at.slot, position=at.position, version=at.version, at=at.at
    )


# --- the answer -----------------------------------------------------------------------------------


def receipt_path(position: int) -> str:
    """Where the receipt of the event at *position* is read."""
    return f"/v1/receipts/{position}"


def _answer(shop: Reciprocity, stated: Statements, kept: dict[int, Kept], errand: _Errand) -> None:
    last = errand.written[-1]
    errand.answer = Recorded(
        recorded=[
            WrittenEvent(
                kind=each.kind,
                position=each.position,
                version=each.version,
                at=each.at,
                receipt=receipt_path(each.position),
            )
            for each in errand.written
        ],
        stands=person_after(shop.journal, stated, kept.get(last.slot), last),
    )
