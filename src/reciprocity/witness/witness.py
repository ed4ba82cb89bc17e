"""What a witness answers to a log that asks for a cosignature (C2SP tlog-witness).

The order of the checks is that of the specification; each ends in one status:

    400  not a submission, or the old size is larger than the new    404  a log it does not know
    403  not signed by that log                                       422  no proof that it grew
    409  the old size is not the one remembered, which is told; or the size is, under another root
    200  cosigned; remembered before the answer leaves
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from reciprocity.errors import ProofError
from reciprocity.tlog.cosignature import cosign
from reciprocity.tlog.merkle import check_consistency
from reciprocity.tlog.note import Checkpoint, Note, Signature, VerifierKey
from reciprocity.tlog.signing import LogVerifier
from reciprocity.tlog.submission import SIZE_TYPE, Submission, signature_lines
from reciprocity.witness.folder import WitnessKey, known_logs
from reciprocity.witness.state import Remembered, WitnessState

__all__ = ["Answer", "Witness"]

TEXT: Final = "text/plain; charset=utf-8"
_log = logging.getLogger("reciprocity.witness")


class Answer(NamedTuple):
    """What goes back over HTTP."""

    status: int
    body: bytes
    content_type: str = TEXT


class Witness:
    """The witness in *folder*: its key, and what it remembers. Safe to share between threads."""

    def __init__(
        self, folder: Path, key: WitnessKey, state: WitnessState, clock: Callable[[], int]
    ) -> None:
        """Answer with *key* from *state*; *clock* gives milliseconds since 1970 UTC."""
        self._folder, self._key, self._state, self._clock = folder, key, state, clock

    @property
    def verifier_key(self) -> VerifierKey:
        """The key by which its cosignatures are checked."""
        return self._key.verifier_key

    def logs(self) -> dict[str, tuple[Remembered, int]]:
        """Each log it knows: what it cosigned last, and how many second histories it was shown."""
        return {
            origin: (self._state.remembered(origin), len(self._state.splits(origin)))
            for origin in sorted(known_logs(self._folder))
        }

    def add_checkpoint(self, body: bytes) -> Answer:
        """The answer to `POST /add-checkpoint` with *body*.

        Raises `Unavailable` or `Damaged` when the state cannot be read or written; then nothing
        was cosigned.
        """
        try:
            asked = Submission.parse(body)
            checkpoint, note = asked.checkpoint, Note.parse(asked.note)
        except ProofError as error:
            return _refused(400, str(error))
        keys = known_logs(self._folder).get(checkpoint.origin, ())
        if not keys:
            return _refused(404, "log: this witness does not know its origin")
        by = _signatures(note, keys)
        if not by:
            return _refused(403, "checkpoint: is not signed by a key known for its origin")
        if asked.old_size > checkpoint.size:
            return _refused(400, f"old size {asked.old_size} is above the size {checkpoint.size}")
        return self._stepped(asked, checkpoint, Note(note.text, by))

    def _stepped(self, asked: Submission, checkpoint: Checkpoint, note: Note) -> Answer:
        """Cosign, unless what is remembered says otherwise; once more if it changed meanwhile."""
        while True:
            seen = self._state.remembered(checkpoint.origin)
            if asked.old_size != seen.size:
                return Answer(409, b"%d\n" % seen.size, SIZE_TYPE)
            if checkpoint.size == seen.size and checkpoint.root != seen.root:
                self._keep_split(checkpoint, seen, note)
                return Answer(409, b"%d\n" % seen.size, SIZE_TYPE)
            try:
                check_consistency(
                    asked.proof, seen.size, seen.root, checkpoint.size, checkpoint.root
                )
            except ProofError as error:
                _log.warning("log %s: no proof that it grew: %s", checkpoint.origin, error)
                return _refused(422, str(error))
            at = max(self._clock() // 1000, seen.cosigned_at)  # a clock set back is not believed
            line = cosign(note.text, self._key, at)
            signed = Note(note.text, (*note.signatures, line)).encode()
            new = Remembered(checkpoint.size, checkpoint.root, at, signed)
            if self._state.step(checkpoint.origin, seen, new):
                return Answer(200, signature_lines([line]))

    def _keep_split(self, checkpoint: Checkpoint, seen: Remembered, note: Note) -> None:
        if seen.size:  # a log of no leaves has one root; another is a broken one, no history
            _log.error("log %s: two roots of size %d", checkpoint.origin, checkpoint.size)
            other = Remembered(
                checkpoint.size, checkpoint.root, self._clock() // 1000, note.encode()
            )
            self._state.keep_split(checkpoint.origin, seen, other)


def _signatures(note: Note, keys: tuple[VerifierKey, ...]) -> tuple[Signature, ...]:
    """The signatures of *note* by *keys*, which hold; none, if one of them does not."""
    known = {(key.name, key.key_id): LogVerifier(key) for key in keys}
    lines = [one for one in note.signatures if (one.name, one.key_id) in known]
    try:
        for one in lines:
            known[one.name, one.key_id].verify(note.text.encode(), one.signature)
    except ProofError:
        return ()
    return tuple(lines)


def _refused(status: int, why: str) -> Answer:
    return Answer(status, f"{why}\n".encode())
