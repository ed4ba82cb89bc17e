"""A brand that holds its log's key and writes what it likes: whole, signed, and a lie if asked."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from reciprocity.tlog.merkle import Frontier, hash_leaf, prove_inclusion, root_at
from reciprocity.tlog.note import Checkpoint, sign_note
from reciprocity.tlog.signing import LogSigner
from reciprocity.tlog.tiles import TilePath, encode_entries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["BLIND", "CHAIN", "Brand", "Tree", "signer"]

NAME = "evil.example/shop"
CHAIN, BLIND = b"c" * 32, b"b" * 32
_CLEAR_BYTES = 16_384


def signer(seed: int, name: str = NAME) -> LogSigner:
    """A key of the log *name*."""
    return LogSigner(name, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


class Tree:
    """Any node over leaf hashes held in a list."""

    def __init__(self, hashes: list[bytes]) -> None:
        self.hashes = hashes

    def read_nodes(self, nodes: Sequence[tuple[int, int]]) -> list[bytes]:
        """The roots of the subtrees (height, index)."""
        found = []
        for height, index in nodes:
            frontier = Frontier()
            frontier.extend(self.hashes[index << height : (index + 1) << height])
            found.append(frontier.root())
        return found


class Brand:
    """Its log, leaf by leaf."""

    def __init__(self) -> None:
        self.signer, self.name = signer(7), NAME
        self.key = self.signer.verifier_key.encode()
        self.leaves: list[bytes] = []
        self.texts: list[str] = []
        self.salts: list[bytes] = []

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return len(self.leaves)

    @property
    def tree(self) -> Tree:
        """The log's tree."""
        return Tree([hash_leaf(leaf) for leaf in self.leaves])

    def cut(self, size: int) -> None:
        """Forget all leaves from *size* on."""
        for each in (self.leaves, self.texts, self.salts):
            del each[size:]

    def public(self, kind: str, body: Any, *, at: int = 1000, v: int = 1, salt: bytes = b"") -> int:
        """State something, in clear text, or under *salt*; where it stands."""
        said = {"at": at, "body": body, "happened_at": at, "kind": kind, "v": v}
        text = _canonical(said)
        if salt:
            leaf = b"\2" + sha256(salt + text.encode()).digest()
        elif len(text.encode()) < _CLEAR_BYTES:
            leaf = b"\3" + text.encode()
        else:
            leaf = b"\4" + sha256(text.encode()).digest()
        return self._put(leaf, text, salt)

    def consents(self, slot: int, version: int = 1) -> int:
        """A yes of the person in *slot*."""
        rows = [{"purpose": "offers", "channel": "email", "state": "given"}]
        said = {
            "at": 1000, "body": {"actor": "person", "consent": rows}, "happened_at": 1000,
            "kind": "consent.granted", "slot": slot, "v": 1, "version": version,
        }  # fmt: skip
        text, salt = _canonical(said), sha256(b"salt %d" % self.size).digest()
        return self._put(b"\1" + sha256(salt + text.encode()).digest(), text, salt)

    def statements(self) -> None:
        """What stands at the beginning of a log."""
        body = {"origin": self.name, "key": self.key, "software": "1"}
        self.public("log.opened", body)

    def epoch(
        self,
        number: int,
        members: Mapping[int, Sequence[int]],
        slots: int,
        *,
        at: int = 1000,
        salt: bytes = b"",
        **other: Any,
    ) -> tuple[int, Tree]:
        """State an epoch over *members* (slot -> places of its events); where, and its tree."""
        hashes = []
        for slot in range(slots):
            own, head = members.get(slot, ()), CHAIN
            for index in own:
                head = sha256(head + hash_leaf(self.leaves[index])).digest()
            placed = slot.to_bytes(8, "big") + len(own).to_bytes(8, "big")
            head = head if own else bytes(32)
            hashes.append(sha256(b"\0" + placed + head + BLIND).digest())
        tree = Tree(hashes)
        body = {
            "number": number, "size": self.size, "slots": slots,
            "root": root_at(slots, tree).hex(), "sum_n": sum(map(len, members.values())),
        }  # fmt: skip
        return self.public("epoch.published", body | other, at=at, salt=salt), tree

    def checkpoint(
        self,
        size: int = 0,
        extensions: tuple[str, ...] = (),
        signers: Sequence[LogSigner] = (),
    ) -> str:
        """A signed checkpoint of the first *size* leaves, or all."""
        size = size or self.size
        said = Checkpoint(self.name, size, root_at(size, self.tree), extensions)
        return sign_note(said.encode(), signers or [self.signer]).decode()

    def entry(self, index: int) -> dict[str, Any]:
        """The event at *index*, with the way to the newest root."""
        proof = prove_inclusion(index, self.size, self.tree)
        salt = self.salts[index]
        return {
            "event": self.texts[index],
            "index": index,
            "proof": [b64encode(one).decode() for one in proof],
            "salt": b64encode(salt).decode() if salt else "",
        }

    def export(self, folder: Path, note: str = "") -> Path:
        """The log as a folder, of less than 256 leaves."""
        assert self.size < 256
        hashes = b"".join(map(hash_leaf, self.leaves))
        for level, data in ((0, hashes), (None, encode_entries(self.leaves))):
            path = folder / TilePath(level, 0, self.size).encode()
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        (folder / "checkpoint").write_text(note or self.checkpoint())
        return folder

    def _put(self, leaf: bytes, text: str, salt: bytes) -> int:
        for each, one in ((self.leaves, leaf), (self.texts, text), (self.salts, salt)):
            each.append(one)  # type: ignore[attr-defined]
        return self.size - 1


def _canonical(said: Any) -> str:
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
