"""Checks that need a later chapter's knowledge, made from that chapter's own functions.

The brand file names templates, which `deliver` reads, and conditions, which `decide` reads. Neither
may be imported here; `platform` hands their readers in.
"""

from collections.abc import Callable, Iterable, Iterator

from reciprocity.brand.checks import TEMPLATE_WORDS
from reciprocity.brand.declared import Brand, BrandStatement
from reciprocity.brand.load import Checker
from reciprocity.brand.reader import join, suggest
from reciprocity.errors import InputError
from reciprocity.model import Basis, Message

__all__ = ["check_conditions", "check_templates"]


def check_templates(names_used: Callable[[str], Iterable[str]]) -> Checker:
    """A check that every template reads, and prints only what its message requires.

    *names_used* gives the names a template prints and raises `InputError` if it does not read.
    """

    def checker(brand: Brand) -> Iterator[str]:
        for key, message in _messages(brand):
            for part in ("subject", "text", "html"):
                try:
                    names = names_used(getattr(message, part))
                except InputError as error:
                    yield f"{key}.{part}: {error}"
                    continue
                yield from _foreign_names(f"{key}.{part}", message, names)

    return checker


def _foreign_names(key: str, message: Message, names: Iterable[str]) -> Iterator[str]:
    known = TEMPLATE_WORDS.union(message.requires)
    for name in sorted(set(names) - known):
        yield (
            f"{key}: prints {name!r}, which the message does not require; "
            f"add it to requires, or {suggest(name, known)}"
        )


def check_conditions(attributes_named: Callable[[BrandStatement, str], Iterable[str]]) -> Checker:
    """A check that rules and audiences read, and name only attributes shared and not sensitive.

    A rule names only what is shared for every purpose that has messages and rests on consent: for
    another it would refuse everybody, for ever.

    *attributes_named* gives the attributes that a condition names and raises `InputError` if it
    is outside the language.
    """

    def checker(brand: Brand) -> Iterator[str]:
        for number, rule in enumerate(brand.statement.rules):
            key = f"rules[{number}].when"
            try:
                named = frozenset(attributes_named(brand.statement, rule.when))
            except InputError as error:
                yield f"{key}: {error}"
                continue
            yield from _sensitive(key, brand, named)
            yield from _blocking(key, brand, named)
        for key, message in _messages(brand):
            if not message.audience:
                continue
            try:
                named = frozenset(attributes_named(brand.statement, message.audience))
            except InputError as error:
                yield f"{key}.audience: {error}"
                continue
            yield from _sensitive(f"{key}.audience", brand, named)
            yield from _unshared(f"{key}.audience", brand, message, named)

    return checker


def _sensitive(key: str, brand: Brand, names: Iterable[str]) -> Iterator[str]:
    attributes = brand.statement.attributes
    for name in sorted(names):
        if name in attributes and attributes[name].sensitive:
            yield f"{key}: {name!r} is sensitive; no condition may name it"


def _blocking(key: str, brand: Brand, names: frozenset[str]) -> Iterator[str]:
    """Purposes whose messages nobody could get: a rule asks what is never shared for them."""
    told = {message.purpose: None for _, message in _messages(brand)}
    for purpose in told:
        declared = brand.statement.purposes.get(purpose)
        if declared is None or declared.basis is not Basis.CONSENT:
            continue  # a message that needs no consent is stopped by no attribute
        for name in sorted(names.difference(declared.attributes)):
            yield (
                f"{key}: {name!r} is not shared for purpose {purpose!r}, so that nobody could get "
                f"any of its messages; add it to purposes.{purpose}.attributes, or do without"
            )


def _unshared(key: str, brand: Brand, message: Message, names: frozenset[str]) -> Iterator[str]:
    purpose = brand.statement.purposes.get(message.purpose)
    for name in sorted(names.difference(purpose.attributes if purpose else names)):
        yield (
            f"{key}: {name!r} is not shared for purpose {message.purpose!r}; "
            f"add it to purposes.{message.purpose}.attributes, or do without"
        )


def _messages(brand: Brand) -> Iterator[tuple[str, Message]]:
    """Each message with its key in the file."""
    for campaign_id, campaign in brand.campaigns.items():
        for message_id, message in campaign.messages.items():
            yield join(f"campaigns.{campaign_id}.messages", message_id), message
