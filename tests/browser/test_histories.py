"""Random histories by the real machinery, honest and faulty: the browser says what Python says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.test_verify_js import asked
from tests.prove.verify.histories import faulty, honest

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page


@pytest.mark.parametrize("seed", range(20, 24))
def test_no_true_history_is_refused(verifier: Page, tmp_path: Path, seed: int) -> None:
    key, proofs = honest(tmp_path, seed)
    answers = asked(verifier, "verifyPerson", proofs, key)
    assert [answer.get("refused", "") for answer in answers] == [""] * len(proofs)
    assert sum(answer["holds"]["decided"] for answer in answers) > 0


@pytest.mark.parametrize("seed", range(20, 24))
def test_what_a_replay_finds_wrong_is_refused_and_nothing_else(
    verifier: Page, tmp_path: Path, seed: int
) -> None:
    key, people = faulty(tmp_path, seed)
    answers = asked(verifier, "verifyPerson", [proof for proof, _ in people], key)
    for (_, reasons), answer in zip(people, answers, strict=True):
        assert answer.get("proof", True) is True, answer
        if any(reasons) or not reasons:
            assert ("refused" in answer) == bool(reasons), (reasons, answer)
