"""What people were seen doing, after a yes to looking: kept sealed, counted, shown, deleted.

Rows of `observed.db` (`journal/observed.py` says what lies there in clear), never events: history
must not hold what can be taken back. The vault key seals them, so that they end with it.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from reciprocity.errors import Damaged
from reciprocity.journal.journal import Journal
from reciprocity.journal.observed import ObservedRow
from reciprocity.keys import commit, derive, open_sealed, seal
from reciprocity.model import Id, Instant

__all__ = ["Observation", "Value", "keep_observed", "observed_of"]

Value = str | int | float | bool
DAY_MS: Final = 86_400_000
_DIGEST_BYTES: Final = 16


class _Sealed(Struct, frozen=True, kw_only=True):
    """What is sealed of a row."""

    event: str
    at: Instant
    fields: dict[str, Value]


class Observation(NamedTuple):
    """One thing a person did: *event* at *at*, of which *fields* may be kept.

    *message_id* tells it from any other of the same person.
    """

    slot: int
    behaviour: Id
    message_id: str
    event: str
    at: Instant
    fields: dict[str, Value]

    @property
    def day(self) -> int:
        """Its day, counted from 1970, UTC."""
        return self.at // DAY_MS


_encode: Final = msgspec.json.Encoder(order="deterministic").encode
_decoder: Final = msgspec.json.Decoder(_Sealed)


def keep_observed(
    journal: Journal, seen: Sequence[Observation], versions: Mapping[int, int]
) -> bool:
    """Seal *seen* and keep them durably; False, and nothing kept, if history moved on.

    *versions* are those, by slot, that the caller looked at for a yes: every slot of *seen* and of
    whoever else had to agree. False also where a person's keys are gone meanwhile.
    """
    people = journal.people_keys(sorted({one.slot for one in seen}))
    pairs = {slot: derive(person.vault) for slot, person in people.items()}
    if any(one.slot not in pairs for one in seen):
        return False
    rows = []
    for one in seen:
        pair, day = pairs[one.slot], one.day
        digest = commit(pair.commit, b"observed\0" + one.message_id.encode())[:_DIGEST_BYTES]
        text = _encode(_Sealed(event=one.event, at=one.at, fields=one.fields))
        sealed = seal(pair.seal, text, _bound(one.slot, digest, one.behaviour, day))
        rows.append(ObservedRow(one.slot, digest, one.behaviour, day, sealed))
    return journal.observed.keep(rows, versions)


def observed_of(journal: Journal, slot: int) -> list[dict[str, object]]:
    """All that is kept of the person in *slot*, opened, oldest first: for the person themselves.

    Raises `Damaged` for a row that is not theirs, or not as it was written.
    """
    rows, person = journal.observed.rows(slot), journal.person_keys(slot)
    if not rows or person is None:
        return []
    pair, found = derive(person.vault), list[dict[str, object]]()
    for row in rows:
        bound = _bound(slot, row.digest, row.behaviour, row.day)
        try:
            one = _decoder.decode(open_sealed(pair.seal, row.sealed, bound))
        except msgspec.MsgspecError as error:
            raise Damaged(f"observed row of slot {slot} has another shape") from error
        found.append(
            {"behaviour": row.behaviour, "at": one.at, "event": one.event, "fields": one.fields}
        )
    return sorted(found, key=lambda each: (each["at"], each["event"]))


def _bound(slot: int, digest: bytes, behaviour: str, day: int) -> bytes:
    return b"observed/%d/%d/%s/" % (slot, day, behaviour.encode()) + digest
