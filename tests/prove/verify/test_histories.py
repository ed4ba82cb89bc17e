"""Random histories by the real machinery: the verifier holds all that is honest, and only that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reciprocity.errors import ProofError
from reciprocity.prove.verify import verify_person
from tests.prove.verify.histories import faulty, honest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("seed", range(10))
def test_no_true_history_is_refused(tmp_path: Path, seed: int) -> None:
    key, proofs = honest(tmp_path, seed)
    assert sum(verify_person(proof.encode(), [key]).decided for proof in proofs) > 0


@pytest.mark.parametrize("seed", range(10))
def test_what_a_replay_finds_wrong_is_refused_and_nothing_else(tmp_path: Path, seed: int) -> None:
    key, people = faulty(tmp_path, seed)
    assert any(reasons for _, reasons in people)
    for proof, reasons in people:
        if any(reasons):
            with pytest.raises(ProofError):
                verify_person(proof.encode(), [key])
        elif not reasons:
            verify_person(proof.encode(), [key])
