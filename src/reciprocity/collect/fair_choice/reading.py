"""How hard a text is to read: a school grade for English and German, sentence lengths for Arabic.

Grades are counted from lengths of words and sentences and know nothing of sense. They are a bound
against the worst, not a proof that a text is clear.
"""

import re
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

__all__ = ["MOST_WORDS", "Grade", "reading_grade", "sentences", "syllables"]

MOST_WORDS: Final = 35
"""No single sentence may be longer, so that short ones cannot make up for it."""

_END: Final = re.compile(r"(?<=[.!?؟:;؛…])[\"'”»)]*\s+")
_WORD: Final = re.compile(r"[^\W\d_]+(?:['\N{RIGHT SINGLE QUOTATION MARK}-][^\W\d_]+)*")
_FEWEST_WORDS: Final = 5
_VOWELS: Final = {
    "en": re.compile(r"[aeiouy]+"),
    "de": re.compile(r"a[aiuy]|äu|e[eiuy]|ie|oo|ou|[aeiouyäöü]"),
}
_SILENT: Final = re.compile(r"(?:[^laeiouy]es|[^dtaeiouy]ed|[^laeiouy]e)$")


class Grade(Struct, frozen=True, kw_only=True):
    """A measured *value*, the *bound* it must not pass, and the *measure* by its name."""

    value: float
    bound: float
    measure: str


def reading_grade(paragraphs: Sequence[str], language: str) -> Grade:
    """How hard *paragraphs* are in *language* (`en`, `de` or `ar`); 0 without a whole sentence.

    English: Flesch-Kincaid grade (Kincaid et al. 1975), at most 9. German: first Wiener
    Sachtextformel (Bamberger and Vanecek 1984), at most 10. Arabic: mean words a sentence, at most
    18; its formulas need vowel signs, which are not written.

    >>> easy = reading_grade(["The cat sat on the mat."], "en")
    >>> round(easy.value, 2), easy.bound
    (-1.45, 9.0)
    """
    told = [words(sentence) for paragraph in paragraphs for sentence in sentences(paragraph)]
    told = [sentence for sentence in told if len(sentence) >= _FEWEST_WORDS]
    measure, bound, count = {
        "en": ("Flesch-Kincaid grade", 9.0, _kincaid),
        "de": ("Wiener Sachtextformel", 10.0, _wiener),
    }.get(language, ("words a sentence", 18.0, _length))
    all_words = [word for sentence in told for word in sentence]
    if not all_words:
        return Grade(value=0.0, bound=bound, measure=measure)
    syllable_counts = [syllables(word, language) for word in all_words]
    value = count(len(all_words) / len(told), syllable_counts, all_words)
    return Grade(value=value, bound=bound, measure=measure)


def sentences(paragraph: str) -> list[str]:
    """The sentences of *paragraph*; a colon ends one as well.

    >>> sentences("One thing: it is short. Is it?")
    ['One thing:', 'it is short.', 'Is it?']
    """
    return [sentence for sentence in _END.split(paragraph) if sentence.strip()]


def words(sentence: str) -> list[str]:
    """The words of *sentence*, without numbers and signs."""
    return _WORD.findall(sentence)


def syllables(word: str, language: str) -> int:
    """The syllables of *word*, at least one; counted by its vowels, right in most words.

    >>> [syllables(word, "en") for word in ("made", "table", "asked", "wanted", "e-mail")]
    [1, 2, 1, 2, 2]
    >>> [syllables(word, "de") for word in ("Einwilligung", "Theater", "Häuser", "Fenster")]
    [4, 3, 2, 2]
    """
    lower = word.lower()
    if language == "en":
        lower = " ".join(_SILENT.sub("", part) or part for part in lower.split("-"))
    return max(1, len(_VOWELS.get(language, _VOWELS["en"]).findall(lower)))


def _length(length: float, _counts: Sequence[int], _told: Sequence[str]) -> float:
    return length


def _kincaid(length: float, counts: Sequence[int], _told: Sequence[str]) -> float:
    return 0.39 * length + 11.8 * sum(counts) / len(counts) - 15.59


def _wiener(length: float, counts: Sequence[int], told: Sequence[str]) -> float:
    """Of three syllables and more, of more than six letters, of one syllable: in hundredths."""
    each = 100 / len(counts)
    many = each * sum(count >= 3 for count in counts)  # noqa: PLR2004  (the formula's)
    long = each * sum(len(word) > 6 for word in told)  # noqa: PLR2004  (the formula's)
    one = each * sum(count == 1 for count in counts)
    return 0.1935 * many + 0.1672 * length + 0.1297 * long - 0.0327 * one - 0.875
