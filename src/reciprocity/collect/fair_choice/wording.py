"""Faults of words: shaming, pressing, conditions, twisted negations, and text that is hard to read.

Sources: EDPB Guidelines 03/2022, "emotional steering" and "ambiguous wording"; EDPB Guidelines
05/2020, 3.1.2, 3.1.4 (detriment), 3.3.2 (clear and plain language) and 3.4; GDPR Article 7(2).
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from reciprocity.collect.fair_choice.controls import Controls
from reciprocity.collect.fair_choice.finding import Fault, Finding
from reciprocity.collect.fair_choice.markup import Markup
from reciprocity.collect.fair_choice.phrases import Words, finder, plain
from reciprocity.collect.fair_choice.reading import MOST_WORDS, reading_grade, sentences, words

__all__ = ["find_hard_text", "find_labels_turned", "find_phrases", "find_timers"]

_ADVICE: Final = {
    Fault.SHAMING: "a no needs no reason; say it plainly",
    Fault.PRESSING: "a yes can wait; leave it out",
    Fault.CONDITIONAL: "nothing else may depend on a yes; leave it out",
    Fault.IMPLIED_YES: "only an answer is a yes; leave it out",
    Fault.NEGATED: "let a tick mean yes, and no tick mean no",
    Fault.DOUBLE_NEGATIVE: "say it once, without a negation",
}


def find_phrases(said: Iterable[tuple[str, str]], told: Words) -> Iterator[Finding]:
    """Phrases that are unfair wherever they stand; *said* are places with their plain texts."""
    kinds = {
        Fault.SHAMING: told.shaming,
        Fault.PRESSING: told.pressing,
        Fault.CONDITIONAL: told.conditional,
        Fault.IMPLIED_YES: told.implied_yes,
        Fault.DOUBLE_NEGATIVE: told.double_negative,
        Fault.NEGATED: told.negated,
    }
    for where, text in said:
        twisted = finder(told.double_negative).search(text) is not None
        for code, phrases in kinds.items():
            found = finder(phrases).search(text)
            if found and not (code is Fault.NEGATED and twisted):
                yield Finding(code=code, where=where, message=f"{found[0]!r}: {_ADVICE[code]}")


def find_labels_turned(controls: Controls, told: Words) -> Iterator[Finding]:
    """Labels of choices and of yes that hold a negation, or two."""
    labels = [(choice.element, choice.label) for choice in controls.choices if not choice.offers_no]
    labels += [(answer.element, answer.label) for answer in controls.saying("yes")
               if answer.read == "yes"]  # fmt: skip
    for element, label in labels:
        text = plain(label)
        if finder((*told.negated, *told.double_negative)).search(text):
            continue  # found as a phrase already
        found = [match[0] for match in finder(told.negations).finditer(text)]
        if found:
            code = Fault.DOUBLE_NEGATIVE if len(found) > 1 else Fault.NEGATED
            message = f"{', '.join(map(repr, found))} in its label: {_ADVICE[code]}"
            yield Finding(code=code, where=element.where, message=message)


def find_timers(page: Markup) -> Iterator[Finding]:
    """Elements that count down, or that take the page away by themselves."""
    for element in page.elements:
        counts = element.get("role") in {"timer", "marquee"} or element.tag in {"marquee", "meter"}
        leaves = element.tag == "meta" and element.get("http-equiv") == "refresh"
        if counts or leaves:
            message = f"counts down or leaves by itself: {_ADVICE[Fault.PRESSING]}"
            yield Finding(code=Fault.PRESSING, where=element.where, message=message)


def find_hard_text(paragraphs: Sequence[str], language: str) -> Iterator[Finding]:
    """Text that is above the bound of its language, or one sentence that is too long."""
    grade = reading_grade(paragraphs, language)
    if grade.value > grade.bound:
        message = f"{grade.measure} is {grade.value:.1f}, expected at most {grade.bound:.0f}"
        yield Finding(code=Fault.HARD_TO_READ, where="page", message=message)
    for sentence in (each for text in paragraphs for each in sentences(text)):
        if (count := len(words(sentence))) > MOST_WORDS:
            yield Finding(
                code=Fault.HARD_TO_READ,
                where="page",
                message=f"{sentence[:40]!r}... has {count} words, expected at most {MOST_WORDS}",
            )
