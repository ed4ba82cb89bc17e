"""Whom to believe: a policy says which logs are known and which witnesses must have cosigned.

A policy is a text file (C2SP tlog-policy), the same for a brand, a person or an auditor:

    log <vkey> [<url>]
    witness <name> <vkey> [<url>]
    group <name> all|any|<k> <name>...
    quorum <name>|none

A group counts as one that cosigned when k of its members did. Names live in the file alone; keys
are what counts. Names are octets without meaning and are kept as such (surrogates stand for what
is not UTF-8). Reading is strict: whatever could be read in two ways is refused, with its line.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Final, Self, TypeVar

from reciprocity.errors import InputError, ProofError
from reciprocity.tlog.cosignature import check_cosignature
from reciprocity.tlog.note import (
    COSIGNATURE_V1,
    ED25519,
    Checkpoint,
    Note,
    Verifier,
    VerifierKey,
)

__all__ = ["Group", "KnownLog", "Opened", "Policy", "Witness", "open_cosigned", "shown"]

MAX_BYTES: Final = 2**18
MAX_LINES: Final = 64
"""The most logs, witnesses and groups of each; C2SP asks for 32 at the least."""

NONE: Final = "none"
_SPACE: Final = re.compile("[ \t]+")
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")
_NUMBER: Final = re.compile("[1-9][0-9]{0,3}")
_Line = TypeVar("_Line")


@dataclass(frozen=True, slots=True)
class KnownLog:
    """A log whose signature is believed; its key's name is its origin."""

    key: VerifierKey
    url: str = ""


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness, under the name the policy gives it; *url* is where it takes submissions."""

    name: str
    key: VerifierKey
    url: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Counts as one that cosigned when *threshold* of its *members* did."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    r"""What a policy file says; made by `parse`, which holds that every name leads somewhere.

    >>> policy = Policy.parse(b"# nobody else need sign\nquorum none\n")
    >>> policy.holds([])
    True
    """

    logs: tuple[KnownLog, ...]
    witnesses: tuple[Witness, ...]
    groups: tuple[Group, ...]
    quorum: str

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """The policy in *data*; raises `InputError` naming the line and what was expected."""
        if len(data) > MAX_BYTES:
            raise InputError(f"policy: {len(data)} bytes, at most {MAX_BYTES}")
        if data and not data.endswith(b"\n"):
            raise InputError("policy: its last line has no newline; was the file cut short?")
        reading = _Reading()
        for number, line in enumerate(data.split(b"\n"), start=1):
            try:
                reading.take(line)
            except (InputError, ProofError) as error:
                raise InputError(f"policy: line {number}: {error}") from error
        if not reading.quorum:
            raise InputError("policy: has no quorum line; expected `quorum NAME` or `quorum none`")
        return cls(
            tuple(reading.logs),
            tuple(reading.witnesses),
            tuple(reading.groups),
            reading.quorum,
        )

    def holds(self, cosigned: Collection[VerifierKey]) -> bool:
        """Is the quorum met when the witnesses with these keys cosigned?"""
        return self.quorum == NONE or self.quorum in self._reached(cosigned)

    def lacking(self, cosigned: Collection[VerifierKey]) -> str:
        """How many of which are missing when only *cosigned* did; empty when the quorum is met."""
        if self.holds(cosigned):
            return ""
        return self._lacking(self.quorum, self._reached(cosigned))

    def _reached(self, cosigned: Collection[VerifierKey]) -> set[str]:
        """The names of the witnesses that cosigned, and of the groups they make up."""
        names = {one.name for one in self.witnesses if one.key in cosigned}
        for group in self.groups:  # each stands below its members
            if len(names.intersection(group.members)) >= group.threshold:
                names.add(group.name)
        return names

    def _lacking(self, name: str, reached: set[str]) -> str:
        group = next((one for one in self.groups if one.name == name), None)
        if group is None:
            return f"witness {shown(name)}"
        missing = [one for one in group.members if one not in reached]
        have = len(group.members) - len(missing)
        rest = "; ".join(self._lacking(one, reached) for one in missing)
        return f"group {shown(name)}: {have} of the {group.threshold} it needs (missing: {rest})"


def shown(name: str) -> str:
    r"""A name of a policy as it can be printed: octets that are not UTF-8 are spelled out.

    >>> shown("caf" + b"\xe9".decode("utf-8", "surrogateescape"))
    'caf\\xe9'
    """
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


@dataclass(slots=True)
class _Reading:
    """A policy as far as it was read."""

    logs: list[KnownLog] = field(default_factory=list)
    witnesses: list[Witness] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    quorum: str = ""
    _members: set[str] = field(default_factory=set)

    def take(self, line: bytes) -> None:
        """One line; raises `InputError` or `ProofError` saying what is wrong with it."""
        if found := _CONTROL.search(line):
            raise InputError(f"found the control character 0x{found[0][0]:02x}; expected none")
        text = line.decode("utf-8", "surrogateescape").strip(" \t")
        if not text or text.startswith("#"):
            return
        word, *rest = _SPACE.split(text)
        match word:
            case "log":
                self._log(rest)
            case "witness":
                self._witness(rest)
            case "group":
                self._group(rest)
            case "quorum":
                self._quorum(rest)
            case _:
                raise InputError(f"found {shown(word)[:40]!r}; expected log, witness, group or "
                                 "quorum")  # fmt: skip

    def _log(self, rest: list[str]) -> None:
        if len(rest) not in {1, 2}:
            raise InputError("expected `log VKEY [URL]`")
        key = _key(rest[0], ED25519, "a log")
        if any(one.key.public_key == key.public_key for one in self.logs):
            raise InputError("a log with this public key was named before; expected it once")
        _add(self.logs, KnownLog(key, *rest[1:]), "logs")

    def _witness(self, rest: list[str]) -> None:
        if len(rest) not in {2, 3}:
            raise InputError("expected `witness NAME VKEY [URL]`")
        self._check_new(rest[0])
        key = _key(rest[1], COSIGNATURE_V1, "a witness")
        if any(one.key.public_key == key.public_key for one in self.witnesses):
            raise InputError("a witness with this public key was named before; expected it once")
        _add(self.witnesses, Witness(rest[0], key, *rest[2:]), "witnesses")

    def _group(self, rest: list[str]) -> None:
        if len(rest) < 3:  # noqa: PLR2004 - a name, how many, and one member
            raise InputError("expected `group NAME all|any|K MEMBER...`")
        name, wanted, *members = rest
        self._check_new(name)
        for member, times in Counter(members).items():
            self._check_known(member)
            if times > 1 or member in self._members:
                raise InputError(f"{shown(member)} is a member already; expected it in one group, "
                                 "once")  # fmt: skip
        _add(self.groups, Group(name, _threshold(wanted, len(members)), tuple(members)), "groups")
        self._members.update(members)

    def _quorum(self, rest: list[str]) -> None:
        if len(rest) != 1:
            raise InputError("expected `quorum NAME` or `quorum none`")
        if self.quorum:
            raise InputError("a second quorum line; expected one")
        if rest[0] != NONE:
            self._check_known(rest[0])
        self.quorum = rest[0]

    def _check_new(self, name: str) -> None:
        if name == NONE or name in self._names():
            raise InputError(f"the name {shown(name)} is taken; expected another")

    def _check_known(self, name: str) -> None:
        if name not in self._names():
            raise InputError(f"{shown(name)} is no witness and no group of a line above")

    def _names(self) -> set[str]:
        return {one.name for one in self.witnesses} | {one.name for one in self.groups}


def _add(found: list[_Line], one: _Line, what: str) -> None:
    if len(found) >= MAX_LINES:
        raise InputError(f"more than {MAX_LINES} {what}; expected at most that many")
    found.append(one)


def _key(text: str, algorithm: int, whose: str) -> VerifierKey:
    key = VerifierKey.parse(text)
    if key.algorithm != algorithm:
        raise InputError(f"the key is of type {key.algorithm}; {whose} has one of {algorithm}")
    return key


def _threshold(wanted: str, members: int) -> int:
    named = {"all": members, "any": 1}
    if wanted in named:
        return named[wanted]
    if not _NUMBER.fullmatch(wanted) or not 1 <= int(wanted) <= members:
        raise InputError(f"found {shown(wanted)[:20]!r}; expected all, any or 1 to {members}, the "
                         "number of members")  # fmt: skip
    return int(wanted)


@dataclass(frozen=True, slots=True)
class Opened:
    """A checkpoint that holds under a policy; which log signed it, and who cosigned it when.

    *cosigned_at* has seconds since 1970, each by that witness's own clock.
    """

    checkpoint: Checkpoint
    log: VerifierKey
    cosigned_at: dict[VerifierKey, int]


def open_cosigned(
    data: bytes,
    policy: Policy,
    verifier: Callable[[VerifierKey], Verifier],
    logs: Sequence[VerifierKey] = (),
) -> Opened:
    """The checkpoint in the note *data*, if *policy* holds for it; or raise `ProofError`.

    One of the policy's logs must have signed it (*logs* stand in for a policy that names none),
    and its origin must be that log's name. Signatures of other keys are ignored; a bad one of a
    known key refuses the note. *verifier* makes of a key what verifies with it.
    """
    note = Note.parse(data)
    message = note.text.encode()
    checkpoint = Checkpoint.parse(note.text)
    known = {(key.name, key.key_id): key for key in [*(log.key for log in policy.logs), *logs]}
    watching = {(one.key.name, one.key.key_id): one.key for one in policy.witnesses}
    signed: list[VerifierKey] = []
    cosigned: dict[VerifierKey, int] = {}
    for line in note.signatures:
        named = (line.name, line.key_id)
        if key := known.get(named):
            verifier(key).verify(message, line.signature)
            signed.append(key)
        elif key := watching.get(named):
            time = check_cosignature(note.text, line, verifier(key))
            cosigned[key] = max(time, cosigned.get(key, 0))
    by = next((key for key in signed if key.name == checkpoint.origin), None)
    if by is None:
        raise ProofError("checkpoint: no log of the policy signed it under its own origin")
    if lacking := policy.lacking(cosigned.keys()):
        count = f"{len(cosigned)} of {len(policy.witnesses)} witnesses cosigned it"
        raise ProofError(f"checkpoint: {count}, which is no quorum; {lacking}")
    return Opened(checkpoint, by, cosigned)
