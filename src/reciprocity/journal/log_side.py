"""The log's side of a journal: how far it has got, who signs it, its root at any size, proofs."""

import threading

from reciprocity.errors import Damaged, Unavailable
from reciprocity.events import LogKeyChanged
from reciprocity.journal.fence import refuse_fenced
from reciprocity.journal.leaf import Told
from reciprocity.journal.log_reader import State
from reciprocity.journal.read import Reader
from reciprocity.keys import KeyStore
from reciprocity.tlog.merkle import prove_inclusion, root_at
from reciprocity.tlog.note import Checkpoint, LogProof, Note, open_checkpoint
from reciprocity.tlog.signing import LogSigner, LogVerifier

__all__ = ["LogSide"]


class LogSide:
    """What `Journal` tells of its log, by a reader that is used under its lock."""

    _lock: threading.RLock
    reader: Reader
    keys: KeyStore
    _looked: State | None
    """What was read a moment ago, inside `Journal.at_hand`."""

    def state(self) -> State:
        """How far the log has got."""
        with self._lock:
            state = self._looked or self.reader.state()
            if state is None:
                refuse_fenced(self.reader.db)
        if state is None:
            raise Unavailable("log is not opened yet: run `reciprocity apply`")
        return state

    def signer(self) -> LogSigner:
        """The log's signer under its present origin."""
        return LogSigner(self.state().origin, self.keys.signer())

    def verifier(self) -> LogVerifier:
        """Who checks this log's checkpoints."""
        return LogVerifier(self.signer().verifier_key)

    def verifiers(self) -> list[LogVerifier]:
        """Who checks what this log ever signed under its present origin, the newest key first."""
        changes = [told.body for told in self._key_changes()]
        old = [body.old_key for body in changes if isinstance(body, LogKeyChanged)]
        mine = [key for key in reversed(old) if key.startswith(f"{self.state().origin}+")]
        return [self.verifier(), *map(LogVerifier.parse, mine)]

    def root(self, size: int) -> bytes:
        """The log's root when it had *size* events."""
        with self._lock, self.reader.snapshot():
            return root_at(size, self.reader.tile_reader(self.state().size).at(size))

    def prove(self, position: int, note: bytes = b"") -> bytes:
        """A log proof (C2SP tlog-proof) of the leaf at *position* under the newest checkpoint.

        Or under that in *note*, one of this log's that bears cosignatures besides. Raises
        `ProofError` where the leaf is not under it.
        """
        with self._lock, self.reader.snapshot():
            state = self.state()
            checkpoint = note or state.checkpoint
            size = Checkpoint.parse(Note.parse(checkpoint).text).size
            reader = self.reader.tile_reader(state.size).at(size)
            hashes = tuple(prove_inclusion(position, size, reader))
            if root_at(size, reader) != Checkpoint.parse(Note.parse(checkpoint).text).root:
                raise Damaged(f"log does not make the root of its checkpoint of size {size}")
        if not note:
            open_checkpoint(checkpoint, self.verifier())
        return LogProof(position, hashes, checkpoint).encode()

    def _key_changes(self) -> list[Told]:
        with self._lock:
            return self.reader.brand_events("log.key_changed")
