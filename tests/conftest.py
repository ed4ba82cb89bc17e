"""How properties are searched: the same examples on every run, unless asked to look further.

`pytest --hypothesis-profile=search` (and `make test-long`) draws new examples, and more of them.
"""

import signal
from collections.abc import Iterator
from contextlib import nullcontext

import pytest
from hypothesis import settings

from tests.place import using_postgresql

# A shell that starts us in the background has SIGINT ignored, and every child would inherit it.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("ci", derandomize=True, deadline=None, max_examples=60, print_blob=True)
settings.register_profile("search", deadline=None, max_examples=2_000, print_blob=True)
settings.load_profile("ci")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=["sqlite", "postgresql"], default="sqlite")


@pytest.fixture(autouse=True, scope="session")
def _database(request: pytest.FixtureRequest) -> Iterator[None]:
    asked = request.config.getoption("--database") == "postgresql"
    with using_postgresql() if asked else nullcontext():
        yield


@pytest.fixture(autouse=True)
def _marked(request: pytest.FixtureRequest) -> Iterator[None]:
    with using_postgresql() if request.node.get_closest_marker("postgresql") else nullcontext():
        yield
