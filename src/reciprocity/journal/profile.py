"""A person's vault blob: sealed under the vault key; and the commitments that events hold of it.

An event must show which value it was about without holding it: it holds a keyed hash. With the
vault key (or the value and its opening) the hash can be checked; without, it tells nothing.
"""

from base64 import urlsafe_b64encode
from functools import lru_cache
from typing import Final

import msgspec
from msgspec.structs import replace

from reciprocity.errors import Damaged, InputError
from reciprocity.events import Act, canonical
from reciprocity.keys import KeyPair, commit, open_sealed, seal
from reciprocity.model import Id, Profile

__all__ = [
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
_LATEST: Final = 2**53


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
            and all(-_LATEST < each < _LATEST for each in attributes.values() if type(each) is int)
            and all(map(_is_id, points))
            and all(map(_is_id, attributes))
        ):
            raise TypeError("it holds more than ids with texts, yes or no, and numbers")
        return canonical(profile)
    except (AttributeError, TypeError, ValueError) as error:
        raise InputError(f"profile cannot be written: {error}") from error


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


def point_commitment(vault: KeyPair, channel: str, address: str) -> str:
    """The 24 characters an event holds of a contact point's value."""
    return _short(commit(vault.commit, b"point\0" + channel.encode() + b"\0" + address.encode()))


def profile_commitment(vault: KeyPair, profile: Profile) -> str:
    """The 24 characters an event holds of all attribute values."""
    return _short(commit(vault.commit, b"attributes\0" + canonical(profile.attributes)))


def committed(act: Act, vault: KeyPair, profile: Profile, suppressed: frozenset[str]) -> Act:
    """*act* with the commitments to what *profile* holds of its new points and its attributes.

    *suppressed* are the channels whose new point is on the suppression list.
    """
    points = tuple([
        point
        if point.point or point.channel not in profile.points
        else replace(
            point,
            commitment=point_commitment(vault, point.channel, profile.points[point.channel]),
            suppressed=point.suppressed or point.channel in suppressed,
        )
        for point in act.points
    ])  # fmt: skip
    values = profile_commitment(vault, profile) if profile.attributes else ""
    return replace(act, points=points, profile=values)
