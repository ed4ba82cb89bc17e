"""One turn of the appender: which entries are admitted, and what is to be written of each.

In memory only; the appender reads before and writes after. A request is admitted whole or not at
all, and one that is refused leaves no trace for the next.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final, cast

from msgspec.structs import replace

from reciprocity.errors import Conflict, Damaged, InputError, ReciprocityError, Unavailable
from reciprocity.events import (
    KINDS,
    Act,
    Attempt,
    ErasureDone,
    LogKeyChanged,
    LogOpened,
    LogRestored,
    Scope,
    Stated,
    encode_event,
)
from reciprocity.journal.before import Before, Written
from reciprocity.journal.cache import clear_values
from reciprocity.journal.entry import (
    ANY_VERSION,
    LATEST,
    SAME_NEW,
    TAKES_AWAY,
    Appended,
    Entry,
    encodable,
    sensitive_in,
)
from reciprocity.journal.leaf import (
    Row,
    Stored,
    chain_start,
    store_brand,
    store_personal,
    store_public,
)
from reciprocity.journal.profile import committed, profile_text, seal_profile
from reciprocity.journal.standing import Standing, fold, tombstone
from reciprocity.keys import PersonKeys, derive, mint
from reciprocity.model import Profile

__all__ = ["Turn"]

_KINDS: Final = {name: (v, kind) for (name, v), kind in sorted(KINDS.items(), key=lambda e: e[0])}
"""What is written of each kind: its newest version."""
_PERSONAL: Final = Scope.PERSONAL
STALE_MS: Final = 5_000
"""An attempt is recorded within this time of its decision, or decided anew."""
SIGNATURES_FOR_A_GAP: Final = 2
_ABSENT: Final = object()


class Turn:
    """Admits requests one after the other; `written` is what they come to."""

    def __init__(self, before: Before) -> None:
        """Start from what was read under the lock."""
        self.before = before
        self.next_slot, self.gap = before.next_slot, before.gap
        self.people = before.people
        self.in_force = dict(before.in_force)
        self._suppressed = dict.fromkeys(before.suppressed)
        self._found = before.found
        self.sensitive = before.sensitive
        self.key_change: LogKeyChanged | None = None
        self._fresh: Sequence[PersonKeys] = ()
        self._stated: dict[str, tuple[int, ...]] = {}
        self._acts: dict[bytes, tuple[list[str | None], list[Appended]]] = {}
        self._parts: dict[bytes, None] = {}
        self._new_slot = -1
        self._undo: list[tuple[dict[Any, Any], Any, Any]] = []
        self.written = Written(
            rows=[], leaf_hashes=[], minted=[], suppress=[], index={}, unindex={}, vault={},
            profiles={}, clear={}, standings={}, in_force={},
        )  # fmt: skip

    def admit(self, entries: Sequence[Entry]) -> list[Appended]:
        """Where each of *entries* comes to stand; raises, and leaves nothing, if one may not."""
        if not entries:
            raise InputError("request holds no event: it must say something")
        if entries[0].act_id and (known := self._known(entries)) is not None:
            return known
        self._undo.clear()
        self._new_slot = -1
        done, next_slot, gap, sensitive = self.written, self.next_slot, self.gap, self.sensitive
        change = self.key_change
        rows, minted, suppress = len(done.rows), len(done.minted), len(done.suppress)
        try:
            answer = [self._admit(entry) for entry in entries]
        except ReciprocityError:
            self.next_slot, self.gap, self.sensitive = next_slot, gap, sensitive
            self.key_change = change
            del done.rows[rows:], done.leaf_hashes[rows:]
            del done.minted[minted:], done.suppress[suppress:]
            self._take_back()
            raise
        if entries[0].act_id:
            digest = self.before.act_digest(entries[0].act_id)
            self._acts[digest] = ([entry.kind for entry in entries], answer)
        return answer

    # -- a request as a whole --

    def _known(self, entries: Sequence[Entry]) -> list[Appended] | None:
        """The first answer to an act id that was seen before, in this turn or in an earlier one."""
        first = entries[0]
        digest = self.before.act_digest(first.act_id)
        if digest in self._acts:
            kinds, answers = self._acts[digest]
        elif digest in self.before.acts:
            kinds, answers = self._answered(entries, self.before.acts[digest])
        else:
            return None
        slot = answers[0].slot
        same_person = (
            first.slot in (-1, slot)
            if first.new is None
            else all(self._found.get(digest) == slot for _, digest in first.new)
        )
        if kinds != [entry.kind for entry in entries] or not same_person:
            raise Conflict("act id was used for another act: use a fresh one for a new act")
        return [replace(one, again=True) for one in answers]

    def _answered(
        self, entries: Sequence[Entry], first: Row
    ) -> tuple[list[str | None], list[Appended]]:
        """The kinds and answers from row *first* on; parts without an act id are believed."""
        kinds: list[str | None] = [first.kind]
        for part, entry in enumerate(entries[1:], 1):
            digest = self.before.act_digest(entry.act_id)
            row = self.before.acts.get(digest) if entry.act_id else first
            found = row is not None and row.position == first.position + part
            kinds.append(entry.kind if row is first else row.kind if row and found else None)
        slot = -1 if first.slot is None else first.slot
        answers = [
            Appended(
                position=first.position + part,
                at=first.recorded_at or 0,
                slot=slot,
                version=(first.version or 0) + part if first.version else 0,
            )
            for part in range(len(entries))
        ]
        return kinds, answers

    def _put(self, where: dict[Any, Any], key: object, value: object) -> None:
        """Set, and remember how it was, in case the request is refused."""
        self._undo.append((where, key, where.get(key, _ABSENT)))
        where[key] = value

    def _drop(self, where: dict[Any, Any], key: object) -> None:
        if key in where:
            self._undo.append((where, key, where.pop(key)))

    def _take_back(self) -> None:
        for where, key, value in reversed(self._undo):
            if value is _ABSENT:
                where.pop(key, None)
            else:
                where[key] = value
        self._stated.clear()

    # -- one entry --

    def _stands(self, slot: int) -> Standing | None:
        return self.written.standings.get(slot) or self.before.standings.get(slot)

    def _admit(self, entry: Entry) -> Appended:
        before, (v, kind) = self.before, _KINDS.get(entry.kind, (0, None))
        if kind is None or type(entry.body) is not kind.body:
            raise InputError(f"event kind {entry.kind!r} is not published with such a body")
        if before.clock_behind and entry.kind not in TAKES_AWAY:
            raise Unavailable(
                "clock is more than 5 s behind the journal's last event: set it right; until then "
                "only acts that take away are accepted"
            )
        if (before.size + len(self.written.rows) == 0) != (kind.body is LogOpened):
            raise Unavailable("log is opened once, by its first event: run `reciprocity apply`")
        if not 0 <= entry.happened_at < LATEST:
            raise InputError(f"event {entry.kind} cannot be written: it happened at no instant")
        if entry.act_id:
            self._check_act_id(entry.act_id)
        if kind.scope is _PERSONAL:
            return self._personal(entry)
        text, _ = encodable(entry.kind, entry.body, v)
        self._check_statement(entry)
        text = encode_event(entry.kind, text, before.at, entry.happened_at or before.at, v=v)
        if kind.scope is Scope.BRAND:
            stored = store_brand(before.brand, text)
        else:
            stored = store_public(entry.kind, text)
        position, _ = self._note(entry, stored, None, None)
        self._effects(entry, position)
        return Appended(position=position, at=before.at, text=text, salt=stored.salt)

    def _personal(self, entry: Entry) -> Appended:
        at, said = self.before.at, entry.body
        standing = self._new(entry) if entry.new is not None else self._known_person(entry)
        slot, version, happened = standing.slot, standing.version + 1, entry.happened_at or at
        person = self.people.get(slot)
        if person is None:
            raise Damaged(
                f"keys of slot {slot} are not in keys.db though nobody erased them: it is older "
                "than the journal; restore the keys.db that belongs to it"
            )
        pair = derive(person.proof)
        if type(said) is Attempt:
            self._check_attempt(entry, said)
        elif entry.profile is not None and type(said) is Act:
            said = self._keep_profile(entry, said, person, version)
        text, body = encodable(entry.kind, said)
        text = encode_event(entry.kind, text, at, happened, slot=slot, version=version)
        stored = store_personal(pair, slot, version, text)
        position, leaf_hash = self._note(entry, stored, slot, version)
        if version == 1:
            standing = replace(standing, head=chain_start(pair))
        after = fold(standing, entry.kind, 1, body, at, happened, version, leaf_hash)
        self._put(self.written.standings, slot, after)
        if type(body) is Act and (entry.profile is not None or body.shared is not None):
            self._keep_clear(after)
        return Appended(
            position=position, at=at, slot=slot, version=version, text=text, salt=stored.salt
        )

    def _keep_clear(self, after: Standing) -> None:
        done, slot = self.written, after.slot
        profile = done.profiles.get(slot)
        if profile is None:
            known = slot < self.before.next_slot
            profile = self.before.profile_of(slot) if known else Profile()
        clear = clear_values(profile.attributes, after.wishes.shared, self.sensitive)
        self._put(done.clear, slot, clear)

    def _note(
        self, entry: Entry, stored: Stored, slot: int | None, version: int | None
    ) -> tuple[int, bytes]:
        """Put the row down; its position and its leaf hash."""
        before, done = self.before, self.written
        position, at = before.size + len(done.rows), before.at
        act = before.act_digest(entry.act_id) if entry.act_id else None
        done.rows.append(
            (position, slot, version, at, entry.happened_at or at, entry.kind, stored.sealed,
             stored.leaf, act)
        )  # fmt: skip
        leaf_hash = sha256(b"\0" + stored.leaf).digest()
        done.leaf_hashes.append(leaf_hash)
        if slot is not None and (entry.unindex or entry.index):
            for digest in entry.unindex:
                self._put(done.unindex, digest, slot)
                self._drop(done.index, digest)
                if self._found.get(digest) == slot:
                    self._drop(self._found, digest)
            for _, digest in entry.index:
                self._lead(digest, slot)
        return position, leaf_hash

    def _lead(self, digest: bytes, slot: int) -> None:
        """Let *digest* lead to *slot*; the newest word holds."""
        self._put(self.written.index, digest, slot)
        self._drop(self.written.unindex, digest)
        self._put(self._found, digest, slot)

    def _known_person(self, entry: Entry) -> Standing:
        slot = self._new_slot if entry.slot == SAME_NEW else entry.slot
        standing = self._stands(slot)
        if standing is None:
            raise Conflict("person is not known here: register them first")
        if standing.erased:
            raise Conflict("person is erased: nothing can be written of them")
        if entry.expect not in (ANY_VERSION, standing.version):
            raise Conflict(
                f"person's history moved on from version {entry.expect} to {standing.version}: "
                "read again and decide anew"
            )
        if entry.index and any(self._found.get(digest, slot) != slot for _, digest in entry.index):
            raise Conflict("identity is another person's: read again")
        return standing

    def _new(self, entry: Entry) -> Standing:
        if type(entry.body) is Attempt:
            raise InputError("attempt must name the version of the person it was decided from")
        digests = entry.new or ()
        if any(digest in self._found for _, digest in digests):
            raise Conflict("person is known already by one of these identities: read again")
        slot = self._new_slot = self.next_slot
        person = self._minted(slot)
        self.next_slot += 1
        self._put(self.people, slot, person)
        self.written.minted.append(person)
        for _, digest in digests:
            self._lead(digest, slot)
        return Standing(slot=slot)

    def _minted(self, slot: int) -> PersonKeys:
        """Keys for *slot*, minted all at once; those of a refused request go to the next person."""
        if not self._fresh or not 0 <= slot - self._fresh[0].slot < len(self._fresh):
            self._fresh = mint(range(slot, slot + self.before.new_people))
        return self._fresh[slot - self._fresh[0].slot]

    def _keep_profile(self, entry: Entry, body: Act, person: PersonKeys, version: int) -> Act:
        vault, profile = derive(person.vault), cast("Profile", entry.profile)
        sealed = seal_profile(vault, person.slot, profile_text(profile))
        self._put(self.written.vault, person.slot, sealed)
        self._put(self.written.profiles, person.slot, profile)
        digests = (*(entry.new or ()), *entry.index)
        suppressed = frozenset(
            channel for channel, digest in digests if channel and digest in self._suppressed
        )
        try:
            return committed(body, vault, version, profile, suppressed)
        except (AttributeError, TypeError, ValueError) as error:
            raise InputError(f"event {entry.kind} cannot be written: {error}") from error

    # -- what an entry must be --

    def _check_act_id(self, act_id: str) -> None:
        """A part's own act id is as unique as the first one's, which `_known` looked at."""
        digest = self.before.act_digest(act_id)
        if digest in self.before.acts or digest in self._parts:
            raise Conflict("act id was used for another act: use a fresh one for a new act")
        self._put(self._parts, digest, None)

    def _check_statement(self, entry: Entry) -> None:
        """Hold that a brand or public entry may stand here, before it leaves a trace."""
        body, size = entry.body, self.before.size + len(self.written.rows)
        if type(body) is LogRestored and body.restored_size != size:
            raise Conflict(f"log has {size} events, not {body.restored_size}: restore anew")
        if type(body) is ErasureDone:
            standing = self._stands(body.slot)
            if standing is None or standing.erased:
                raise Conflict("person is erased already, or not known here")
            if (standing.version, standing.head.hex()) != (body.version, body.head):
                raise Conflict("person's history moved on: read again and erase anew")
        if type(body) is LogKeyChanged and entry.in_force != "log.key":
            raise InputError("log key changes by `reciprocity log rotate-key` only")
        if entry.kind == "campaign.stated" and not entry.in_force:
            raise InputError("campaign statement must name what it puts into force")
        if entry.in_force == "brand":
            if type(body) is not Stated:
                raise InputError("brand comes into force by its own statement only")
            self.sensitive = sensitive_in(body)

    def _check_attempt(self, entry: Entry, attempt: Attempt) -> None:
        if self.gap:
            raise Unavailable(
                "journal was restored and may lack withdrawals: re-enter them or let "
                f"{self.gap} more operator{'s' * (self.gap > 1)} sign that there are none "
                "(reciprocity gap sign)"
            )
        if entry.expect == ANY_VERSION:
            raise InputError("attempt must name the version of the person it was decided from")
        if attempt.stated != self._stated_for(attempt.occasion):
            raise Conflict("attempt names a brand file, rulebook or campaign no longer in force")
        if not attempt.decided_at <= self.before.at <= attempt.decided_at + STALE_MS:
            raise Conflict("attempt was decided too long ago: decide anew")

    def _stated_for(self, occasion: str) -> tuple[int, ...]:
        """The statements an attempt on *occasion* must name: `campaign` or `campaign/reference`."""
        stated = self._stated.get(occasion)
        if stated is None:
            names = ("brand", "rulebook", "laws", f"campaign:{occasion.partition('/')[0]}")
            stated = tuple(self.in_force.get(name, -1) for name in names)
            self._stated[occasion] = stated
        return stated

    def _effects(self, entry: Entry, position: int) -> None:
        """What a brand or public event changes besides being there."""
        done, body = self.written, entry.body
        if entry.in_force:
            self._put(self.in_force, entry.in_force, position)
            self._put(done.in_force, entry.in_force, position)
            self._stated.clear()
        done.suppress += map(self.before.shielded, entry.suppress)
        for digest in entry.suppress:
            self._put(self._suppressed, digest, None)
        if type(body) is LogKeyChanged:
            self.key_change = body
        elif type(body) is LogRestored:
            self.gap = SIGNATURES_FOR_A_GAP
            self.next_slot = max(self.next_slot, body.next_slot)
        elif entry.kind == "gap.signed":
            self.gap = max(0, self.gap - 1)
        elif type(body) is ErasureDone:
            standing = cast("Standing", self._stands(body.slot))
            self._put(done.standings, body.slot, tombstone(standing))
            self._put(done.clear, body.slot, {})
