"""A log of our own making, signed and whole, that says whatever a test wants it to say.

A change to somebody's file breaks its leaf, so every verifier refuses it there and nothing behind
is ever asked. Here the lie stands in the log: leaves, epoch and checkpoint fit it, and only what
the events *say* can be wrong with it.
"""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from reciprocity.tlog.merkle import Frontier, Growth, hash_leaf, prove_inclusion
from reciprocity.tlog.note import Checkpoint, Note, Signature, sign_note
from tests.tlog.keys import log_key

__all__ = ["KEY", "LATE", "Told", "lived", "person", "receipt", "signed", "spelled", "spoken"]

LOG = log_key(7, "log.example/shop")
KEY = LOG.text
SLOT, SLOTS, SIZE = 4, 12, 90
FIRST_EVENT, STEP = 10, 3
ROOT = "@root@"
LATE = SIZE - 2
SALT, CHAIN, BLIND = b"s" * 32, b"c" * 32, b"b" * 32

Said = dict[str, Any]


@dataclass(frozen=True)
class Told:
    """What the log says of one person, as texts: each is put in as it is.

    In *epoch* `@root@` stands for the root that fits, in hex, `@ROOT@` for that in capitals.
    *salted* are the places of statements that stand in the log under a salt.
    """

    events: tuple[str, ...]
    statements: tuple[str, ...]
    epoch: str
    salted: frozenset[int] = frozenset()

    def at(self, place: int, text: str) -> Told:
        """The same with *text* at *place*, counted over events, statements and the epoch."""
        events, statements = list(self.events), list(self.statements)
        if place < len(events):
            events[place] = text
        elif place < len(events) + len(statements):
            statements[place - len(events)] = text
        else:
            return replace(self, epoch=text)
        return replace(self, events=tuple(events), statements=tuple(statements))

    @property
    def texts(self) -> tuple[str, ...]:
        """All of them, as `at` counts."""
        return (*self.events, *self.statements, self.epoch)


def spelled(said: object) -> str:
    """*said* in its canonical spelling."""
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def spoken(text: str) -> Said:
    """What *text* says."""
    said: Said = json.loads(text)
    return said


def base64(data: bytes) -> str:
    return b64encode(data).decode()


def signed(growth: Growth, root: bytes, more: tuple[Signature, ...] = ()) -> str:
    """The checkpoint over *growth*, signed by the log, with *more* lines behind its own."""
    note = Note.parse(sign_note(Checkpoint(LOG.name, growth.size, root).encode(), [LOG]))
    return Note(note.text, (*note.signatures, *more)).encode().decode()


def receipt(
    event: str, *, salt: bytes = SALT, extra: str = "", more: tuple[Signature, ...] = ()
) -> str:
    """A receipt of a log that holds the personal *event* and nothing else."""
    frontier = Frontier()
    growth = frontier.append(hash_leaf(b"\x01" + _salted(event, salt)))
    proof = f"c2sp.org/tlog-proof@v1\n{extra}index 0\n\n{signed(growth, frontier.root(), more)}"
    return json.dumps(
        {"event": event, "format": "reciprocity-receipt@v1", "proof": proof, "salt": base64(salt)}
    )


def person(
    told: Told, *, places: tuple[int, ...] = (), late: str = "", covered: int | None = None
) -> str:
    """A person's proof of *told*, under `KEY`.

    With *places*, the log has the events in that order; *late* is a statement at index `LATE`,
    after all of them. The epoch has the first *covered* events, by default all.
    """
    leaves = [hash_leaf(b"filler %d" % place) for place in range(SIZE)]
    indices = [FIRST_EVENT + STEP * place for place in places or range(len(told.events))]
    covered, chain = len(told.events) if covered is None else covered, CHAIN
    for place, (index, event) in enumerate(zip(indices, told.events, strict=True)):
        leaves[index] = hash_leaf(b"\x01" + _salted(event))
        if place < covered:
            chain = sha256(chain + leaves[index]).digest()
    statements = dict(enumerate(told.statements, 1)) | ({LATE: late} if late else {})
    salted = {place - len(told.events) + 1 for place in told.salted}
    for index, statement in statements.items():
        leaf = b"\x02" + _salted(statement) if index in salted else _public(statement)
        leaves[index] = hash_leaf(leaf)
    slots, root = _slots(covered, chain)
    epoch = told.epoch.replace(ROOT, root.hex()).replace(ROOT.upper(), root.hex().upper())
    leaves[SIZE - 1] = hash_leaf(_public(epoch))
    frontier = Frontier()
    growth = frontier.extend(leaves)

    def entry(text: str, index: int, salt: str) -> Said:
        way = [base64(one) for one in prove_inclusion(index, SIZE, growth)]
        return {"event": text, "index": index, "proof": way, "salt": salt}

    stated = entry(epoch, SIZE - 1, "")
    del stated["salt"]
    return json.dumps({
        "chain": base64(CHAIN),
        "checkpoint": signed(growth, frontier.root()),
        "consistency": [],
        "epoch": stated | {
            "blind": base64(BLIND), "version": covered,
            "path": [base64(one) for one in prove_inclusion(SLOT, SLOTS, slots)],
        },
        "events": [
            entry(one, index, base64(SALT)) for index, one in zip(indices, told.events, strict=True)
        ],
        "format": "reciprocity-person@v1",
        "statements": [
            entry(one, index, base64(SALT) if index in salted else "")
            for index, one in statements.items()
        ],
    })  # fmt: skip


