"""Faults of what is told: what is missing, and what is claimed against the register.

What must be told is GDPR Article 13 and EDPB Guidelines 05/2020, 3.3.1; each thing is looked for in
the words of the register, in text that is seen without opening anything. A claim is an amount, or
one of the phrases kept for the language.
"""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final

from reciprocity.collect.fair_choice.asked import Asked
from reciprocity.collect.fair_choice.controls import Controls
from reciprocity.collect.fair_choice.finding import Fault, Finding
from reciprocity.collect.fair_choice.phrases import Words, finder, plain

__all__ = ["find_claims", "find_fields_not_told", "find_missing", "titles_in"]

Said = tuple[str, str]
"""Where a text stands, and the text, plain."""

_NUMBER: Final = r"\d+(?:[.,]\d+)*"
_PERCENT: Final = r"%|per ?cent|prozent|بالمئه|بالمائه|في المئه|في المائه"
_MONEY: Final = (
    r"€|\$|£|eur|euros?|usd|gbp|chf|dollars?|pounds?|franken|ريال|درهم|دينار|جنيه|يورو|دولار"
)
_AMOUNT: Final = re.compile(
    rf"(?P<after>{_NUMBER})\s?-?(?:(?P<percent>{_PERCENT})|(?P<money>{_MONEY}))(?!\w)"
    rf"|(?:(?P<percent_first>%)|(?<!\w)(?P<money_first>{_MONEY}))\s?(?P<before>{_NUMBER})"
)
_SAME_MONEY: Final = {
    "euro": "€", "euros": "€", "eur": "€", "يورو": "€", "$": "$", "usd": "$",
    "dollar": "$", "dollars": "$", "دولار": "$", "gbp": "£", "pound": "£", "pounds": "£",
    "franken": "chf",
}  # fmt: skip


def find_missing(asked: Asked, paragraphs: Iterable[str]) -> Iterator[Finding]:
    """What is *asked* and does not stand in *paragraphs*, the text that is seen."""
    told = " . ".join(plain(text) for text in paragraphs)
    channels = dict.fromkeys(title for each in asked.purposes for title in each.channels)
    wanted: tuple[tuple[Fault, Iterable[str]], ...] = (
        (Fault.CONTROLLER_MISSING, (asked.controller,)),
        (Fault.PURPOSE_MISSING, (purpose.title for purpose in asked.purposes)),
        (Fault.CHANNEL_MISSING, channels),
        (Fault.DATA_MISSING, asked.data),
        (Fault.RECIPIENT_MISSING, asked.recipients),
        (Fault.RETENTION_MISSING, (asked.retention,)),
        (Fault.WITHDRAWAL_MISSING, (asked.withdrawal,)),
    )
    for code, titles in wanted:
        for title in titles:
            if not _stands(title, told):
                message = f"expected {title!r} in the text that is seen, found it nowhere"
                yield Finding(code=code, where="page", message=message)


def find_fields_not_told(controls: Controls, asked: Asked) -> Iterator[Finding]:
    """Fields that ask for something else than the data the register names."""
    for field in controls.fields:
        if field.label.strip() and not any(_stands(t, plain(field.label)) for t in asked.data):
            yield Finding(
                code=Fault.DATA_NOT_TOLD,
                where=field.element.where,
                message=f"asks for {field.label[:40]!r}, which is none of {', '.join(asked.data)}",
            )


def find_claims(asked: Asked, said: Iterable[Said], words: Words) -> Iterator[Finding]:
    """What is promised or claimed in *said* and does not hold by the register."""
    owed = " . ".join(plain(text) for text in asked.benefits)
    amounts = set(_amounts(owed))
    quoted = [plain(each.title) for each in asked.purposes] + [plain(each) for each in asked.data]
    never = (
        (Fault.ANONYMITY_CLAIMED, words.anonymity_claimed),
        (Fault.LAW_CLAIMED, words.law_claimed),
        (Fault.APPROVAL_CLAIMED, words.approval_claimed),
        (Fault.ABSOLUTE_CLAIM, words.absolute_claim),
        *(((Fault.SHARING_DENIED, words.sharing_denied),) if asked.recipients else ()),
    )
    for where, text in said:
        for code, phrases in never:
            if found := finder(phrases).search(text):
                message = f"{found[0]!r} is claimed, and it is not so; leave it out"
                yield Finding(code=code, where=where, message=message)
        safe = finder(words.absolute_claim).sub(" ", text)
        promised = [shown for key, shown in _amounts(safe).items() if key not in amounts]
        rest = text
        for title in quoted:
            rest = rest.replace(title, " ")
        promised += [m[0] for m in finder(words.benefits).finditer(rest) if not _stands(m[0], owed)]
        for claim in promised:
            message = f"promises {claim!r}, which is in no benefit of the register"
            yield Finding(code=Fault.BENEFIT_NOT_OWED, where=where, message=message)


def titles_in(label: str, titles: Iterable[str]) -> set[str]:
    """Those of *titles* that *label* names; one inside a longer one does not count.

    >>> sorted(titles_in("Yes: News for members", ["News", "News for members", "Offers"]))
    ['News for members']
    """
    rest, found = plain(label), set()
    for title in sorted(titles, key=len, reverse=True):
        left = finder((title,)).sub(" . ", rest)
        if left != rest:
            found.add(title)
            rest = left
    return found


def _stands(title: str, text: str) -> bool:
    """Does *title* stand in the plain *text*, as words of its own?"""
    return re.search(_whole(title), text) is not None


def _whole(title: str) -> str:
    told = plain(title)
    before = r"(?<![^\W_])(?:[وفبلك]?ال|لل|[وفبلك])?" if told[:1].isalnum() else ""
    after = r"(?![^\W_])" if told[-1:].isalnum() else ""
    return before + re.escape(told) + after


def _amounts(text: str) -> dict[tuple[str, Decimal], str]:
    """Each amount of money or per cent in a plain text, by unit and value, as it is written.

    >>> sorted(map(str, _amounts(plain("10 % off, 5,00 EUR, €1.000"))))
    ["('%', Decimal('10'))", "('€', Decimal('1000'))", "('€', Decimal('5'))"]
    """
    found = {}
    for match in _AMOUNT.finditer(text):
        money = match["money"] or match["money_first"]
        unit = _SAME_MONEY.get(money, money) if money else "%"
        found[unit, _value(match["after"] or match["before"])] = match[0].strip()
    return found


def _value(written: str) -> Decimal:
    """The number *written*; three digits after a sign are thousands."""
    whole = re.sub(r"[.,](?=\d{3}(?:\D|$))", "", written)
    parts = re.split(r"[.,]", whole)
    number = Decimal("".join(parts[:1]) + "." + "".join(parts[1:]) if len(parts) > 1 else whole)
    return number.normalize() + 0
