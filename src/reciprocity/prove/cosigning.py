"""Having the newest checkpoint cosigned by the witnesses that the brand's policy names.

Each witness is asked at once with the others and for itself: one that is slow, broken or gone costs
its own cosignature and nothing else. It is shown that the log grew from what it knew last; how far
that was is remembered, and it says so itself when that is wrong.

A witness that knows more than the log has, or another history of it, is a *conflict*: an older
journal was put in place, or the log was shown to somebody in a second version. Then nothing should
be signed until it is clear which. The word of one witness is enough to report it, though it cannot
prove it over this protocol; a person has to look.
"""

from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from threading import Lock
from typing import Final, NamedTuple

from msgspec import Struct

from reciprocity.brand import Brand
from reciprocity.deliver.jobs import Jobs
from reciprocity.errors import ProofError, Unavailable
from reciprocity.journal.journal import Journal
from reciprocity.journal.read import Reader
from reciprocity.prove.asking import Answer, Line, ask_all, plain
from reciprocity.prove.cosigned import GATHERING, HELD, Cosigned, Seen, cosigned_checkpoint
from reciprocity.prove.policy_file import policy_of
from reciprocity.tlog.cosignature import check_cosignature
from reciprocity.tlog.merkle import prove_consistency
from reciprocity.tlog.note import Checkpoint, Note, Signature, open_checkpoint
from reciprocity.tlog.policy import Policy, Witness, open_cosigned, shown
from reciprocity.tlog.signing import LogVerifier
from reciprocity.tlog.submission import Submission, parse_lines, parse_size

__all__ = [
    "Cosigning",
    "Witnessed",
    "cosign",
    "cosign_in_turn",
    "cosigned_checkpoint",
]

LIMIT_S: Final = 10.0
_ROUNDS: Final = 3
_OK: Final = 200
_NOT_PROVEN: Final = 422


class Witnessed(Struct, frozen=True, kw_only=True):
    """How it went with one witness; instants in ms, 0 for never.

    *cosigned_at* is 0 without its cosignature of this checkpoint. *problem* is what was wrong when
    it was asked just now, also where it had cosigned before. *size* is how many events it knew
    last.
    """

    name: str
    key: str
    size: int
    cosigned_at: int
    problem: str
    conflict: bool
    last_success: int


class Cosigning(Struct, frozen=True, kw_only=True):
    """What came of asking all witnesses to cosign the checkpoint of *size* and *root* (hex).

    *holds*: the policy's quorum is met, else *lacking* says by whom it is not. *conflicts* are the
    reasons to believe that this is not the log the witnesses know; while there is one, nothing
    more should be signed.
    """

    origin: str
    size: int
    root: str
    holds: bool
    lacking: str
    conflicts: tuple[str, ...]
    witnesses: tuple[Witnessed, ...]


class _Said(NamedTuple):
    """What one witness said: its line, or a problem; *size* is -1 where it said none."""

    line: Signature | None = None
    size: int = -1
    problem: str = ""
    conflict: bool = False
    ahead: bool = False


class _Now:
    """The newest checkpoint, and how the log grew to it."""

    def __init__(self, journal: Journal) -> None:
        self._journal, self._lock = journal, Lock()
        self.note = journal.state().checkpoint
        self.checkpoint: Checkpoint = open_checkpoint(self.note, journal.verifier())
        self.text = Note.parse(self.note).text

    def proof(self, old_size: int) -> tuple[bytes, ...]:
        with self._lock, closing(self._journal.connection()) as db:
            tiles = Reader(db, self._journal.keys).tile_reader(self.checkpoint.size)
            return tuple(prove_consistency(old_size, self.checkpoint.size, tiles))

    def grown(self) -> int:
        return self._journal.state().size


