"""What a yes and a withdrawal from a brand's own site come to, of people without an address.

A person is known by the hash of a secret that their browser made when they said yes: the journal
never holds what would let somebody else take the yes back. The act's id is bound to the secret
too, so nobody gets the answer to somebody else's act; and to what was said, so nobody is told that
a withdrawal stands because another act had its id.
"""

from hashlib import sha256
from typing import Annotated, Final, Literal, NamedTuple

import msgspec
from msgspec import Meta, Struct, field

from reciprocity.brand import BrandStatement
from reciprocity.collect.collector import web_id
from reciprocity.collect.proposition import Terms
from reciprocity.consent.draft import Saying, grant, withdraw
from reciprocity.consent.laws import PERSON
from reciprocity.consent.prefer import Preferences, prefer
from reciprocity.errors import Conflict, InputError
from reciprocity.events import Act
from reciprocity.http.site import Act as SentAct
from reciprocity.http.site import Secret, known
from reciprocity.journal.entry import SAME_NEW, Appended, Entry, act_part
from reciprocity.model import Id, Level, Profile
from reciprocity.platform import Reciprocity
from reciprocity.prove.receipt import Receipt, receipt_for
from reciprocity.vault.people import EXTERNAL

__all__ = ["Kept", "Sent", "give", "take_back"]

METHOD: Final = "prompt"
_MOST: Final = 64
_Ids = Annotated[tuple[Id, ...], Meta(max_length=_MOST)]


class Sent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a POST. *act* names the act, *person* is the secret made at the grant.

    A yes names its *notice*, shown in *language*, and some of *purposes* and *behaviours*; a
    withdrawal may name some, and takes everything back if it names none.
    """

    act: SentAct
    person: Secret
    answer: Literal["yes", "withdraw"]
    purposes: _Ids = ()
    behaviours: _Ids = ()
    topics: Annotated[dict[Id, Level], Meta(max_length=_MOST)] = field(default_factory=dict)
    notice: Annotated[str, Meta(max_length=200)] = ""
    language: Annotated[str, Meta(max_length=35)] = ""


class Kept(NamedTuple):
    """Where an answer stands in the journal, and its receipt."""

    position: int
    receipt: Receipt


def give(shop: Reciprocity, terms: Terms, sent: Sent) -> Kept:
    """Keep the yes in *sent* to *terms*; returns once it is durable, the second time the same.

    Raises `InputError` for a yes to what the proposition does not ask, `Conflict` where the
    person's history kept moving on: then nothing was kept.
    """
    brand = shop.statement
    wanted = _asked(brand, terms.proposition, sent)
    saying = shop.saying(
        PERSON, METHOD, place="site", notice=terms.notice, notice_language=terms.language
    )
    act_id, called = _act_id(sent), web_id(sent.person)
    digest = shop.journal.digest(EXTERNAL, called)
    entries = _of_somebody_new(saying, sent, wanted, digest)
    try:
        return _stands(shop, shop.journal.append(entries, prove=True)[1])
    except Conflict:  # somebody known already; or their later yes, sent again
        slot = shop.journal.find(digest)
        if slot is None:
            raise
    appended, receipt = shop.act(slot, lambda: grant(saying, wanted), act_id=act_id)
    if sent.topics:
        shop.act(
            slot, lambda: prefer(saying, Preferences(topics=sent.topics)),
            act_id=act_part(act_id, 1),
        )  # fmt: skip
    return Kept(appended.position, receipt)


def take_back(shop: Reciprocity, sent: Sent) -> Kept | None:
    """Take back what *sent* names, or everything; returns once that stands before any decision.

    None if nobody is known by the secret: nothing stands then. Raises `Conflict` where the person's
    history kept moving on.
    """
    slot = known(shop, sent.person)
    if slot is None:
        return None
    purposes = (*sent.purposes, *sent.behaviours)
    appended, receipt = shop.act(
        slot,
        lambda: withdraw(
            shop.saying(PERSON, METHOD, place="site"), shop.wishes(slot), purposes
        ),
        act_id=_act_id(sent),
    )  # fmt: skip
    return Kept(appended.position, receipt)


def _asked(brand: BrandStatement, name: Id, sent: Sent) -> tuple[Id, ...]:
    """What the yes is to; raises `InputError` unless the proposition asks for all of it."""
    told = brand.propositions[name]
    for given, asked in (
        (sent.purposes, told.purposes),
        (sent.behaviours, told.behaviours),
        (sent.topics, told.topics),
    ):
        if not set(given) <= set(asked):
            raise InputError("yes is to something that this proposition does not ask for")
    if not (sent.purposes or sent.behaviours):
        raise InputError("yes is to nothing: name a purpose or a behaviour")
    return (*sent.purposes, *sent.behaviours)


def _of_somebody_new(
    saying: Saying, sent: Sent, wanted: tuple[Id, ...], digest: bytes
) -> list[Entry]:
    """One act that makes a person known by the secret alone, with their yes and their topics."""
    act_id = _act_id(sent)
    drafts = [grant(saying, wanted)]
    if sent.topics:
        drafts.append(prefer(saying, Preferences(topics=sent.topics)))
    registered = Entry(
        kind="person.registered",
        body=Act(actor=PERSON, method=METHOD, place="site"),
        new=(("", digest),),
        profile=Profile(external_id=web_id(sent.person)),
        act_id=act_id,
    )
    said = [
        Entry(kind=kind, body=body, slot=SAME_NEW, act_id=act_part(act_id, part))
        for part, (kind, body) in enumerate(drafts, 1)
    ]
    return [registered, *said]


def _act_id(sent: Sent) -> str:
    """The journal's id of the act: a hash of all that was sent, whatever the order of its names.

    Only what says the same is a retry. Something else under the same id is another act, which is
    recorded: to refuse it could lose a withdrawal, and so would to answer it with the first one.
    """
    said = [
        *(sent.person, sent.act, sent.answer, sent.notice, sent.language),
        *(sorted(set(sent.purposes)), sorted(set(sent.behaviours)), sent.topics),
    ]
    return f"prompt/{sha256(msgspec.json.encode(said, order='sorted')).hexdigest()}"


def _stands(shop: Reciprocity, appended: Appended) -> Kept:
    again = appended.again
    receipt = shop.receipt(appended.position) if again else receipt_for(appended)
    return Kept(appended.position, receipt)
