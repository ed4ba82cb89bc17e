"""From an attempt to a finished letter: the person's own values, the link, the mail itself."""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Final

from msgspec import Struct

from reciprocity.brand import OWN_PURPOSES, BrandStatement
from reciprocity.decide.prepare import Prepared
from reciprocity.deliver.channel import Letter
from reciprocity.deliver.email.dkim import DkimKey, sign
from reciprocity.deliver.email.mime import Heading, build, heading, message_id
from reciprocity.deliver.email.template import CompiledMessage, compile_message, render
from reciprocity.deliver.link import Entries, Link, Links
from reciprocity.events import Attempt, canonical
from reciprocity.journal.entry import Appended
from reciprocity.model import Basis, Message, Profile

__all__ = ["Letters", "content_hash", "printed"]

_HASH_CHARACTERS: Final = 22


def content_hash(message: Message) -> str:
    """The first 22 characters of the base64url SHA-256 of a message's subject, text and HTML."""
    return _hash(message.subject, message.text, message.html)


@lru_cache(maxsize=256)
def _hash(*parts: str) -> str:
    return urlsafe_b64encode(sha256(canonical(parts)).digest())[:_HASH_CHARACTERS].decode()


class _Form(Struct, frozen=True, kw_only=True, eq=False):
    """A message, compiled once."""

    compiled: CompiledMessage
    head: Heading


def reason_line(prepared: Prepared, brand: BrandStatement) -> str:
    """Why a message comes, in a sentence for whoever gets it."""
    title = brand.purposes[prepared.message.purpose].title
    if prepared.basis is Basis.CONSENT:
        return f"You get this because you said yes to: {title}."
    return f"This is a service message: {title}."


def printed(
    prepared: Prepared, brand: BrandStatement, profile: Profile, page_url: str
) -> dict[str, object]:
    """What the templates of a message may print: the attributes it requires, and no others."""
    told: dict[str, object] = {
        name: profile.attributes[name]
        for name in prepared.message.requires
        if name in profile.attributes
    }
    told |= {
        "brand_name": brand.name,
        "page_url": page_url,
        "reason_line": reason_line(prepared, brand),
    }
    return told


class Letters:
    """Writes the letters of one brand."""

    def __init__(
        self,
        brand: BrandStatement,
        links: Links,
        signers: Mapping[str, DkimKey],
        base_url: str,
        origin: str,
        entries: Entries,
    ) -> None:
        """Links lead to *base_url*; receipts are named after the log's *origin*.

        *signers* holds the DKIM key of each channel that has one. *entries* makes the links of
        mails that a person asked for.
        """
        self._brand, self._links, self._signers = brand, links, signers
        self._entries = entries
        self._base_url, self._origin = base_url.rstrip("/"), origin
        self._forms: dict[str, _Form] = {}

    def check(self, prepared: Prepared) -> None:
        """Hold that the message can be written at all; raises `InputError` saying why not."""
        self._form(prepared)

    def _form(self, prepared: Prepared) -> _Form:
        form = self._forms.get(prepared.message_id)
        if form is None:
            message, brand = prepared.message, self._brand
            form = self._forms[prepared.message_id] = _Form(
                compiled=compile_message(message.subject, message.text, message.html),
                head=heading(
                    brand.channels[message.channel].sender, f"{message.purpose}.{brand.domain}"
                ),
            )
        return form

    def write(
        self, prepared: Prepared, attempt: Attempt, appended: Appended, profile: Profile
    ) -> Letter:
        """The letter of *attempt*, which came to stand where *appended* says.

        A template sees only the attributes its message requires. Raises `InputError` when it
        cannot be rendered for this person.
        """
        message, form = prepared.message, self._form(prepared)
        link = Link(appended.slot, appended.version, message.purpose, message.channel)
        token = self._links.make(link)
        url = f"{self._base_url}/u/{token}"
        values = printed(prepared, self._brand, profile, f"{self._base_url}/p/{token}")
        values["unsubscribe_url"] = url
        if message.purpose in OWN_PURPOSES:
            values["entry_url"] = f"{self._base_url}/e/{self._entries.make(link)}"
        recipient, named = (
            profile.points.get(message.channel, ""),
            message_id(self._brand.domain, token),
        )
        content = build(
            form.head,
            render(form.compiled, values),
            recipient=recipient,
            at=attempt.decided_at,
            message_id=named,
            receipt_id=f"{self._origin}/{appended.position}",
            unsubscribe_url=url,
        )
        if (signer := self._signers.get(message.channel)) is not None:
            content = sign(content, signer, attempt.decided_at)
        return Letter(
            message_id=named,
            sender=form.head.sender,
            recipient=recipient,
            content=content,
            handover_by=attempt.handover_by,
        )