def cosign(journal: Journal, policy: Policy, limit_s: float = LIMIT_S) -> Cosigning:
    """Ask every witness of *policy* to cosign the newest checkpoint, and keep what they gave.

    Takes *limit_s* seconds at most, whatever the witnesses do; longer only when the log grows
    meanwhile. Raises no error for what a witness does: it is in what is returned.
    """
    late = _Said(problem=f"did not answer in {limit_s:g} s")
    with Cosigned(journal.folder) as kept:
        for _ in range(_ROUNDS):
            now = _Now(journal)
            origin = now.checkpoint.origin
            before = {one.key: kept.seen(origin, one.key.encode()) for one in policy.witnesses}
            sizes = [(one, before[one.key].size) for one in policy.witnesses]
            said = ask_all(partial(_ask, now), sizes, limit_s, lambda _: late)
            if not any(one.ahead for one in said):  # else another process was quicker
                break
        conflicts = _older_than_kept(journal, kept, now)
        sound = not conflicts and not any(one.conflict for one in said)
        note = _kept_note(kept, now, policy, said, journal.clock(), sound=sound)
        told = tuple(
            _told(kept, now, note, one, before[one.key], what, at=journal.clock())
            for one, what in zip(policy.witnesses, said, strict=True)
        )
    lacking = _lacking(note, policy, journal)
    conflicts += [f"witness {one.name}: {one.problem}" for one in told if one.conflict]
    return Cosigning(
        origin=origin,
        size=now.checkpoint.size,
        root=now.checkpoint.root.hex(),
        holds=not lacking,
        lacking=lacking,
        conflicts=tuple(conflicts),
        witnesses=told,
    )


def cosign_in_turn(jobs: Jobs, journal: Journal, brand: Brand) -> Cosigning | None:
    """`cosign` as a job of `tick`: a success only if the policy holds and nothing is in conflict.

    None when the brand names no witnesses, or another process is at it.
    """
    if brand.witness_policy is None:
        return None
    found: list[Cosigning] = []

    def work() -> None:
        found.append(cosign(journal, policy_of(brand)))
        if found[0].conflicts or not found[0].holds:
            raise Unavailable("checkpoint is not cosigned as the policy asks")

    with suppress(Unavailable):
        jobs.run("cosign", work, None)
    return found[0] if found else None


# --- one witness ----------------------------------------------------------------------------------


def _ask(now: _Now, asked: tuple[Witness, int], line: Line) -> _Said:
    """Ask one witness that knew so many events last; twice, if it knows another size."""
    witness, old_size = asked
    if not witness.url:
        return _Said(problem="has no url in the policy")
    if old_size > now.checkpoint.size:
        old_size = 0  # what is remembered here decides nothing: let it say itself
    url = f"{witness.url.rstrip('/')}/add-checkpoint"
    try:
        for _ in range(2):
            submission = Submission(old_size, now.proof(old_size), now.note)
            answer = line.post(url, submission.encode())
            if not answer.tells_size:
                return _judged(now, witness, old_size, answer)
            size = parse_size(answer.body)
            if size > now.checkpoint.size or size == old_size:
                return _refused(now, old_size, size)
            old_size = size
    except (Unavailable, ProofError) as error:
        return _Said(problem=str(error))
    return _Said(size=old_size, problem="says another size each time: try again")


def _judged(now: _Now, witness: Witness, old_size: int, answer: Answer) -> _Said:
    """What any answer but a 409 comes to."""
    if answer.status == _NOT_PROVEN and old_size:
        words = f"does not take this log as grown from the {old_size} events it knows"
        return _Said(size=old_size, problem=words, conflict=True)
    if answer.status != _OK:
        return _Said(problem=answer.words)
    verifier = LogVerifier(witness.key)
    for one in parse_lines(answer.body):
        if (one.name, one.key_id) == (verifier.name, verifier.key_id):
            check_cosignature(now.text, one, verifier)
            return _Said(line=one, size=now.checkpoint.size)
    return _Said(problem="answered without a cosignature of its key")


