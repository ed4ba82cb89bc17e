"""Reads a brand's folder: `brand.toml` and the templates it names, into one `Brand` or none.

Nothing half right is ever returned: `load` gives a brand in which every check holds, or raises
with all that is wrong.
"""

import tomllib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from msgspec import structs

from reciprocity.brand.checks import check
from reciprocity.brand.declared import TRANSPORT_FILES, Brand, BrandStatement, Controller, Transport
from reciprocity.brand.draft import Draft, messages, read_draft
from reciprocity.brand.layout import BrandTable, CampaignTable, ChannelTable, MessageTable
from reciprocity.brand.own import own_purposes
from reciprocity.brand.paths import locate, read_inside, read_text
from reciprocity.brand.reader import Findings, join
from reciprocity.errors import InputError
from reciprocity.model import Campaign, Channel, Message

__all__ = ["FILE_NAME", "Checker", "load", "problems"]

FILE_NAME: Final = "brand.toml"

Checker = Callable[[Brand], Iterable[str]]
"""A later chapter's look at a brand: gives a line `KEY: what is wrong` for each problem.

It may see a brand in which a check of this chapter failed, so it takes no reference for granted.
"""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def load(folder: Path, checkers: Iterable[Checker] = ()) -> Brand:
    """The brand that *folder* declares, with every check held.

    *checkers* are the checks of chapters that this one may not import. Raises `InputError`, whose
    `problems` are all that is wrong, each with file, key and what was expected.
    """
    brand, found = _read(folder, checkers)
    if brand is None or found:
        raise InputError(found[0], found)
    return brand


def problems(folder: Path, checkers: Iterable[Checker] = ()) -> tuple[str, ...]:
    """All that is wrong with the brand in *folder*; nothing, if `load` would return it."""
    return _read(folder, checkers)[1]


def _read(folder: Path, checkers: Iterable[Checker]) -> tuple[Brand | None, tuple[str, ...]]:
    """The brand, unless some part could not be read, and all that is wrong."""
    try:
        home = locate(folder, ".")
        table = _parse(home)
    except InputError as error:
        return None, (f"{FILE_NAME}: {error}",)
    findings = Findings()
    draft = read_draft(table, findings)
    whole = not findings.noted
    check(draft, findings)
    local = _local_paths(draft, home, findings)
    texts = _texts(draft, home, findings)
    brand = _assemble(draft, home, local, texts) if whole else None
    lines = list(findings.noted)
    if brand is not None:
        lines.extend(line for checker in checkers for line in checker(brand))
    return brand, tuple(f"{FILE_NAME}: {line}" for line in lines)


def _parse(home: Path) -> dict[str, Any]:
    """The brand file of the folder *home* as plain tables; raises `InputError` if it is none."""
    if not (home / FILE_NAME).exists():
        raise InputError("the file is missing; `reciprocity init DIR` writes one to start from")
    try:
        return tomllib.loads(read_text(home / FILE_NAME))
    except (ValueError, RecursionError) as error:
        raise InputError(f"the file is not TOML: {error}") from error


def _local_paths(draft: Draft, home: Path, findings: Findings) -> dict[str, Path]:
    """What lies where, by key; a path that cannot be is noted and left out."""
    named = {"keys.master_key": draft.keys.master_key}
    if draft.safekeeping is not None:
        named["safekeeping.path"] = draft.safekeeping.path
    if draft.witnesses.policy:
        named["witnesses.policy"] = draft.witnesses.policy
    for name, told in draft.transports.items():
        for part in TRANSPORT_FILES:
            if getattr(told, part):
                named[f"{join('transports', name)}.{part}"] = getattr(told, part)
    found: dict[str, Path] = {}
    for key, path in named.items():
        try:
            found[key] = locate(home, path)
        except InputError as error:
            findings.add(key, str(error))
    if found.get("safekeeping.path", home.parent).is_relative_to(home):
        findings.add("safekeeping.path", "lies inside the folder of the brand, and would be lost "
                     "or restored together with it; expected a place outside")  # fmt: skip
    return found


