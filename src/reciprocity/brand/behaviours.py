"""What a brand file may say of behaviours: which events are which, and what is kept of each."""

from collections import Counter
from typing import Final

from reciprocity.brand.draft import Draft
from reciprocity.brand.plausible import is_one_line
from reciprocity.brand.reader import Findings, join

__all__ = ["check_behaviours"]

_LONGEST_NAME: Final = 100


def check_behaviours(draft: Draft, findings: Findings) -> None:
    """An event belongs to one behaviour, so that one yes decides on it."""
    names = Counter(name for told in draft.behaviours.values() for name in set(told.events))
    for behaviour, told in draft.behaviours.items():
        key = join("behaviours", behaviour)
        for table in ("events", "fields"):
            given = getattr(told, table)
            for name in given:
                if not name.strip() or not is_one_line(name) or len(name) > _LONGEST_NAME:
                    expected = f"one line of 1 to {_LONGEST_NAME} characters"
                    findings.add(f"{key}.{table}", f"found {name[:64]!r}, expected {expected}")
            if len(set(given)) < len(given):
                findings.add(f"{key}.{table}", "names one twice, expected each once")
        for name in told.events:
            if names[name] > 1:
                findings.add(
                    f"{key}.events",
                    f"{name!r} is an event of {names[name]} behaviours; expected one, whose yes "
                    "decides on it",
                )
        if told.fields and not told.events:
            findings.add(f"{key}.fields", "found some, but no events of which they could be kept")
