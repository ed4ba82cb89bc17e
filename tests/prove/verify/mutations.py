# ruff: noqa: E501  (a table reads best with a line for each)
"""Kinds of change to a receipt and to a person's proof: every verifier must refuse each of them.

Each takes the file read as JSON and changes it in place. The same lists are put before the Python
verifier (`test_mutations.py`) and the one in the browser (`tests/browser`).
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

__all__ = ["PERSON", "RECEIPT", "changed"]

Said = dict[str, Any]
Change = Callable[[Said], object]


def changed(data: bytes, change: Change) -> bytes:
    """The file with *change* made; what came out must differ from what went in."""
    said = json.loads(data)
    change(said)
    after = json.dumps(said, ensure_ascii=False).encode()
    assert json.loads(after) != json.loads(data), "the change changed nothing"
    return after


def flipped(spelled: str, at: int = 0) -> str:
    """Base64 of the bytes with one bit turned over."""
    data = bytearray(b64decode(spelled))
    data[at] ^= 1
    return b64encode(data).decode()


def put(said: Said, name: str, change: Callable[[Any], Any]) -> None:
    """Change the value under *name*."""
    said[name] = change(said[name])


def event(said: Said, change: Callable[[Said], object]) -> None:
    """Change what the event in *said* says, in its canonical spelling."""
    told = json.loads(said["event"])
    change(told)
    said["event"] = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def lines(said: Said, name: str, change: Callable[[list[str]], list[str]]) -> None:
    """Change the text under *name* line by line."""
    said[name] = "\n".join(change(said[name].split("\n")))


def replaced(place: int, line: str | Callable[[str], str]) -> Callable[[list[str]], list[str]]:
    """Put another line in the place of one."""

    def change(text: list[str]) -> list[str]:
        new = line(text[place]) if callable(line) else line
        return [*text[:place], new, *text[place:][1:]]

    return change


def swapped(listed: list[Any], one: int, other: int) -> None:
    """Let two places of a list change theirs."""
    listed[one], listed[other] = listed[other], listed[one]


RECEIPT: dict[str, Change] = {
    "the event says another kind": lambda said: event(
        said, lambda e: e.update(kind="consent.refused")
    ),
    "the event is of another instant": lambda said: event(said, lambda e: e.update(at=e["at"] + 1)),
    "the event is of another slot": lambda said: event(
        said, lambda e: e.update(slot=e["slot"] + 1)
    ),
    "the event is of another version": lambda said: event(said, lambda e: e.update(version=9)),
    "the event has no slot": lambda said: event(said, lambda e: e.pop("slot")),
    "the event has neither slot nor version": lambda said: event(
        said, lambda e: (e.pop("slot"), e.pop("version"))
    ),
    "the event has one field more": lambda said: event(said, lambda e: e["body"].update(more=1)),
    "the event has no body": lambda said: event(said, lambda e: e.pop("body")),
    "the event is spelled with spaces": lambda said: put(
        said, "event", lambda e: e.replace(":", ": ", 1)
    ),
    "the event has its keys in another order": lambda said: put(
        said,
        "event",
        lambda e: json.dumps(dict(reversed(json.loads(e).items())), separators=(",", ":")),
    ),
    "the event has a key twice": lambda said: put(
        said, "event", lambda e: e.replace("{", '{"at":1,', 1)
    ),
    "the event has a fraction": lambda said: put(
        said, "event", lambda e: e.replace('"v":1', '"v":1.0')
    ),
    "the event has too large a number": lambda said: put(
        said, "event", lambda e: e.replace('"v":1', '"v":9007199254740992')
    ),
    "the event escapes what needs no escape": lambda said: put(
        said, "event", lambda e: e.replace("consent", "\\u0063onsent", 1)
    ),
    "the event is empty": lambda said: said.update(event=""),
    "the event is no text": lambda said: said.update(event=7),
    "another salt": lambda said: put(said, "salt", flipped),
    "no salt": lambda said: said.update(salt=""),
    "a salt that is cut": lambda said: said.update(salt=b64encode(bytes(31)).decode()),
    "a salt that is not base64": lambda said: said.update(salt="*" * 44),
    "a salt in another spelling": lambda said: put(
        said, "salt", lambda s: s[:-2] + chr(ord(s[-2]) + 1) + "="
    ),
    "another format": lambda said: said.update(format="reciprocity-receipt@v2"),
    "one field more": lambda said: said.update(more=1),
    "one field less": lambda said: said.pop("salt"),
    "another index": lambda said: lines(said, "proof", replaced(1, "index 0")),
    "an index beyond the log": lambda said: lines(said, "proof", replaced(1, "index 999999")),
    "an index with a leading zero": lambda said: lines(
        said, "proof", replaced(1, lambda line: line.replace("index ", "index 0"))
    ),
    "no index": lambda said: lines(said, "proof", lambda text: [text[0], *text[2:]]),
    "another hash": lambda said: lines(said, "proof", replaced(2, flipped)),
    "two hashes change places": lambda said: lines(
        said, "proof", lambda text: [*text[:2], text[3], text[2], *text[4:]]
    ),
    "one hash less": lambda said: lines(said, "proof", lambda text: [*text[:2], *text[3:]]),
    "one hash more": lambda said: lines(
        said, "proof", lambda text: [*text[:3], text[2], *text[3:]]
    ),
    "a proof of another kind": lambda said: lines(
        said, "proof", replaced(0, "c2sp.org/tlog-proof@v2")
    ),
    "a proof without its checkpoint": lambda said: put(
        said, "proof", lambda p: p.split("\n\n")[0] + "\n"
    ),
    "a proof with an empty extra line": lambda said: lines(
        said, "proof", lambda text: [text[0], "extra ", *text[1:]]
    ),
    "a checkpoint of another size": lambda said: put(said, "proof", bigger),
    "a checkpoint of another root": lambda said: put(said, "proof", reroot),
    "a checkpoint of another origin": lambda said: put(
        said, "proof", lambda p: p.replace("harbour.example/shop\n", "harbour.example/other\n")
    ),
    "a signature of another name": lambda said: put(
        said, "proof", lambda p: p.replace("— harbour.example/shop", "— harbour.example/other")
    ),
    "a signature that is another": lambda said: put(said, "proof", resigned),
    "a signature that is cut": lambda said: put(said, "proof", lambda p: p[:-6] + "\n"),
    "no newline at the end": lambda said: put(said, "proof", lambda p: p[:-1]),
    "a control character": lambda said: put(said, "proof", lambda p: p.replace("index", "index\r")),
}


def tail(proof: str) -> tuple[str, list[str]]:
    """The way, and the lines of the checkpoint."""
    way, _, note = proof.partition("\n\n")
    return way, note.split("\n")


def bigger(proof: str) -> str:
    """The checkpoint claims one leaf more."""
    way, note = tail(proof)
    return way + "\n\n" + "\n".join([note[0], str(int(note[1]) + 1), *note[2:]])


def reroot(proof: str) -> str:
    """The checkpoint claims another root."""
    way, note = tail(proof)
    return way + "\n\n" + "\n".join([*note[:2], flipped(note[2]), *note[3:]])


def resigned(text: str) -> str:
    """The last signature has one bit turned over."""
    head, _, signature = text.rstrip("\n").rpartition(" ")
    return f"{head} {flipped(signature, 9)}\n"


def attempt(said: Said, change: Callable[[Said], object]) -> None:
    """Change the body of the delivery among the events."""
    place = next(one for one in said["events"] if "delivery.attempted" in one["event"])
    event(place, lambda told: change(told["body"]))


PERSON: dict[str, Change] = {
    "the first event is missing": lambda said: said["events"].pop(0),
    "an event in the middle is missing": lambda said: said["events"].pop(1),
    "the last event is missing": lambda said: said["events"].pop(),
    "all events are missing": lambda said: said["events"].clear(),
    "the last event is missing and not counted": lambda said: (
        said["events"].pop(), put(said["epoch"], "version", lambda n: n - 1),
    ),
    "an event stands there twice": lambda said: said["events"].insert(1, said["events"][0]),
    "two events change places": lambda said: swapped(said["events"], 0, 1),
    "an event says another instant": lambda said: event(said["events"][0], lambda e: e.update(at=1)),
    "a withdrawal says yes": lambda said: event(
        said["events"][-1], lambda e: e.update(kind="consent.granted")
    ),
    "an event has another salt": lambda said: put(said["events"][0], "salt", flipped),
    "an event is at another index": lambda said: put(said["events"][0], "index", lambda n: n + 1),
    "an event has another way": lambda said: put(
        said["events"][0], "proof", lambda way: [flipped(way[0]), *way[1:]]
    ),
    "an event has a shorter way": lambda said: said["events"][0]["proof"].pop(),
    "an event has a longer way": lambda said: said["events"][0]["proof"].append("A" * 43 + "="),
    "an event's way is no list": lambda said: said["events"][0].update(proof="A" * 43 + "="),
    "an event has a field more": lambda said: said["events"][0].update(more=1),
    "an event is no object": lambda said: said["events"].__setitem__(0, "event"),
    "the chain starts elsewhere": lambda said: put(said, "chain", flipped),
    "the chain's start is cut": lambda said: said.update(chain=b64encode(bytes(16)).decode()),
    "another blind": lambda said: put(said["epoch"], "blind", flipped),
    "another path": lambda said: put(
        said["epoch"], "path", lambda path: [flipped(path[0]), *path[1:]]
    ),
    "a shorter path": lambda said: said["epoch"]["path"].pop(),
    "the epoch counts one less": lambda said: put(said["epoch"], "version", lambda n: n - 1),
    "the epoch counts one more": lambda said: put(said["epoch"], "version", lambda n: n + 1),
    "the epoch states another root": lambda said: event(
        said["epoch"], lambda e: e["body"].update(root="00" * 32)
    ),
    "the epoch states another size": lambda said: event(
        said["epoch"], lambda e: e["body"].update(size=e["body"]["size"] - 1)
    ),
    "the epoch is another public event": lambda said: said["epoch"].update(
        {name: said["statements"][0][name] for name in ("event", "index", "proof")}
    ),
    "the epoch is at another index": lambda said: put(said["epoch"], "index", lambda n: n - 1),
    "no epoch": lambda said: said.update(epoch=None),
    "no statements": lambda said: said["statements"].clear(),
    "the rulebook is left out": lambda said: said.update(
        statements=[one for one in said["statements"] if "rulebook.applied" not in one["event"]]
    ),
    "a rule is left out of the rulebook": lambda said: event(
        next(one for one in said["statements"] if "rulebook.applied" in one["event"]),
        lambda e: e["body"]["body"]["rules"].pop(0),
    ),
    "a delivery records other facts": lambda said: attempt(said, lambda a: a["facts"].__setitem__(0, 0)),
    "a delivery rests on another consent": lambda said: attempt(said, lambda a: a.update(consent=2)),
    "a delivery is of another message": lambda said: attempt(said, lambda a: a.update(message="x")),
    "the checkpoint is another's": lambda said: put(
        said, "checkpoint", lambda note: note.replace("harbour.example/shop", "harbour.example/other")
    ),
    "the checkpoint has another root": lambda said: lines(said, "checkpoint", replaced(2, flipped)),
    "the checkpoint has another size": lambda said: lines(
        said, "checkpoint", replaced(1, lambda size: str(int(size) - 1))
    ),
    "the checkpoint has another signature": lambda said: put(said, "checkpoint", resigned),
    "the checkpoint is not signed": lambda said: put(said, "checkpoint", lambda n: n[: n.index("— ")]),
    "the checkpoint is empty": lambda said: said.update(checkpoint=""),
    "no word on how the log grew": lambda said: said.pop("consistency"),
    "a growth that is no object": lambda said: said["consistency"].append(7),
    "a growth with a field more": lambda said: said["consistency"][0].update(more=1),
    "a growth by what is no hash": lambda said: said["consistency"][0].update(proof=["x"]),
    "another format": lambda said: said.update(format="reciprocity-person@v2"),
    "one field more": lambda said: said.update(more=1),
    "one field less": lambda said: said.pop("statements"),
}  # fmt: skip
