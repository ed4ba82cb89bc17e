"""The server's figures: true, about nobody, and read by nobody else."""

from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from reciprocity.deliver.link import Link
from reciprocity.http.api.keys import Scope
from reciprocity.journal import pending
from reciprocity.journal.figures import JournalFigures
from reciprocity.leave.one_click import withdraw_without_keys
from tests.http.api_client import key_of, new_key, problem
from tests.http.running import Server, serving
from tests.shop import START, Clock, add_people, new_shop, withdraw

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reciprocity.platform import Reciprocity
    from tests.http.conftest import Site


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reciprocity]:
    with new_shop(tmp_path_factory.mktemp("measured")) as shop:
        yield shop


@pytest.fixture(scope="module")
def server(shop: Reciprocity) -> Iterator[Server]:
    with serving(shop.journal.folder) as server:
        yield server


def figures(text: str) -> dict[str, float]:
    """Each sample by its name and labels, read by Prometheus's own parser."""
    return {
        sample.name + "".join(f",{value}" for _, value in sorted(sample.labels.items())):
            sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }  # fmt: skip


def test_the_figures_are_those_of_the_journal_and_of_the_answers(
    shop: Reciprocity, server: Server
) -> None:
    slots = add_people(shop, 3)
    shop.send("spring", "operator:tests")
    for _ in range(3):
        server.ask("GET", "/nothing")
    server.ask("GET", f"/v1/people/{shop.journal.pseudonym(slots[0])}")
    got = server.ask("GET", "/metrics")
    assert got.headers["content-type"].startswith("text/plain; version=0.0.4")
    told = figures(got.text)
    assert told["reciprocity_journal_events"] == shop.journal.state().size
    assert told["reciprocity_standing_lag_events"] == 0
    assert told["reciprocity_pending_acts"] == 0
    assert told["reciprocity_deliveries_total,attempted"] == 3
    assert told["reciprocity_deliveries_total,delivered"] == 3
    assert told["reciprocity_http_requests_total,other,404"] == 3
    assert told["reciprocity_http_requests_total,/v1/...,401"] == 1
    assert told["reciprocity_http_request_seconds_count,other"] == 3
    for secret in (shop.journal.pseudonym(slots[0]), "example.com", "spring", "garden"):
        assert secret not in got.text


def test_only_this_machine_and_a_key_for_it_read_them(shop: Reciprocity, server: Server) -> None:
    other = {"X-Forwarded-For": "192.0.2.1"}
    folder = shop.journal.folder
    may = new_key(folder, Clock(), Scope.METRICS, name="graphs")
    may_not = new_key(folder, Clock(), Scope.PEOPLE_READ, name="till")
    assert server.ask("GET", "/metrics").status == 200
    assert server.ask("GET", "/metrics", headers=other).status == 401
    assert server.ask("GET", "/metrics", headers={"Forwarded": "for=192.0.2.1"}).status == 401
    assert server.ask("GET", "/metrics", headers=other | may_not).status == 403
    assert server.ask("GET", "/metrics", headers=other | may).status == 200


def test_who_comes_from_nowhere_that_is_known_needs_a_key(site: Site) -> None:
    problem(site.client.get("/metrics"), "no-key", 401)
    assert site.client.get("/metrics", headers=key_of(site, Scope.METRICS)).status_code == 200


def test_deliveries_are_followed_and_acts_that_wait_are_counted(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        add_people(shop, 2)
        counted = JournalFigures(shop.journal.folder)
        assert counted.now().deliveries == {}
        shop.send("spring", "operator:tests")
        assert counted.now().deliveries == {"attempted": 2, "delivered": 2}
        add_people(shop, 1)
        withdraw(shop, 0)
        shop.send("spring", "operator:tests")
        assert counted.now().deliveries == {"attempted": 3, "delivered": 3}
        with closing(shop.journal.connection()) as db:
            withdraw_without_keys(db, Link(1, 1, "offers", "email"), START)
            assert pending.any_waiting(db)
        assert counted.now().pending == 1
        shop.journal.kept(1)
        assert counted.now().pending == 0


def test_every_figure_is_documented(server: Server) -> None:
    from tests.http.running import ROOT  # noqa: PLC0415 - beside its one use

    page = (ROOT / "docs" / "reference" / "api.md").read_text()
    for name in re.findall(r"# TYPE (\w+) ", server.ask("GET", "/metrics").text):
        if not name.endswith("_created"):
            assert f"| `{name}` |" in page, name
