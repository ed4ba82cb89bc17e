"""What all verification starts from: strict JSON, the leaf of an event, the keys to believe."""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final, cast

from reciprocity.errors import InputError, ProofError
from reciprocity.tlog.merkle import HASH_BYTES, check_inclusion, hash_leaf
from reciprocity.tlog.note import ED25519, Checkpoint, VerifierKey, open_checkpoint
from reciprocity.tlog.policy import Policy, open_cosigned
from reciprocity.tlog.signing import LogVerifier

__all__ = [
    "BLANKS",
    "Entry",
    "Json",
    "check_entry",
    "check_leaf",
    "check_public",
    "flag",
    "from_base64",
    "from_hex",
    "hashes_of",
    "keys_from",
    "leaf_of",
    "listed_in",
    "newer",
    "number",
    "number_or",
    "open_under",
    "read_json",
    "text",
    "text_or",
    "utf8",
]

Json = Mapping[str, object]
"""A JSON object."""
Entry = tuple[Json, int, bytes]
"""An event that is in the log: what it says, its index, its leaf hash."""

BLANKS: Final = "".join(
    chr(point)
    for point in (
        *range(0x09, 0x0E), *range(0x1C, 0x21), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B),
        0x2028, 0x2029, 0x202F, 0x205F, 0x3000,
    )
)  # fmt: skip
"""White space, as docs/reference/proof-formats.md lists it, whatever a later Unicode adds."""
MOST_BYTES: Final = 1 << 28
MOST_NUMBER: Final = 2**53
MOST_DEPTH: Final = 200
CLEAR_BYTES: Final = 16_384
_PERSONAL, _BRAND, _CLEAR, _HASHED = b"\x01", b"\x02", b"\x03", b"\x04"


def read_json(data: bytes | str, what: str, fields: Sequence[str] = ()) -> Json:
    """The JSON object in *data*; with *fields*, exactly those.

    Refuses what two readers could take differently: a key twice, a fraction, a number of 2**53 or
    more, text that is not UTF-8, more than 200 objects and lists one in the other.
    """
    if len(data) > MOST_BYTES:
        raise ProofError(f"{what}: {len(data)} bytes, at most {MOST_BYTES} are read")
    try:
        said = json.loads(
            data if isinstance(data, str) else data.decode(),
            object_pairs_hook=_no_key_twice,
            parse_float=_no_number,
            parse_constant=_no_number,
            parse_int=_whole,
        )
    except (ValueError, RecursionError) as error:
        raise ProofError(f"{what}: is not the JSON expected ({error})") from error
    if not isinstance(said, dict):
        raise ProofError(f"{what}: is no JSON object")
    if _depth(said) > MOST_DEPTH:
        raise ProofError(f"{what}: is not the JSON expected (nested too deep)")
    if fields and said.keys() != set(fields):
        odd = sorted(said.keys() ^ set(fields))
        raise ProofError(f"{what}: expected exactly {', '.join(fields)}; differing: {odd}")
    return said


def _no_key_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands there twice")
    return found


def _depth(said: object) -> int:
    """How many objects and lists stand one in the other."""
    depth, row = 0, [said]
    while row := [one for one in row if isinstance(one, dict | list)]:
        depth += 1
        row = [inner for one in row for inner in (one.values() if isinstance(one, dict) else one)]
    return depth


def _no_number(spelled: str) -> object:
    raise ValueError(f"{spelled[:20]} is no whole number")


def _whole(spelled: str) -> int:
    if len(spelled) > len("-9007199254740991") or abs(int(spelled)) >= MOST_NUMBER:
        raise ValueError("a number of 2^53 or more")
    return int(spelled)


def text(said: Json, name: str, what: str) -> str:
    """The text under *name*; refuses anything else."""
    value = said.get(name)
    if not isinstance(value, str):
        raise ProofError(f"{what}: {name} is no text")
    return value


def utf8(said: Json, name: str, what: str) -> bytes:
    """The text under *name* as bytes; refuses what has half a character in it, and no text."""
    try:
        return text(said, name, what).encode()
    except UnicodeEncodeError as error:
        raise ProofError(f"{what}: its {name} cannot be written as UTF-8") from error


def text_or(said: Json, name: str, default: str, what: str) -> str:
    """The text under *name*, or *default* where there is nothing; refuses anything else."""
    return text(said, name, what) if name in said else default


def number(said: Json, name: str, what: str, least: int = 0) -> int:
    """The whole number under *name*, at least *least*; refuses anything else."""
    value = said.get(name)
    if type(value) is not int or value < least:
        raise ProofError(f"{what}: {name} is no whole number from {least}")
    return value


def number_or(said: Json, name: str, default: int, what: str) -> int:
    """The whole number from 0 under *name*, or *default* where there is nothing."""
    return number(said, name, what) if name in said else default


def flag(said: Json, name: str, what: str) -> bool:
    """The yes or no under *name*, no where there is nothing; refuses anything else."""
    value = said.get(name, False)
    if not isinstance(value, bool):
        raise ProofError(f"{what}: {name} is neither true nor false")
    return value


def listed_in(said: Json, name: str, what: str) -> list[Json]:
    """The list of objects under *name*, empty where there is nothing; refuses anything else."""
    value = said.get(name, [])
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise ProofError(f"{what}: {name} is no list of objects")
    return value


def newer(what: str, event: Json) -> ProofError:
    """What to raise for an *event* of a kind or version that is not known here."""
    return ProofError(
        f"{what}: {event['kind']!r} version {event['v']} is not known here: "
        "it was made by a newer release, get a newer verifier"
    )