def _refused(now: _Now, old_size: int, size: int) -> _Said:
    """What a 409 comes to that no other proof can help."""
    have = now.checkpoint.size
    if size > have:
        if now.grown() >= size:
            return _Said(ahead=True, problem="was asked with an older checkpoint: try again")
        return _Said(size=size, problem=f"knows {size} events, this log has {have}", conflict=True)
    if size == have:
        words = f"knows another root of {size} events than this log has"
        return _Said(size=size, problem=words, conflict=True)
    return _Said(size=size, problem=f"refused the size {old_size} and names the same")


# --- what is kept ---------------------------------------------------------------------------------


def _older_than_kept(journal: Journal, kept: Cosigned, now: _Now) -> list[str]:
    """Why the log is not the one for which a checkpoint was cosigned before, if so."""
    data = kept.note(now.checkpoint.origin, HELD)
    if data is None:
        return []
    try:
        before = Checkpoint.parse(Note.parse(data).text)
    except ProofError:
        return []
    have = now.grown()  # another process may have grown it, and had it cosigned, since
    if before.size > have:
        return [f"checkpoint of {before.size} events was cosigned before, this log has {have}"]
    if journal.root(before.size) != before.root:
        return [f"checkpoint of {before.size} events was cosigned before under another root"]
    return []


def _kept_note(
    kept: Cosigned, now: _Now, policy: Policy, said: list[_Said], at: int, *, sound: bool
) -> Note:
    """The checkpoint with all cosignatures gathered for it, kept; in the order of the policy.

    Handed out from here on if the policy holds, and only if *sound*: nothing is in conflict.
    """
    origin, size = now.checkpoint.origin, now.checkpoint.size
    new = [one.line for one in said if one.line]
    with kept.turn():
        gathered = kept.note(origin, GATHERING)
        old = Note.parse(gathered) if gathered else Note("", ())
        lines = [*(old.signatures if old.text == now.text else ()), *new]
        own = Note.parse(now.note)
        found = {one.key: _newest(one, lines, now.text) for one in policy.witnesses}
        cosigned = {key: newest[1] for key, newest in found.items() if newest}
        note = Note(now.text, (*own.signatures, *cosigned.values()))
        kept.keep(origin, GATHERING, size, note.encode(), at)
        if sound and cosigned and policy.holds(cosigned.keys()):
            kept.keep(origin, HELD, size, note.encode(), at)
    return note


def _newest(
    witness: Witness, lines: Sequence[Signature], text: str
) -> tuple[int, Signature] | None:
    """The latest of *lines* by which *witness* cosigned *text*, with its time."""
    verifier, found = LogVerifier(witness.key), list[tuple[int, Signature]]()
    for line in lines:
        with suppress(ProofError):
            found.append((check_cosignature(text, line, verifier), line))
    return max(found, key=lambda one: one[0]) if found else None


def _told(
    kept: Cosigned, now: _Now, note: Note, witness: Witness, before: Seen, said: _Said, *, at: int
) -> Witnessed:
    """How it went with *witness*, which is also kept."""
    key = witness.key.encode()
    size = said.size if said.size >= 0 else before.size
    seen = Seen(
        size,
        at if said.line else before.success_at,
        said.problem or before.problem,
        at if said.problem else before.problem_at,
    )
    kept.see(now.checkpoint.origin, key, seen)
    cosigned = _newest(witness, note.signatures, now.text)
    return Witnessed(
        name=shown(witness.name),
        key=key,
        size=size,
        cosigned_at=cosigned[0] * 1000 if cosigned else 0,
        problem=plain(said.problem),
        conflict=said.conflict,
        last_success=seen.success_at,
    )


def _lacking(note: Note, policy: Policy, journal: Journal) -> str:
    """Why whoever goes by *policy* would not take *note*; empty if they would."""
    own = journal.signer().verifier_key
    if policy.logs and own not in [one.key for one in policy.logs]:
        return f"the policy names other logs and not this one: add `log {own.encode()}` to it"
    try:
        open_cosigned(note.encode(), replace(policy, logs=()), LogVerifier, [own])
    except ProofError as error:
        return str(error)
    return ""
