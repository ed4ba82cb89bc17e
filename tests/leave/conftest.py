from collections.abc import Iterator
from pathlib import Path

import pytest

from reciprocity.journal.journal import Journal
from tests.journal.small import Clock, create


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def journal(tmp_path: Path, clock: Clock) -> Iterator[Journal]:
    with create(tmp_path, clock) as journal:
        yield journal
