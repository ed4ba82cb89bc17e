"""The report of an import adds up: every row once, everybody who became known, every reason."""

from collections import Counter
from string import ascii_lowercase

import pytest

from reciprocity.collect.imports import AT_ONCE, ImportStopped
from reciprocity.collect.rejects import MOST_REASONS
from tests.collect.test_imports import ANN


def test_everybody_who_becomes_known_is_in_the_totals(shop) -> None:
    assert shop.import_rows(ANN).new == 1
    rows = (
        {"id": "2", "offers": "no", "town": "Atlantis"},
        {"id": "3", "offers": "no", "looks": "yes", "town": "Atlantis"},  # also gives
        {"id": "3", "offers": "stop", "town": "Atlantis"},
        {"id": "4", "offers": "no", "looks": "yes"},  # no refusal
        {"id": "5", "mail": "ann@shop.example", "offers": "stop"},  # of two people, one new
        {"id": "6", "town": "Atlantis"},
        {"offers": "no"},
        {"id": "7"},
    )
    report = shop.import_rows(*rows)
    assert shop.journal.count() - 1 == report.new + report.refused_new == 5
    assert (report.rows, report.new, report.refused) == (8, 2, 6)
    assert (report.refused_taken, report.refused_new) == (4, 3)
    assert str(report).endswith(
        "6 refused; what 4 of the refused take away was taken, by which 3 more people became known"
    )
    again = shop.import_rows(*rows)
    assert (again.refused_taken, again.refused_new, again.events) == (4, 0, 0)
    assert str(shop.import_rows(ANN)).endswith("0 refused")


def test_the_reasons_are_counted_as_the_rejects_file_has_them(shop) -> None:
    strange = [{"id": str(number), "town": "Atlantis"} for number in range(3)]
    report = shop.import_rows({"offers": "no"}, *strange, ANN)
    assert list(report.reasons.values()) == [3, 1]
    assert report.reasons == Counter(reason for _, reason in shop.rejects())
    assert sum(report.reasons.values()) == report.refused


def test_more_reasons_than_anybody_reads_are_counted_together(shop) -> None:
    words = [f"{one}{other}-o" for one in ascii_lowercase for other in ascii_lowercase]
    words += [f"{word}!" for word in words]
    report = shop.import_rows(*({"id": str(n), "sure": word} for n, word in enumerate(words)))
    assert report.refused == len(words) == sum(report.reasons.values())
    assert len(report.reasons) == MOST_REASONS + 1
    assert report.reasons["other reasons"] == len(words) - MOST_REASONS


def refused(number: int) -> dict[str, str]:
    """A row that cannot be taken whole: by turns one that only takes away, one that does not."""
    offers = ("no", "", "stop", "yes")[number % 4]
    return {"id": str(number), "offers": offers, "town": "Atlantis" if number % 3 else "Bern"}


def test_the_rejects_file_is_in_the_order_of_its_lines(shop) -> None:
    rows = [refused(number) for number in range(2 * AT_ONCE + 100)]
    report = shop.import_rows({"offers": "never"}, *rows, {"offers": "no"}, {"spent": "x"})
    found = shop.rejects()
    assert [line for line, _ in found] == sorted({line for line, _ in found})
    assert len(found) == report.refused == sum(n % 3 > 0 for n in range(len(rows))) + 3
    assert [found[0][0], found[-1][0]] == [2, len(rows) + 4]


@pytest.mark.parametrize("calls", [1, 2, 3, 4])
def test_an_import_that_stops_leaves_what_it_refused_in_order(shop, calls: int) -> None:
    left = [calls]

    def interrupt(_: int) -> None:
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt

    source = shop.write(*(refused(number) for number in range(AT_ONCE + 100)))
    with pytest.raises(ImportStopped) as caught:
        shop.take(source, progress=interrupt)
    found = shop.rejects()
    assert found == sorted(found)
    assert len(found) == caught.value.report.refused > 0
