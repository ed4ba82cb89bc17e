"""What a decision could see of a person's attributes at any point of their history.

History holds no values, only when they were told, and the vault holds today's. So a value told
later than the instant that is looked at reads as unknown, unless an attempt of that time recorded
what was seen.
"""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence

from reciprocity.decide.facts import POSITIONS
from reciprocity.deliver.course import Key
from reciprocity.deliver.planned import Stood
from reciprocity.events import Act, Attempt
from reciprocity.journal.leaf import Told
from reciprocity.model import Profile

__all__ = ["Values"]

_KNOWN = POSITIONS["attributes_known"]


class Values:
    """The attribute values of one person, by the version of their history."""

    def __init__(
        self, profile: Profile, history: Sequence[Told], supposed: Collection[str] = ()
    ) -> None:
        """Those of *profile*; the ones *supposed* to be shared count as told from the beginning."""
        since = {name: profile.since.get(name, 1) for name in profile.attributes}
        self._values = profile.attributes
        self._since = since | dict.fromkeys(supposed & since.keys(), 0)
        self._tellings: list[int] = []
        self._seen: dict[tuple[Stood, Key, int], tuple[bool, int]] = {}
        self._told_by: dict[int, Mapping[str, object]] = {}
        for told in history:
            body = told.body
            if isinstance(body, Act) and body.told:
                self._tellings.append(told.version)
            elif isinstance(body, Attempt):
                key = body.occasion, body.message
                saw = body.facts[_KNOWN : _KNOWN + 1] == (1,), body.atoms
                self._seen[body.stated, key, self._telling(told.version)] = saw

    def _telling(self, version: int) -> int:
        """How many times attributes had been told at *version*: between two, none changes."""
        return bisect_right(self._tellings, version)

    def at(self, version: int) -> Mapping[str, object]:
        """The values known to be those that stood at *version*."""
        telling = self._telling(version)
        if telling not in self._told_by:
            self._told_by[telling] = {
                name: value for name, value in self._values.items() if self._since[name] <= version
            }
        return self._told_by[telling]

    def seen(self, stated: Stood, key: Key, version: int) -> tuple[bool, int] | None:
        """Were all attributes known, and the atoms, as an attempt of that time recorded them."""
        return self._seen.get((stated, key, self._telling(version)))