def _slots(version: int, head: bytes) -> tuple[Growth, bytes]:
    """The tree of an epoch with the person in its slot, and its root."""
    leaves = [hash_leaf(b"slot %d" % slot) for slot in range(SLOTS)]
    placed = SLOT.to_bytes(8, "big") + version.to_bytes(8, "big")
    leaves[SLOT] = sha256(b"\0" + placed + head + BLIND).digest()
    frontier = Frontier()
    return frontier.extend(leaves), frontier.root()


def _salted(event: str, salt: bytes = SALT) -> bytes:
    return sha256(salt + event.encode("utf-8", "surrogatepass")).digest()


def _public(text: str) -> bytes:
    encoded = text.encode("utf-8", "surrogatepass")
    hashed = len(encoded) >= 16_384
    return b"\x04" + sha256(encoded).digest() if hashed else b"\x03" + encoded


DAY = 86_400_000
AT = 1_790_000_000_000


def lived(given: bytes) -> Told:
    """A life with everything in it that a verifier looks at, made from a person's proof.

    Wishes said, taken back and said again, an import, two messages, one of them to be tried anew,
    and a rule over attributes, which is answered from the atoms that were recorded.
    """
    said = json.loads(given)
    first = json.loads(said["events"][0]["event"])
    attempt = next(
        one for entry in said["events"]
        if (one := json.loads(entry["event"]))["kind"] == "delivery.attempted"
    )  # fmt: skip
    statements = [json.loads(one["event"]) for one in said["statements"]]
    brand, rulebook, laws = (
        next(one for one in statements if one["kind"] == kind)
        for kind in ("brand.applied", "rulebook.applied", "laws.applied")
    )
    brand["body"]["body"]["purposes"]["offers"]["parent"] = "all"
    brand["body"]["body"]["purposes"]["all"] = {"title": "All"}
    brand["body"]["body"]["everyone_at_least"] = 18
    book = rulebook["body"]["body"]
    book["attributes"] = [{"name": "visits"}, {"name": "home-town"}]
    book["atoms"] = ["visits > 3", "\"home-town\" IN ('Ware', 'O''Dea')"]
    book["rules"].append({
        "bases": ["consent"], "kind": "refuse", "reason": "outside_audience",
        "when": "NOT (visits > 3 AND \"home-town\" IN ('Ware', 'O''Dea')) OR 0 > cap_7_most "
                "OR basis IN ('contract', 'legal_duty') OR (TRUE = person_erased AND FALSE)",
    })  # fmt: skip
    names = [one["name"] for one in book["facts"]]

    def sent(message: str, **facts: int) -> Said:
        body = attempt["body"] | {
            "message": message, "occasion": message, "stated": [1, 2, 3, 4], "atoms": 3,
            "consent": 1,
        }  # fmt: skip
        told = dict(zip(names, attempt["body"]["facts"], strict=True))
        told |= {"cap_7_most": 2, "cap_30_most": 5, "quiet_from": 60, "quiet_until": 120, **facts}
        return {"kind": "delivery.attempted", "body": body | {"facts": [*told.values()]}}

    acts = [
        {"kind": first["kind"], "body": first["body"]},
        _act("preferences.set", caps={"email": [2, 5]}, pauses={"*": AT - DAY, "email": 0},
             quiet={"start": 60, "end": 120}),
        _act("person.imported", actor="import:crm", pauses={"*": AT + DAY}, age_at_least=18),
        _act("objection.made",
             objections=[{"purpose": "all"}, {"channel": "post", "purpose": "*"}]),
        _act("objection.lifted", objections=[{"lifted": True, "purpose": "all"}]),
        _act("erasure.requested", erase_at=AT + 9 * DAY),
        _act("erasure.undone"),
        sent("spring"),
        {"kind": "delivery.failed", "body": {"again": True, "attempt": 8}},
        sent("spring"),
        {"kind": "delivery.delivered", "body": {"attempt": 10}},
        sent("summer", cap_7_used=1, cap_30_used=1),
        _act("consent.withdrawn", consent=[
            {"channel": "email", "purpose": "offers", "state": "withdrawn"}]),
    ]  # fmt: skip
    events = [
        {"at": AT + version, "happened_at": AT, "slot": SLOT, "v": 1, "version": version} | one
        for version, one in enumerate(acts, 1)
    ]
    body = {"number": 1, "root": ROOT, "size": SIZE - 1, "slots": SLOTS, "sum_n": len(acts)}
    epoch = {"at": AT + DAY, "body": body, "happened_at": AT, "kind": "epoch.published", "v": 1}
    stated = spelled(brand), spelled(rulebook), spelled(laws)
    return Told(tuple(map(spelled, events)), stated, spelled(epoch))


def _act(kind: str, **body: Any) -> Said:
    return {"kind": kind, "body": {"actor": "person", "method": "web", **body}}
