"""What is signed and whole is still refused if it is not so; and odd truths are held."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reciprocity.errors import ProofError
from reciprocity.prove.verify import verify_person
from tests.prove.verify.forge import KEY, LATE, lived, person
from tests.prove.verify.lies import LATER, LIES, TRUTHS, body

if TYPE_CHECKING:
    from tests.prove.verify.conftest import Given


@pytest.mark.parametrize("name", LIES)
def test_a_signed_lie_is_refused(given: Given, name: str) -> None:
    told = lived(given.person)
    lie = LIES[name](told)
    assert lie != told
    with pytest.raises(ProofError):
        verify_person(person(lie).encode(), [KEY])


@pytest.mark.parametrize("name", TRUTHS)
def test_an_odd_truth_is_held(given: Given, name: str) -> None:
    assert verify_person(person(TRUTHS[name](lived(given.person))).encode(), [KEY]).decided == 3


def test_versions_must_rise_with_the_log(given: Given) -> None:
    told = lived(given.person)
    with pytest.raises(ProofError, match="before the one it follows"):
        verify_person(person(told, places=(1, 0, *range(2, 13))).encode(), [KEY])


def test_a_rulebook_that_came_later_judges_nothing(given: Given) -> None:
    told = lived(given.person)
    file = person(body(LATER, stated=[1, LATE, 3, 4])(told), late=told.statements[1])
    with pytest.raises(ProofError, match="came after it"):
        verify_person(file.encode(), [KEY])
