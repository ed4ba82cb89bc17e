"""The OpenAPI document is true of a running server: what it promises, the server holds."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from reciprocity.http.api.openapi import EXAMPLES
from reciprocity.http.api.routes import document
from reciprocity.http.problem import Kind
from tests.http.api_client import fresh, key_of, new_key, write
from tests.http.running import Server, serving
from tests.shop import Clock, add_people, new_shop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.http.conftest import Site

DOCUMENT: dict[str, Any] = json.loads(document())
FEW = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


class Known:
    """A running server, a key that may do everything, and a person it knows."""

    server: Server
    key: dict[str, str]
    person: str


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Known]:
    known = Known()
    with new_shop(tmp_path_factory.mktemp("described")) as shop:
        known.person = shop.journal.pseudonym(add_people(shop, 1)[0])
        known.key = new_key(shop.journal.folder, Clock())
        folder = shop.journal.folder
    with serving(folder) as known.server:
        yield known


DESCRIBED = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS = {each.ok().label: each.ok() for each in DESCRIBED.get_all_operations()}


def test_the_server_serves_its_description(known: Known) -> None:
    told = known.server.ask("GET", "/v1/openapi.json")
    assert (told.status, json.loads(told.text)) == (200, DOCUMENT)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=str)
@pytest.mark.parametrize("label", OPERATIONS)
def test_whatever_is_sent_the_answer_is_one_that_is_described(
    label: str, mode: GenerationMode, known: Known
) -> None:
    """Requests of the described form, of people who are known; and requests of any other form."""

    @FEW
    @given(case=OPERATIONS[label].as_strategy(generation_mode=mode))
    def hold(case: Any) -> None:
        if mode.is_positive and "person" in case.path_parameters:
            case.path_parameters["person"] = known.person
        case.call_and_validate(
            base_url=known.server.url, headers=known.key, timeout=20,
            excluded_checks=[positive_data_acceptance],
        )  # fmt: skip

    hold()


def test_every_operation_is_described_by_its_scope_and_refusals() -> None:
    assert DOCUMENT["openapi"].startswith("3.1")
    assert DOCUMENT["security"] == [{"key": []}]
    operations = [told for path in DOCUMENT["paths"].values() for told in path.values()]
    assert len({told["operationId"] for told in operations}) == len(operations) == 10
    for told in operations:
        assert told["description"]
        assert {"401", "403", "429", "500", "503"} <= set(told["responses"])
        for status, response in told["responses"].items():
            problem = "application/problem+json" in response["content"]
            assert problem is not status.startswith("2")


def test_every_reference_leads_somewhere() -> None:
    named = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(DOCUMENT)))
    assert named
    assert named <= set(DOCUMENT["components"]["schemas"])


def test_every_refusal_but_those_of_sites_and_wrong_addresses_is_described() -> None:
    text = json.dumps(DOCUMENT)
    assert {kind for kind in Kind if kind.type not in text} == {
        Kind.NO_METHOD, Kind.NO_WRITE_KEY, Kind.ORIGIN, Kind.PRIVACY_SIGNAL, Kind.NOTICE_CHANGED,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("operation", "what"),
    [(operation, what) for operation, some in EXAMPLES.items() for what in some],
)
def test_every_example_can_be_sent_as_it_stands(site: Site, operation: str, what: str) -> None:
    name, said = site.shop.journal.pseudonym(0), EXAMPLES[operation][what]
    path = {
        "addPerson": "/v1/people",
        "recordAct": f"/v1/people/{name}/acts",
        "advise": "/v1/decisions",
        "adviseMany": "/v1/decisions:batch",
        "show": "/v1/impressions",
    }[operation]
    got = write(site, key_of(site), path, said, fresh())
    assert got.status_code in {200, 201}, got.text
