"""Propositions: what is asked in one go, and the notice that says so, made from the register.

The notice is made of fixed sentences and of what the brand declares, so it cannot disagree with
what is then done. Its hash is in the consent record, and names its version: whoever said yes to
other words said yes to another notice.
"""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Final

from msgspec import Struct

from reciprocity.brand import BrandStatement, LawPack, notice_hash
from reciprocity.collect.fair_choice import Asked, AskedPurpose
from reciprocity.consent.draft import validity_days
from reciprocity.model import WEB, Behaviour, Benefit, Id, Proposition

__all__ = [
    "LANGUAGES",
    "Terms",
    "asked_on_site",
    "notice_id",
    "notices_of",
    "promise_words",
    "terms_of",
]

LANGUAGES: Final = ("en", "de", "ar")
"""The languages that there are sentences in."""
_FALLBACK: Final = "en"


class Terms(Struct, frozen=True, kw_only=True):
    """The words of a proposition in one language; joined, they are its notice.

    *purposes* and *behaviours* are in the order of the proposition, *returns* what each behaviour
    gives and what is kept of it. *notice* is the id that a yes to it carries.
    """

    proposition: Id
    language: str
    title: str
    asks: str
    purposes: tuple[str, ...]
    behaviours: tuple[str, ...]
    returns: tuple[str, ...]
    gives: str
    benefits: tuple[str, ...]
    uses: str
    nobody: str
    keeps: str
    leave: str
    free: str
    notice: str = ""

    @property
    def text(self) -> str:
        """The notice, a sentence or a list a line."""
        looks = (line for pair in zip(self.behaviours, self.returns, strict=True) for line in pair)
        return "\n".join((
            self.title, self.asks, *self.purposes, *looks, self.gives, *self.benefits, self.uses,
            self.nobody, self.keeps, self.leave, self.free,
        ))  # fmt: skip


def terms_of(
    brand: BrandStatement, laws: tuple[LawPack, ...], name: Id, language: str
) -> tuple[Terms, Asked]:
    """The words of the proposition *name* in *language*, and what a page must quote of them.

    In English where there are no sentences in that language.
    """
    told = brand.propositions[name]
    base = language.lower().partition("-")[0]
    spoken = base if base in LANGUAGES else _FALLBACK
    words = _words()[spoken]
    here = asked_on_site(brand, name)
    data = (
        words["number" if here else "address"],
        *(brand.attributes[each].title for each in told.attributes),
        *(brand.behaviours[each].title for each in told.behaviours),
    )
    days = min(validity_days(brand, laws, one) for one in (*told.purposes, *told.behaviours))
    terms = Terms(
        proposition=name,
        language=spoken,
        title=told.title,
        asks=words["asks_here" if here else "asks"].format(controller=brand.controller.name),
        purposes=tuple(
            words["purpose"].format(
                title=brand.purposes[each].title, channels=_channels(brand, each)
            )
            for each in told.purposes
        ),
        behaviours=tuple(
            words["looks"].format(title=brand.behaviours[each].title) for each in told.behaviours
        ),
        returns=tuple(_returns(words, brand.behaviours[each]) for each in told.behaviours),
        gives=words["gives"],
        benefits=tuple(_promise(words, benefit) for benefit in told.gives),
        uses=words["uses"].format(data="; ".join(data)),
        nobody=words["nobody"],
        keeps=words["keeps"].format(days=days),
        leave=words["leave_here" if here else "leave"],
        free=words["free"],
    )
    terms = Terms(**{
        **{field: getattr(terms, field) for field in terms.__struct_fields__},
        "notice": notice_hash(notice_id(name), spoken, terms.text),
    })  # fmt: skip
    return terms, _asked(brand, told, terms, data)


def asked_on_site(brand: BrandStatement, name: Id) -> bool:
    """Is the proposition *name* asked on the brand's own site, of people without an address?

    If each of its purposes is on channels of kind `web` alone and wants no confirming, and it asks
    for no attributes. All others are asked on a page that wants an address.
    """
    told = brand.propositions[name]
    purposes = [brand.purposes[one] for one in told.purposes]
    return not told.attributes and all(
        not one.confirm and all(brand.channels[each].kind == WEB for each in one.channels)
        for one in purposes
    )


def notice_id(name: Id) -> Id:
    """How the notice of a proposition is called in the log."""
    return f"proposition-{name}"


def notices_of(brand: BrandStatement, laws: tuple[LawPack, ...]) -> list[Terms]:
    """Every notice that the brand's propositions need, in every language there is."""
    return [
        terms_of(brand, laws, name, language)[0]
        for name in brand.propositions
        for language in LANGUAGES
    ]


def _asked(brand: BrandStatement, told: Proposition, terms: Terms, data: tuple[str, ...]) -> Asked:
    return Asked(
        controller=brand.controller.name,
        purposes=tuple(
            AskedPurpose(
                title=brand.purposes[each].title,
                channels=tuple(brand.channels[one].title for one in brand.purposes[each].channels),
            )
            for each in told.purposes
        ),
        data=data,
        retention=terms.keeps,
        withdrawal=terms.leave,
        benefits=terms.benefits,
    )


def promise_words(language: str, benefit: Benefit) -> str:
    """What *benefit* promises, in the words of its notice."""
    base = language.lower().partition("-")[0]
    return _promise(_words()[base if base in LANGUAGES else _FALLBACK], benefit)


def _returns(words: dict[str, str], behaviour: Behaviour) -> str:
    """What a behaviour gives, and what is kept of it: the fields that the collector takes."""
    if not behaviour.events:
        return behaviour.gives
    fields = ", ".join(name.replace("_", " ") for name in behaviour.fields)
    kept = words["records" if fields else "bare"]
    return f"{behaviour.gives} {kept.format(days=behaviour.keep_days, fields=fields)}"


def _promise(words: dict[str, str], benefit: Benefit) -> str:
    return words[str(benefit.measure)].format(amount=benefit.amount, days=benefit.period_days)


def _channels(brand: BrandStatement, purpose: Id) -> str:
    return ", ".join(brand.channels[each].title for each in brand.purposes[purpose].channels)


@cache
def _words() -> dict[str, dict[str, str]]:
    source = files("reciprocity.collect") / "proposition.toml"
    return tomllib.loads(source.read_text("utf-8"))