def from_base64(spelled: str, what: str, size: int = HASH_BYTES) -> bytes:
    """The *size* bytes that *spelled* stands for, in the one canonical spelling."""
    try:
        data = b64decode(spelled, validate=True)
    except ValueError as error:
        raise ProofError(f"{what}: not base64") from error
    if len(data) != size or b64encode(data).decode() != spelled:
        raise ProofError(f"{what}: not the base64 of {size} bytes in its canonical spelling")
    return data


def from_hex(spelled: str, what: str) -> bytes:
    """The hash that *spelled* stands for, in hex of small letters."""
    try:
        data = bytes.fromhex(spelled)
    except ValueError as error:
        raise ProofError(f"{what}: not hex") from error
    if len(data) != HASH_BYTES or data.hex() != spelled:
        raise ProofError(f"{what}: not the hex of {HASH_BYTES} bytes in small letters")
    return data


def hashes_of(said: Json, name: str, what: str) -> list[bytes]:
    """The list of hashes under *name*."""
    listed = said.get(name)
    if not isinstance(listed, list) or len(listed) > MOST_NUMBER.bit_length():
        raise ProofError(f"{what}: {name} is no list of hashes")
    return [from_base64(one if isinstance(one, str) else "", f"{what} {name}") for one in listed]


def leaf_of(event: str, salt: bytes, what: str = "event") -> tuple[Json, bytes]:
    """What *event* says, and the leaf that it makes with *salt* (empty for a public event)."""
    said = read_json(event, what)
    try:
        encoded = event.encode()
        canonical = json.dumps(
            said, sort_keys=True, separators=(",", ":"), ensure_ascii=False
        ).encode()
    except ValueError as error:
        raise ProofError(f"{what}: cannot be written as UTF-8") from error
    if canonical != encoded:
        raise ProofError(f"{what}: is not in its one canonical spelling")
    for name in ("kind", "at", "v", "happened_at"):
        _ = text(said, name, what) if name == "kind" else number(said, name, what)
    if not isinstance(said.get("body"), dict):
        raise ProofError(f"{what}: has no body")
    personal = "version" in said
    if personal != ("slot" in said):
        raise ProofError(f"{what}: has a slot without a version, or the other way about")
    if personal or salt:
        if len(salt) != HASH_BYTES:
            raise ProofError(f"{what}: its salt is {len(salt)} bytes, expected {HASH_BYTES}")
        return said, (_PERSONAL if personal else _BRAND) + sha256(salt + encoded).digest()
    if len(encoded) < CLEAR_BYTES:
        return said, _CLEAR + encoded
    return said, _HASHED + sha256(encoded).digest()


def check_leaf(said: Json, what: str) -> tuple[Json, bytes]:
    """What the event in *said* (`event`, `salt`) says, and its leaf hash."""
    spelled = text(said, "salt", what)
    salt = from_base64(spelled, f"{what} salt") if spelled else b""
    event, leaf = leaf_of(text(said, "event", what), salt, what)
    return event, hash_leaf(leaf)


def check_entry(said: object, checkpoint: Checkpoint, what: str) -> Entry:
    """The event in *said* (`event`, `index`, `proof`, `salt`), held to be in the log."""
    if not isinstance(said, dict) or said.keys() != {"event", "index", "proof", "salt"}:
        raise ProofError(f"{what}: expected exactly event, index, proof, salt")
    entry = cast("Json", said)
    event, leaf_hash = check_leaf(entry, what)
    index = number(entry, "index", what)
    try:
        check_inclusion(
            hashes_of(entry, "proof", what), index, leaf_hash, checkpoint.size, checkpoint.root
        )
    except ProofError as error:
        raise ProofError(f"{what}: is not in the log at index {index} ({error})") from error
    return event, index, leaf_hash


def check_public(said: object, what: str, *, clear: bool = False) -> None:
    """Hold that the entry *said* stands in the log for everyone to read; with *clear*, as text.

    An event under a salt can be read by nobody who was not given the salt, and of a long one the
    log has the hash alone.
    """
    entry = cast("Json", said)
    if text(entry, "salt", what):
        raise ProofError(f"{what}: stands under a salt, where everyone must be able to read it")
    if clear and len(utf8(entry, "event", what)) >= CLEAR_BYTES:
        raise ProofError(f"{what}: the log has its hash alone, where its text must stand")


def keys_from(spelled: Sequence[str], policy: Policy | None = None) -> list[LogVerifier]:
    """The verifiers of *spelled* keys, and of the logs that *policy* names.

    Raises `InputError` for a key that is none, and where neither names any.
    """
    logs = [LogVerifier(log.key) for log in policy.logs] if policy else []
    if not spelled and not logs:
        raise InputError("no verifier key was given: name the one that `reciprocity log key` says")
    try:
        return [*logs, *(_log_key(key.strip(BLANKS)) for key in spelled)]
    except (ProofError, ValueError) as error:
        raise InputError(
            f"verifier key is none ({error}): give the line that `reciprocity log key` prints"
        ) from error


def _log_key(spelled: str) -> LogVerifier:
    key = VerifierKey.parse(spelled)
    if key.algorithm != ED25519:
        raise ProofError("is a witness's, where the log's own belongs")
    return LogVerifier(key)


def open_under(
    note: bytes, keys: Sequence[LogVerifier], policy: Policy | None = None
) -> tuple[Checkpoint, tuple[str, ...]]:
    """The checkpoint in *note*, signed by one of *keys*, and the names of who cosigned it.

    With a *policy* its quorum of witnesses must have. Raises the last refusal if no key fits.
    """
    if policy is not None:
        opened = open_cosigned(note, policy, LogVerifier, [key.verifier_key for key in keys])
        return opened.checkpoint, tuple(key.name for key in opened.cosigned_at)
    refused = ProofError("checkpoint is not checked: no key was given")
    for key in keys:
        try:
            return open_checkpoint(note, key), ()
        except ProofError as error:
            refused = error
    raise refused
