"""People by what they are called: an address, an external id or a pseudonym leads to a slot.

The files hold none of these in clear: the blind index holds keyed hashes of canonical spellings,
the sealed profile the spelling in use. Whoever cannot be found is not known; no message here
repeats what was looked for.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple
from unicodedata import normalize

from msgspec.structs import replace

from reciprocity.brand import BrandStatement
from reciprocity.brand.plausible import is_domain, is_one_line
from reciprocity.errors import Conflict, InputError
from reciprocity.events import Act, PointSet
from reciprocity.journal.entry import Appended, Entry
from reciprocity.journal.journal import Journal
from reciprocity.keys import pseudonym_text, read_pseudonym
from reciprocity.model import Profile

__all__ = [
    "EMAIL",
    "EXTERNAL",
    "Address",
    "canonical_address",
    "canonical_external_id",
    "find",
    "pseudonym_text",
    "read_address",
    "read_pseudonym",
    "register",
    "registration",
    "set_address",
]

EMAIL: Final = "email"
"""The namespace of e-mail addresses in the blind index: the kind of their channel."""
EXTERNAL: Final = "external"
"""The namespace of external ids in the blind index."""
MOST_EXTERNAL: Final = 200
MOST_ADDRESS: Final = 254
MOST_LOCAL: Final = 64
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL: Final = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_PLAIN: Final = re.compile(
    r"[a-z0-9_+-]{1,64}(?:\.[a-z0-9_+-]{1,64})?@(?:[a-z0-9][a-z0-9-]{0,30}[a-z0-9]\.){1,3}[a-z]{2,20}"
)
_EXPECTED: Final = "expected NAME@DOMAIN in ordinary letters, up to 254 characters"


class Address(NamedTuple):
    """An address twice: *written* as mail goes to it, *canonical* as the index knows it."""

    written: str
    canonical: str


def read_address(kind: str, text: str) -> Address:
    """The address that *text* spells, for channels of *kind* (`email` is the only one yet).

    White space around it goes. The domain becomes lower-case ASCII (IDNA), since domains are the
    same in any case. The local part is written as it came, because a mail server may tell `Ann`
    from `ann`; the index does not, because no one means two people by it. It must be ASCII: not
    every mail server takes others (RFC 6531).

    >>> read_address("email", " Ann.Lee@BÜCHER.example ")
    Address(written='Ann.Lee@xn--bcher-kva.example', canonical='ann.lee@xn--bcher-kva.example')

    Raises `InputError` for anything else, without repeating it. A domain that IDNA would turn
    into another one (`ß` into `ss`) is refused: the mail would go to somebody else.
    """
    if kind != EMAIL:
        raise InputError(f"channel kind {kind!r} has no addresses here, expected {EMAIL!r}")
    if _PLAIN.fullmatch(text):  # nine in ten addresses, at a fifth of the cost
        return Address(text, text)
    local, _, domain = normalize("NFC", text.strip()).rpartition("@")
    ascii_domain = _ascii_domain(domain)
    written = f"{local}@{ascii_domain}"
    if len(local) > MOST_LOCAL or len(written) > MOST_ADDRESS or not _LOCAL.fullmatch(local):
        raise InputError(f"e-mail address is none: {_EXPECTED}")
    return Address(written, f"{local.lower()}@{ascii_domain}")


def canonical_address(kind: str, text: str) -> str:
    """The one spelling under which the index knows the address *text*; see `read_address`.

    >>> canonical_address("email", "Ann.Lee@Shop.Example")
    'ann.lee@shop.example'
    """
    return read_address(kind, text).canonical


def _ascii_domain(domain: str) -> str:
    lower = domain.lower()
    if not lower.isascii():
        try:
            encoded = lower.encode("idna")
            if encoded.decode("idna") != lower:
                raise InputError(
                    "e-mail address has a domain with a letter that stands for others: "
                    "write the domain in its `xn--` form"
                )
        except UnicodeError as error:
            raise InputError(f"e-mail address has no such domain: {_EXPECTED}") from error
        lower = encoded.decode("ascii")
    if not is_domain(lower):
        raise InputError(f"e-mail address has no such domain: {_EXPECTED}")
    return lower


def canonical_external_id(text: str) -> str:
    """The one spelling of an external id: NFC, no white space around it; its case counts.

    Raises `InputError` for one that is empty, over 200 characters, or of several lines.
    """
    found = text if text.isascii() else normalize("NFC", text)
    found = found.strip()
    if not found or len(found) > MOST_EXTERNAL or not (found.isalnum() or is_one_line(found)):
        raise InputError(f"external id is none: expected 1 to {MOST_EXTERNAL} characters, one line")
    return found


def find(journal: Journal, text: str) -> int:
    """The slot of the person called *text*: a pseudonym, an address or an external id.

    `id:TEXT` is an external id whatever it looks like. Raises `InputError` for a person who is
    not known, or no longer; the message does not say whom one asked for.
    """
    slot = _find(journal, text.strip())
    if slot is None:
        raise InputError(
            "person is not known: give an e-mail address, an external id (`id:...`) or a pseudonym "
            "(`p_...`) as `person show` prints it; an erased person is found by none"
        )
    return slot


def _find(journal: Journal, text: str) -> int | None:
    if text.startswith("id:"):
        return _find_external(journal, text[3:])
    pseudonym = read_pseudonym(text)
    if pseudonym is not None:
        slot = journal.find_pseudonym(pseudonym)
        if slot is not None:
            return slot
    if "@" in text:
        try:
            slot = journal.find(journal.digest(EMAIL, canonical_address(EMAIL, text)))
        except InputError:
            slot = None
        if slot is not None:
            return slot
    return _find_external(journal, text)


def _find_external(journal: Journal, text: str) -> int | None:
    try:
        return journal.find(journal.digest(EXTERNAL, canonical_external_id(text)))
    except InputError:
        return None


# --- becoming known, and reachable ----------------------------------------------------------------


def register(
    journal: Journal,
    statement: BrandStatement,
    *,
    actor: str,
    external_id: str = "",
    addresses: Mapping[str, str] | None = None,
    confirmed: bool = False,
    method: str = "register",
    act_id: str = "",
) -> Appended:
    """Make a person known: append what `registration` says.

    Raises `Conflict` if somebody is known by one of the names already.
    """
    entry = registration(
        journal, statement, actor=actor, external_id=external_id, addresses=addresses,
        confirmed=confirmed, method=method, act_id=act_id,
    )  # fmt: skip
    return journal.append([entry])[0]


def registration(
    journal: Journal,
    statement: BrandStatement,
    *,
    actor: str,
    external_id: str = "",
    addresses: Mapping[str, str] | None = None,
    confirmed: bool = False,
    method: str = "register",
    place: str = "",
    source: str = "",
    act_id: str = "",
) -> Entry:
    """What makes a person known by an external id, by addresses (channel to address), or by both.

    An external id alone is enough: nobody has to be reachable. Nothing is granted by it. Raises
    `InputError` for what is no name.
    """
    told = {channel: read_address(_kind(statement, channel), text)
            for channel, text in (addresses or {}).items()}  # fmt: skip
    called = canonical_external_id(external_id) if external_id else ""
    if not told and not called:
        raise InputError("person has no name here: give an external id, an address, or both")
    new = [(channel, journal.digest(_kind(statement, channel), address.canonical))
           for channel, address in told.items()]  # fmt: skip
    if called:
        new.append(("", journal.digest(EXTERNAL, called)))
    points = tuple(PointSet(channel=channel, confirmed=confirmed) for channel in sorted(told))
    return Entry(
        kind="person.registered",
        body=Act(actor=actor, method=method, place=place, source=source, points=points),
        new=tuple(new),
        profile=Profile(
            external_id=called, points={channel: told[channel].written for channel in told}
        ),
        act_id=act_id,
    )


def set_address(
    journal: Journal,
    statement: BrandStatement,
    slot: int,
    channel: str,
    text: str,
    *,
    confirmed: bool,
    actor: str,
    method: str = "address",
    act_id: str = "",
) -> Appended | None:
    """Let *text* be the person's address on *channel*; the one before it is forgotten.

    A new address is unconfirmed unless *confirmed* says that the person proved to hold it. None
    if nothing changes: the same address, no news of it. Raises `Conflict` if the address is
    another person's, or if history moved on meanwhile.
    """
    kind = _kind(statement, channel)
    address = read_address(kind, text)
    digest = journal.digest(kind, address.canonical)
    kept = journal.kept(slot)
    if kept is None:
        raise Conflict("person is not known here: register them first")
    owner = journal.find(digest)
    if owner not in {None, slot}:
        raise Conflict("address is another person's already: merge the two, or take it from them")
    profile, active = journal.profile(slot), kept.standing.wishes.points.get(channel)
    before = profile.points.get(channel, "")
    old = canonical_address(kind, before) if before else ""
    told = PointSet(channel=channel, confirmed=confirmed)
    index: tuple[tuple[str, bytes], ...] = ()
    unindex: tuple[bytes, ...] = ()
    if active is not None and before == address.written and not active.bounced:
        if active.confirmed or not confirmed:
            return None
        told = replace(told, point=active.version)
    else:
        index = ((channel, digest),)
        still = {canonical_address(_kind(statement, name), one)
                 for name, one in profile.points.items() if name != channel}  # fmt: skip
        if old and old != address.canonical and old not in still:
            unindex = (journal.digest(kind, old),)
    entry = Entry(
        kind="contact_point.set",
        body=Act(actor=actor, method=method, points=(told,)),
        slot=slot,
        expect=kept.standing.version,
        index=index,
        unindex=unindex,
        profile=None if told.point else replace(
            profile, points={**profile.points, channel: address.written}
        ),
        act_id=act_id,
    )  # fmt: skip
    return journal.append([entry])[0]


def _kind(statement: BrandStatement, channel: str) -> str:
    """The kind of *channel*; raises `InputError` for one that is not declared."""
    told = statement.channels.get(channel)
    if told is None:
        raise InputError(f"channel {channel!r} is not declared: the brand file lists them")
    return str(told.kind)
