"""What a person told: attribute values as the brand declares them, told, corrected or taken back.

One sealed blob a person. History holds only a commitment to the values and which of them are
shared for which purpose, so a value can be corrected or destroyed without touching history.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from msgspec.structs import replace

from reciprocity.brand import BrandStatement
from reciprocity.errors import Conflict, InputError
from reciprocity.events import Act
from reciprocity.journal.entry import Appended, Entry
from reciprocity.journal.journal import Journal
from reciprocity.model import Attribute, AttributeType, Profile

__all__ = [
    "GREATEST",
    "Value",
    "check_shared",
    "check_value",
    "expected_value",
    "set_attributes",
    "told_at",
    "told_in",
    "with_attributes",
]

Value = int | bool | str
GREATEST: Final = 2**53 - 1


def check_value(name: str, told: Attribute, value: Value) -> Value:
    """*value*, if the attribute *name* may take it; else raises `InputError` without showing it.

    >>> shop = Attribute(title="Visits", type=AttributeType.INTEGER, minimum=0)
    >>> check_value("visits", shop, 3)
    3
    >>> check_value("visits", shop, True)
    Traceback (most recent call last):
    reciprocity.errors.InputError: attribute 'visits' takes a whole number from 0
    """
    if not _fits(told, value):
        raise InputError(f"attribute {name!r} takes {expected_value(told)}")
    return value


def _fits(told: Attribute, value: Value) -> bool:
    match told.type:
        case AttributeType.BOOLEAN:
            return isinstance(value, bool)
        case AttributeType.INTEGER:
            least = -GREATEST if told.minimum is None else told.minimum
            most = GREATEST if told.maximum is None else told.maximum
            return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
        case AttributeType.ENUM:
            return isinstance(value, str) and value in told.values
        case AttributeType.DAY:
            return isinstance(value, str) and _is_day(value)


def _is_day(text: str) -> bool:
    """Is it a day as the vault writes it, `YYYY-MM-DD`?"""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def expected_value(told: Attribute) -> str:
    """What the attribute takes, in words."""
    match told.type:
        case AttributeType.BOOLEAN:
            return "true or false"
        case AttributeType.INTEGER:
            least = "" if told.minimum is None else f" from {told.minimum}"
            most = "" if told.maximum is None else f" to {told.maximum}"
            return f"a whole number{least}{most}"
        case AttributeType.ENUM:
            return "one of " + ", ".join(map(repr, told.values))
        case AttributeType.DAY:
            return "a day, YYYY-MM-DD"


def check_shared(statement: BrandStatement, shared: Mapping[str, Sequence[str]]) -> None:
    """Raise `InputError` unless each purpose is declared and declares what is shared for it."""
    problems = []
    for purpose, names in shared.items():
        declared = statement.purposes.get(purpose)
        if declared is None:
            problems.append(f"purpose {purpose!r} is not declared: the brand file lists them")
            continue
        problems += [
            f"attribute {name!r} is not declared for purpose {purpose!r}: see its `attributes`"
            for name in names
            if name not in declared.attributes
        ]
    if problems:
        raise InputError(problems[0], tuple(problems))


def set_attributes(
    journal: Journal,
    statement: BrandStatement,
    slot: int,
    values: Mapping[str, Value | None],
    *,
    shared: Mapping[str, Sequence[str]] | None = None,
    actor: str,
    method: str = "attributes",
    act_id: str = "",
) -> Appended | None:
    """Set *values* (None takes one back) and, per purpose, what is *shared* for it from now on.

    *shared* says all that is shared for a purpose, not what comes on top; an empty list shares
    nothing. What is not named stays. None if nothing changes. Raises `InputError`, listing all
    that is wrong, for what the brand does not declare; `Conflict` if history moved on meanwhile.
    """
    _check_values(statement, values)
    check_shared(statement, shared or {})
    kept = journal.kept(slot)
    if kept is None:
        raise Conflict("person is not known here: register them first")
    profile = journal.profile(slot)
    version = kept.standing.version + 1
    after = with_attributes(profile, values, version)
    stands = kept.standing.wishes.shared
    told = {purpose: tuple(sorted(set(names))) for purpose, names in (shared or {}).items()}
    told = {purpose: names for purpose, names in told.items() if stands.get(purpose) != names}
    if after is profile and not told:
        return None
    entry = Entry(
        kind="profile.set",
        body=Act(
            actor=actor, method=method, shared=told or None, told=told_at(after, profile, version)
        ),
        slot=slot,
        expect=kept.standing.version,
        profile=after,
        act_id=act_id,
    )
    return journal.append([entry])[0]


def with_attributes(profile: Profile, values: Mapping[str, Value | None], version: int) -> Profile:
    """*profile* after event *version* told *values* (None takes one back); itself if none is new.

    Each value remembers the event that told it, and one that was taken back the event that did:
    a file must not correct what a person said, nor bring back what they took away.
    """
    fresh = {name: value for name, value in values.items() if profile.attributes.get(name) != value}
    if not fresh:
        return profile
    merged = {**profile.attributes, **fresh}
    return replace(
        profile,
        attributes={name: value for name, value in merged.items() if value is not None},
        since={**profile.since, **dict.fromkeys(fresh, version)},
    )


def told_at(after: Profile, before: Profile, version: int) -> tuple[str, ...]:
    """The names of what event *version* told, corrected or took back."""
    if after is before:
        return ()
    return tuple(sorted(name for name, at in after.since.items() if at == version))


def told_in(profile: Profile, name: str) -> int:
    """The version of the event that told *name*, or took it back; 0 if none did."""
    if name in profile.since:
        return profile.since[name]
    return 1 if name in profile.attributes else 0


def _check_values(statement: BrandStatement, values: Mapping[str, Value | None]) -> None:
    problems = []
    for name, value in values.items():
        declared = statement.attributes.get(name)
        if declared is None:
            problems.append(f"attribute {name!r} is not declared: the brand file lists them")
        elif value is not None and not _fits(declared, value):
            problems.append(f"attribute {name!r} takes {expected_value(declared)}")
    if problems:
        raise InputError(problems[0], tuple(problems))
