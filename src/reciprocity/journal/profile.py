"""A person's vault blob: sealed under the vault key; and the commitments that events hold of it.

An event must show which value it was about without holding it: it holds a keyed hash. With the
value and its opening the hash can be checked; without, it tells nothing. Each value has an opening
of its own, so that one can be shown and no other is.
"""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256, shake_256
from typing import Final

import msgspec
from msgspec.structs import replace

from reciprocity.errors import Damaged, InputError
from reciprocity.events import Act, canonical
from reciprocity.journal.entry import LATEST
from reciprocity.keys import KeyPair, commit, open_sealed, seal
from reciprocity.model import Id, Profile

__all__ = [
    "attribute_commitments",
    "committed",
    "open_profile",
    "point_commitment",
    "profile_commitment",
    "profile_text",
    "seal_profile",
]

_decoder: Final = msgspec.json.Decoder(Profile)
_TEXT: Final = {str}
_VALUES: Final = frozenset({str, bool, int})


def profile_text(profile: Profile) -> bytes:
    """The JSON of *profile*; raises `InputError` if it would not read back as what it is.

    msgspec checks shapes when it reads, not when a record is made; checked by hand, this costs a
    quarter of reading the text back.
    """
    points, attributes = profile.points, profile.attributes
    try:
        if not (
            {type(profile.external_id), *map(type, points.values())} == _TEXT
            and _VALUES.issuperset(map(type, attributes.values()))
            and all(-LATEST < each < LATEST for each in attributes.values() if type(each) is int)
            and all(map(_is_id, points))
            and all(map(_is_id, attributes))
            and (not profile.since or _ages(profile.since))
        ):
            raise TypeError("it holds more than ids with texts, yes or no, and numbers")
        return canonical(profile)
    except (AttributeError, TypeError, ValueError) as error:
        raise InputError(f"profile cannot be written: {error}") from error


def _ages(since: Mapping[str, int]) -> bool:
    return all(_is_id(name) and type(at) is int and at > 0 for name, at in since.items())


@lru_cache(maxsize=4_096)
def _is_id(text: str) -> bool:
    """Is it the name of a channel or an attribute? A brand has few of them."""
    try:
        msgspec.convert(text, Id)
    except msgspec.ValidationError:
        return False
    return True


def seal_profile(vault: KeyPair, slot: int, text: bytes) -> bytes:
    """A profile, as `profile_text` wrote it, as the vault keeps it."""
    return seal(vault.seal, text, b"vault/%d" % slot)


def open_profile(vault: KeyPair, slot: int, sealed: bytes) -> Profile:
    """The profile in *sealed*; raises `Damaged` when it is not this person's."""
    try:
        return _decoder.decode(open_sealed(vault.seal, sealed, b"vault/%d" % slot))
    except msgspec.MsgspecError as error:
        raise Damaged(f"profile of slot {slot} has another shape: restore a backup") from error


def _short(digest: bytes) -> str:
    return urlsafe_b64encode(digest[:18]).decode()


def _opening(vault: KeyPair, use: str, version: int) -> bytes:
    return commit(vault.commit, use.encode() + b"\0" + version.to_bytes(8, "big"))


def point_commitment(vault: KeyPair, channel: str, version: int, address: str) -> str:
    """The 24 characters that event *version* holds of the contact point it brings.

    HMAC-SHA-256 of the address under an opening of its own, so that this one can be shown to
    somebody without giving away any other.
    """
    return _short(commit(_opening(vault, f"point\0{channel}", version), address.encode()))


def attribute_commitments(
    vault: KeyPair, version: int, attributes: Mapping[str, object]
) -> dict[str, tuple[bytes, bytes]]:
    """Of each attribute, by name, its opening and SHA-256(opening || JSON of the value).

    The openings are 32 bytes each of one SHAKE-256 stream, in the order of the names.
    """
    names = sorted(attributes)
    stream = shake_256(_opening(vault, "attributes", version)).digest(32 * (len(names) + 1))
    return {
        name: (opening, sha256(opening + canonical(attributes[name])).digest())
        for place, name in enumerate(names, 1)
        if (opening := stream[32 * place : 32 * place + 32])
    }


def profile_commitment(vault: KeyPair, version: int, attributes: Mapping[str, object]) -> str:
    """The 24 characters that event *version* holds of all attribute values, none included.

    The SHA-256 of the stream's first 32 bytes and then, for each attribute in the order of the
    names, name, NUL and commitment: one value is shown by its opening and the others' commitments.
    """
    first = shake_256(_opening(vault, "attributes", version)).digest(32)
    each = attribute_commitments(vault, version, attributes).items()
    return _short(sha256(first + b"".join(
        [name.encode() + b"\0" + made for name, (_, made) in each]
    )).digest())  # fmt: skip


def committed(
    act: Act, vault: KeyPair, version: int, profile: Profile, suppressed: frozenset[str]
) -> Act:
    """*act*, to be event *version*, with commitments to its new points and to all attributes.

    *suppressed* are the channels whose new point is on the suppression list. A first event tells
    all attributes there are.
    """
    points = tuple([
        point
        if point.point or point.channel not in profile.points
        else replace(
            point,
            commitment=point_commitment(
                vault, point.channel, version, profile.points[point.channel]
            ),
            suppressed=point.suppressed or point.channel in suppressed,
        )
        for point in act.points
    ])  # fmt: skip
    told = tuple(sorted(profile.attributes)) if version == 1 else act.told
    values = profile_commitment(vault, version, profile.attributes) if told else ""
    return replace(act, points=points, told=told, profile=values)
