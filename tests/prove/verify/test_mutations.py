"""Each kind of change to a receipt and to a person's proof is refused; without it, it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reciprocity.errors import ProofError
from reciprocity.prove.verify import verify_person, verify_receipt
from tests.prove.verify.mutations import PERSON, RECEIPT, changed
from tests.prove.verify.test_log import MUTATIONS as LOG

if TYPE_CHECKING:
    from tests.prove.verify.conftest import Given


@pytest.mark.parametrize("name", RECEIPT)
def test_a_changed_receipt_is_refused(given: Given, name: str) -> None:
    verify_receipt(given.receipt, [given.key])
    with pytest.raises(ProofError):
        verify_receipt(changed(given.receipt, RECEIPT[name]), [given.key])


@pytest.mark.parametrize("name", PERSON)
def test_a_changed_proof_is_refused(given: Given, name: str) -> None:
    verify_person(given.person, [given.key])
    with pytest.raises(ProofError):
        verify_person(changed(given.person, PERSON[name]), [given.key])


def test_there_are_more_than_sixty_kinds() -> None:
    assert len(RECEIPT) + len(PERSON) + len(LOG) >= 120
