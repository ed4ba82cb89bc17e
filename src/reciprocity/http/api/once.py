"""A write is done once, however often it is sent: the journal itself is what remembers it.

The act id is made of the API key's name and the `Idempotency-Key`, so a retry after a lost answer,
or after a crash between the append and the answer, finds the act that was written. A mark of what
was asked stands in the sealed event, so that a key used for something else is told from a retry. So
nothing is kept beside the journal, nothing expires, and two servers of one brand agree. With the
person's history the memory ends: an erased person's writes are not known any more.
"""

import re
import threading
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from reciprocity.consent.draft import Drafted
from reciprocity.errors import Conflict, InputError
from reciprocity.events import Act
from reciprocity.http.api.problem import Kind, Refusal
from reciprocity.journal.entry import ANY_VERSION, TAKES_AWAY, Entry, act_part
from reciprocity.platform import Reciprocity

if TYPE_CHECKING:
    from reciprocity.journal.leaf import Told

__all__ = ["InProgress", "Written", "act_id_of", "mark_of", "record", "written_before"]

_KEY: Final = re.compile(r'"([\x20\x21\x23-\x5b\x5d-\x7e]{1,200})"|([\x21\x23-\x7e]{1,200})')
"""A structured header's string, as the IETF draft has it, or the same without quotes."""
_MARK_CHARACTERS: Final = 22
_TRIES: Final = 8
_MOST_PARTS: Final = 8


class Written(Struct, frozen=True, kw_only=True):
    """An event that was written for a request."""

    kind: str
    slot: int
    position: int
    version: int
    at: int


class InProgress:
    """The writes being done in this process; another process's are told apart by the journal."""

    def __init__(self) -> None:
        """Begin with none."""
        self._doing: set[str] = set()
        self._lock = threading.Lock()

    @contextmanager
    def alone(self, act_id: str) -> Iterator[None]:
        """Hold that nobody else here does *act_id* meanwhile; raises `Refusal` if somebody does."""
        with self._lock:
            if act_id in self._doing:
                raise Refusal(Kind.IN_PROGRESS)
            self._doing.add(act_id)
        try:
            yield
        finally:
            with self._lock:
                self._doing.discard(act_id)


def act_id_of(program: str, header: str) -> str:
    """The act id of a write by the API key *program*; `Refusal` for a header that names none.

    >>> act_id_of("till", '"a"') == act_id_of("till", "a") != act_id_of("desk", "a")
    True
    """
    found = _KEY.fullmatch(header.strip())
    if found is None:
        raise Refusal(Kind.NO_IDEMPOTENCY_KEY)
    named = f"{program}/{found[1] or found[2]}"
    return f"api/{sha256(named.encode()).hexdigest()}"


def mark_of(what: str, whom: int, said: object) -> str:
    """What tells one request from another: *said* of the person in slot *whom*, by its hash."""
    text = msgspec.json.encode([what, whom, said], order="sorted")
    digest = urlsafe_b64encode(sha256(text).digest()).decode()
    return f"api:{digest[:_MARK_CHARACTERS]}"


def written_before(shop: Reciprocity, act_id: str, mark: str) -> list[Written]:
    """What was written for *act_id*; nothing, if it is new. `Refusal` if it was another request."""
    found: list[Told] = []
    with shop.journal.reading() as reader:
        for part in range(_MOST_PARTS):
            told = reader.acted(act_part(act_id, part))
            if told is None:
                break
            found.append(told)
    if any(not isinstance(told.body, Act) or told.body.source != mark for told in found):
        raise Refusal(Kind.KEY_REUSED)
    return [
        Written(
            kind=told.kind, slot=told.slot, position=told.position, version=told.version, at=told.at
        )
        for told in found
    ]  # fmt: skip


def record(
    shop: Reciprocity, slot: int, act_id: str, mark: str, drafted: Callable[[], Sequence[Drafted]]
) -> tuple[list[Written], bool]:
    """Append what *drafted* gives for the person in *slot*, as one act; True if it stood before.

    *drafted* is called anew when history moved on meanwhile; what only takes away is not held up
    by that for ever. Raises `InputError` for what cannot be said, `Refusal` for a key used before
    for something else, and for a person who is erased.
    """
    journal = shop.journal
    for attempt in range(1, _TRIES + 1):
        kept = journal.kept(slot)
        if kept is None or kept.standing.erased:
            raise Refusal(Kind.UNKNOWN_PERSON)
        try:
            drafts, version = drafted(), kept.standing.version
            if attempt == _TRIES and all(kind in TAKES_AWAY for kind, _ in drafts):
                version = ANY_VERSION
            done = journal.append(_entries(drafts, slot, version, act_id, mark))
        except (Conflict, InputError) as error:
            if before := written_before(shop, act_id, mark):
                return before, True
            if isinstance(error, InputError):
                raise
            continue
        if done[0].again:
            return written_before(shop, act_id, mark), True
        return [
            Written(kind=kind, slot=slot, position=at.position, version=at.version, at=at.at)
            for (kind, _), at in zip(drafts, done, strict=True)
        ], False
    raise Refusal(Kind.CONFLICT)


def _entries(
    drafts: Sequence[Drafted], slot: int, version: int, act_id: str, mark: str
) -> list[Entry]:
    return [
        Entry(
            kind=kind,
            body=replace(body, source=mark),
            slot=slot,
            expect=version if version == ANY_VERSION else version + part,
            act_id=act_part(act_id, part),
        )
        for part, (kind, body) in enumerate(drafts)
    ]
