"""What the brand file and the law packs that a delivery names ask for, read strictly."""

from collections.abc import Sequence
from typing import Final

from reciprocity.errors import ProofError
from reciprocity.prove.verify.entry import Json, number_or, text, text_or

__all__ = ["Terms"]

_VALIDITY_DAYS: Final = 730
_LONGEST_DAYS: Final = 36_500
_CAP_7, _CAP_30 = 7, 30
_PAIR: Final = 2


class Terms:
    """The purposes of a brand file, as the law packs leave them."""

    def __init__(self, brand: Json, packs: Sequence[Json], what: str) -> None:
        """Read *brand* and *packs* as deliveries need them; *what* names the delivery."""
        self._what = what
        self._purposes = self._objects(brand, "purposes")
        self._channels = self._objects(brand, "channels")
        self.everyone_at_least = number_or(brand, "everyone_at_least", 0, f"{what}, brand file")
        self._packs = packs
        self._law_age, self._law_days = 0, _LONGEST_DAYS
        self._forbids = set[tuple[str, str]]()
        for pack in packs:
            self._read(pack, f"{what}, law pack")

    def _objects(self, brand: Json, name: str) -> Json:
        value = brand.get(name)
        if not isinstance(value, dict):
            raise ProofError(f"{self._what}: the brand file it names has no {name}")
        return value

    def _read(self, pack: Json, what: str) -> None:
        days = number_or(pack, "maximum_validity_days", _LONGEST_DAYS, what)
        self._law_age = max(self._law_age, number_or(pack, "minimum_age", 0, what))
        self._law_days = min(self._law_days, days)
        forbids = pack.get("forbids", [])
        if not isinstance(forbids, list):
            raise ProofError(f"{what}: forbids is no list")
        for pair in forbids:
            if not isinstance(pair, list) or len(pair) != _PAIR:
                raise ProofError(f"{what}: forbids what is no pair of channel and basis")
            kind, basis = pair
            if not isinstance(kind, str) or not isinstance(basis, str):
                raise ProofError(f"{what}: forbids what is no pair of channel and basis")
            self._forbids.add((kind, basis))

    def _purpose(self, name: str) -> Json:
        told = self._purposes.get(name)
        if not isinstance(told, dict):
            raise ProofError(f"{self._what}: is for a purpose that the brand file does not have")
        return told

    def basis(self, purpose: str) -> str:
        """The ground in law of *purpose*."""
        return text_or(self._purpose(purpose), "basis", "consent", self._what)

    def minimum_age(self, purpose: str) -> int:
        """How old a person must be for *purpose*: by the brand or by law, whichever is more."""
        return max(number_or(self._purpose(purpose), "minimum_age", 0, self._what), self._law_age)

    def validity_days(self, purpose: str) -> int:
        """How long a yes to *purpose* lives: by the brand or by law, whichever is less."""
        told = number_or(self._purpose(purpose), "validity_days", _VALIDITY_DAYS, self._what)
        return min(told, self._law_days)

    def _channel(self, name: str) -> Json:
        told = self._channels.get(name)
        if not isinstance(told, dict):
            raise ProofError(f"{self._what}: is for a channel that the brand file does not have")
        return told

    def allows(self, channel: str, basis: str) -> bool:
        """Does no law forbid *basis* on this kind of channel?"""
        kind = text(self._channel(channel), "kind", self._what)
        return (kind, basis) not in self._forbids

    def caps(self, channel: str) -> tuple[int, int]:
        """The brand's own caps on *channel*, in 7 and in 30 days."""
        told = self._channel(channel)
        return (
            number_or(told, "cap_7_days", _CAP_7, self._what),
            number_or(told, "cap_30_days", _CAP_30, self._what),
        )

    def quiet(self, channel: str) -> tuple[int, int]:
        """The brand's own quiet time on *channel*."""
        told = self._channel(channel)
        return (
            number_or(told, "quiet_from", 0, self._what),
            number_or(told, "quiet_until", 0, self._what),
        )

    def above(self, purpose: str) -> list[str]:
        """The purposes above *purpose*, nearest first."""
        found: dict[str, None] = {}
        while (parent := self._parent(purpose)) and parent not in found:
            found[parent] = None
            purpose = parent
        return list(found)

    def _parent(self, purpose: str) -> str:
        if purpose not in self._purposes:
            return ""
        told = self._purposes[purpose]
        if not isinstance(told, dict):
            raise ProofError(f"{self._what}: the brand file has a purpose that is no object")
        return text_or(told, "parent", "", self._what)
