"""What somebody who records a yes for a person must know: the words shown, and what waits."""

from collections.abc import Sequence

from reciprocity.brand import BrandStatement, LawPack, notice_hash
from reciprocity.brand.reader import suggest
from reciprocity.collect.proposition import terms_of
from reciprocity.consent.state import Wishes
from reciprocity.errors import InputError
from reciprocity.model import Id

__all__ = ["notice_shown", "waiting_for_proof"]


def notice_shown(
    brand: BrandStatement,
    laws: tuple[LawPack, ...],
    notice: str,
    language: str,
    purposes: Sequence[Id],
) -> dict[str, str]:
    """What a yes to *purposes* says of *notice* as it was shown: the id of its words, the language.

    *notice* names a notice, or a proposition, whose words are made of the register; *language* is
    the brand's own unless told. Raises `InputError` for words that the brand does not have, and
    for words that ask for something else: a yes is one to what was read.
    """
    asks = brand.notices.get(notice) or brand.propositions.get(notice)
    if asks is not None:
        _check_asked(notice, (*asks.purposes, *asks.behaviours), purposes)
    declared, spoken = brand.notices.get(notice), language or brand.language
    if declared is None and notice in brand.propositions:
        terms, _ = terms_of(brand, laws, notice, spoken)
        return {"notice": terms.notice, "notice_language": terms.language}
    if declared is None:
        known = suggest(notice, {*brand.notices, *brand.propositions})
        raise InputError(f"notice {notice[:64]!r} is not declared; {known}")
    if spoken not in declared.text:
        has = ", ".join(map(repr, sorted(declared.text)))
        raise InputError(f"notice {notice[:64]!r} has no text in {spoken[:16]!r}: it has {has}")
    told = notice_hash(notice, spoken, declared.text[spoken])
    return {"notice": told, "notice_language": spoken}


def _check_asked(notice: str, asked: Sequence[Id], purposes: Sequence[Id]) -> None:
    if missing := [name for name in purposes if name not in asked]:
        raise InputError(
            f"notice {notice} does not ask for {', '.join(missing)}, but for {', '.join(asked)}: "
            "name the words that the person read"
        )


def waiting_for_proof(
    brand: BrandStatement, wishes: Wishes, purposes: Sequence[Id]
) -> tuple[Id, ...]:
    """Which of *purposes* wait, after a yes, until an address is shown to be the person's own."""
    return tuple(name for name in purposes if _waits(brand, wishes, name))


def _waits(brand: BrandStatement, wishes: Wishes, purpose: Id) -> bool:
    declared, points = brand.purposes.get(purpose), wishes.points
    if declared is None or not declared.confirm:
        return False
    return not all(name in points and points[name].confirmed for name in declared.channels)