def _texts(draft: Draft, home: Path, findings: Findings) -> dict[str, str]:
    """The templates by key (`....text` and `....html`), from the brand file or files beside it."""
    found: dict[str, str] = {}
    for key, _, message in messages(draft):
        for part in ("text", "html"):
            inline, path = getattr(message, part), getattr(message, f"{part}_file")
            if inline and path:
                findings.add(f"{key}.{part}", f"stands beside {part}_file; expected one of them")
            try:
                template = read_inside(home, path) if path else inline
            except InputError as error:
                findings.add(f"{key}.{part}_file", str(error))
                continue
            found[f"{key}.{part}"] = template
            if part == "text" and not template.strip():
                findings.add(f"{key}.text", "found nothing to say; expected text or text_file")
    return found


def _assemble(
    draft: Draft, home: Path, local: dict[str, Path], texts: dict[str, str]
) -> Brand | None:
    """The brand, if every part of it was found; a part that is missing has its problem noted."""
    if draft.brand is None or draft.controller is None:
        return None
    try:
        return Brand(
            folder=home,
            statement=_statement(draft, draft.brand, draft.controller),
            campaigns={
                name: _campaign(told, join("campaigns", name), texts)
                for name, told in draft.campaigns.items()
            },
            transports={
                name: _transport(told, join("transports", name), local)
                for name, told in draft.transports.items()
            },
            safekeeping=local["safekeeping.path"],
            master_key=local["keys.master_key"],
            base_url=draft.brand.base_url,
            witness_policy=local["witnesses.policy"] if draft.witnesses.policy else None,
        )
    except KeyError:
        return None


def _statement(draft: Draft, brand: BrandTable, controller: Controller) -> BrandStatement:
    channels = {name: _channel(told) for name, told in draft.channels.items()}
    return BrandStatement(
        id=brand.id,
        name=brand.name,
        domain=brand.domain,
        language=brand.language,
        time_zone=brand.time_zone,
        controller=controller,
        laws=brand.laws,
        everyone_at_least=brand.everyone_at_least,
        purposes={**draft.purposes, **own_purposes(brand.language, channels)},
        behaviours=draft.behaviours,
        topics=draft.topics,
        attributes=draft.attributes,
        notices=draft.notices,
        propositions=draft.propositions,
        channels=channels,
        rules=draft.rules,
        origins=draft.site.origins,
    )


def _channel(told: ChannelTable) -> Channel:
    return Channel(
        title=told.title,
        kind=told.kind,
        sender=told.sender,
        cap_7_days=told.cap_7_days,
        cap_30_days=told.cap_30_days,
        quiet_from=_minute(told.quiet_from),
        quiet_until=_minute(told.quiet_until),
    )


def _minute(clock: str) -> int:
    """The minute of the day of a time as the file writes it.

    >>> _minute("21:30")
    1290
    """
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)


def _transport(told: Transport, key: str, local: dict[str, Path]) -> Transport:
    """*told* with whole paths."""
    whole = {part: str(local[f"{key}.{part}"]) for part in TRANSPORT_FILES if getattr(told, part)}
    return structs.replace(told, **whole)


def _campaign(told: CampaignTable, key: str, texts: dict[str, str]) -> Campaign:
    return Campaign(
        title=told.title,
        opens=_instant(told.opens),
        closes=_instant(told.closes),
        limit=told.limit,
        messages={
            name: _message(message, join(f"{key}.messages", name), texts)
            for name, message in told.messages.items()
        },
    )


def _message(told: MessageTable, key: str, texts: dict[str, str]) -> Message:
    return Message(
        purpose=told.purpose,
        channel=told.channel,
        subject=told.subject,
        text=texts[f"{key}.text"],
        html=texts[f"{key}.html"],
        topics=told.topics,
        requires=told.requires,
        audience=told.audience,
        place=told.place or "",
    )


def _instant(moment: datetime) -> int:
    """Whole milliseconds since 1970, exactly: a float would round."""
    return (moment - _EPOCH) // _MILLISECOND
