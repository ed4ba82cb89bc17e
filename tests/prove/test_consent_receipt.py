"""Consent receipts in DPV JSON-LD: every term is published, every word follows from the log."""

from __future__ import annotations

import csv
import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
from pyld import jsonld

from reciprocity.brand import notice_hash
from reciprocity.errors import InputError, ProofError
from reciprocity.events import Act, ConsentRow, Evidence
from reciprocity.journal.entry import Entry
from reciprocity.model import ConsentState
from reciprocity.prove.printable import printable
from reciprocity.prove.verify import verify_consent
from reciprocity.prove.verify.consent import CONTEXT, consent_document
from tests.shop import DAY, add_people, new_shop, withdraw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from reciprocity.platform import Reciprocity

TEXT = "We would like to send you offers that fit what you tell us."
NOTICE = notice_hash("start", "en", TEXT)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reciprocity]:
    with new_shop(tmp_path_factory.mktemp("consent")) as shop:
        add_people(shop, 3)
        yield shop


def key_of(shop: Reciprocity) -> str:
    return shop.journal.signer().verifier_key.encode()


def said(shop: Reciprocity, kind: str, state: ConsentState, **more: Any) -> dict[str, Any]:
    """The consent receipt of an act of somebody."""
    until = shop.journal.clock() + 90 * DAY if state is ConsentState.GIVEN else 0
    row = ConsentRow(purpose="offers", channel="email", state=state, until=until)
    act = Act(actor="person", method="web <form>", consent=(row,), **more)
    (appended,) = shop.journal.append([Entry(kind=kind, body=act, slot=1)])
    return json.loads(json.dumps(shop.consent_receipt(appended.position)))


KINDS = {
    "consent.granted": (ConsentState.GIVEN, "dpv:ConsentGiven"),
    "consent.requested": (ConsentState.PENDING, "dpv:ConsentRequested"),
    "consent.confirmed": (ConsentState.GIVEN, "dpv:ConsentGiven"),
    "consent.refused": (ConsentState.REFUSED, "dpv:ConsentRefused"),
    "consent.withdrawn": (ConsentState.WITHDRAWN, "dpv:ConsentWithdrawn"),
    "person.imported": (ConsentState.UNVERIFIED, "dpv:ConsentUnknown"),
}


@pytest.fixture(scope="module", params=KINDS)
def document(shop: Reciprocity, request: pytest.FixtureRequest) -> dict[str, Any]:
    state, _ = KINDS[request.param]
    return said(
        shop, request.param, state, notice=NOTICE, notice_language="en",
        shared={"offers": ("visits",)}, evidence=Evidence(how="a form", text="yes", when=1),
    )  # fmt: skip


def test_it_says_who_what_until_when_and_holds(shop: Reciprocity, document: dict[str, Any]) -> None:
    found = verify_consent(json.dumps(document).encode(), [key_of(shop)])
    record = document["dpv:hasRecordOfActivity"]
    (process,) = record["dpv:hasProcess"]
    kind = found.act.event["kind"]
    assert process["dpv:hasConsentStatus"]["@type"] == KINDS[str(kind)][1]
    assert process["dpv:hasPurpose"]["dct:title"] == "Offers"
    assert process["dpv:hasConsentStatus"]["reciprocity:evidence"]["how"] == "a form"
    assert record["dpv:hasDataController"]["dpv:hasName"] == "Harbour & Vale Ltd"
    assert record["dpv:hasNotice"]["dct:description"] == TEXT
    assert record["dpv:hasNotice"]["dct:identifier"] == NOTICE


def test_every_term_is_in_the_shipped_list(document: dict[str, Any]) -> None:
    used = set(terms(jsonld.expand(document)))
    assert used
    assert used <= shipped()


def test_under_the_law_of_the_union_it_names_the_law_the_basis_and_the_rights(
    shop: Reciprocity,
) -> None:
    receipts = said(shop, "consent.granted", ConsentState.GIVEN)["reciprocity:receipts"]
    brand = receipts["brand"]
    assert '"laws":["baseline"]' in brand["event"]
    brand["event"] = brand["event"].replace('"laws":["baseline"]', '"laws":["eu","uk"]')
    record = json.loads(json.dumps(consent_document(receipts)))["dpv:hasRecordOfActivity"]
    assert record["dpv:hasApplicableLaw"] == ["legal-eu:law-GDPR"]
    assert record["dpv:hasProcess"][0]["dpv:hasLegalBasis"] == "eu-gdpr:A6-1-a"
    assert "eu-gdpr:A7-3" in record["dpv:hasRight"]
    named = jsonld.expand({"@context": CONTEXT, **record})[0]
    listed = {one["@id"] for one in named["https://w3id.org/dpv#hasRight"]}
    assert listed <= shipped()


def shipped() -> set[str]:
    source = (files("reciprocity.prove.verify") / "terms.csv").read_text("utf-8")
    lines = [line for line in source.splitlines() if not line.startswith("#")]
    return {row["iri"] for row in csv.DictReader(lines)}


def terms(node: Any) -> Iterator[str]:
    """Every class, property and datatype of an expanded document; JSON literals left out."""
    if isinstance(node, list):
        for one in node:
            yield from terms(one)
    elif isinstance(node, dict) and node.get("@type") != "@json":
        for name, value in node.items():
            if name == "@type":
                yield from [value] if isinstance(value, str) else value
            elif not name.startswith("@"):
                yield name
                yield from terms(value)
            elif name == "@id" and "w3id.org/dpv" in str(value) and "schema/" not in str(value):
                yield str(value)


def test_a_json_ld_library_reads_it_and_writes_it_back(document: dict[str, Any]) -> None:
    expanded = jsonld.expand(document)
    assert jsonld.compact(expanded, dict(CONTEXT)) == document
    dataset = jsonld.to_rdf(document)
    again = jsonld.from_rdf(dataset, {"useNativeTypes": True})
    assert normalised(jsonld.to_rdf(again)) == normalised(dataset)


def normalised(dataset: Any) -> list[tuple[str, ...]]:
    """The triples, with nodes that have no name called alike."""
    return sorted(
        tuple("_" if part["type"] == "blank node" else part["value"] for part in triple.values())
        for triple in dataset["@default"]
    )


def test_nothing_in_it_names_the_person(document: dict[str, Any]) -> None:
    assert "@example.com" not in json.dumps(document)


def record(document: dict[str, Any]) -> dict[str, Any]:
    return document["dpv:hasRecordOfActivity"]


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "another state": lambda d: record(d)["dpv:hasProcess"][0]["dpv:hasConsentStatus"].update(
        {"@type": "dpv:ConsentExpired"}
    ),
    "another purpose": lambda d: record(d)["dpv:hasProcess"][0]["dpv:hasPurpose"].update(
        {"dct:title": "Everything"}
    ),
    "more data": lambda d: record(d)["dpv:hasProcess"][0]["dpv:hasPersonalData"].append({}),
    "another channel": lambda d: record(d)["dpv:hasProcess"][0].update(
        {"reciprocity:channel": "post"}
    ),
    "one process more": lambda d: record(d)["dpv:hasProcess"].append(
        record(d)["dpv:hasProcess"][0]
    ),
    "another controller": lambda d: record(d)["dpv:hasDataController"].update({"dpv:hasName": "X"}),
    "another country": lambda d: record(d).update({"dpv:hasJurisdiction": ["US"]}),
    "another notice": lambda d: record(d)["dpv:hasNotice"].update({"dct:description": "Say yes."}),
    "no notice": lambda d: record(d).pop("dpv:hasNotice"),
    "another way to leave": lambda d: record(d)["dpv:hasConsentControl"].update(
        {"dpv:isExercisedAt": "nowhere"}
    ),
    "another time": lambda d: record(d)["dpv:hasProcess"][0]["dpv:hasConsentStatus"].update(
        {"dpv:isIndicatedAtTime": "2020-01-01T00:00:00.000Z"}
    ),
    "another person": lambda d: record(d)["dpv:hasDataSubject"].update(
        {"dct:identifier": "slot 2"}
    ),
    "another law": lambda d: record(d).update({"dpv:hasApplicableLaw": ["legal-eu:law-GDPR"]}),
    "no record": lambda d: d.pop("dpv:hasRecordOfActivity"),
    "made at another time": lambda d: d.update({"dct:created": "2020-01-01T00:00:00.000Z"}),
    "another record": lambda d: d.update({"dct:identifier": "x/1"}),
    "another profile": lambda d: d.update({"dct:conformsTo": "https://x.example"}),
    "another context": lambda d: d.update({"@context": {}}),
    "one field more": lambda d: d.update({"dct:title": "x"}),
    "no act": lambda d: d["reciprocity:receipts"].pop("act"),
    "the act is the brand's": lambda d: d["reciprocity:receipts"].update(
        act=d["reciprocity:receipts"]["brand"]
    ),
    "the brand is the act": lambda d: d["reciprocity:receipts"].update(
        brand=d["reciprocity:receipts"]["act"]
    ),
    "the notice is the brand file": lambda d: d["reciprocity:receipts"].update(
        notice=d["reciprocity:receipts"]["brand"]
    ),
    "a receipt with another salt": lambda d: d["reciprocity:receipts"]["act"].update(
        salt="A" * 43 + "="
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_whatever_does_not_follow_from_the_log_is_found(shop: Reciprocity, name: str) -> None:
    document = said(
        shop, "consent.granted", ConsentState.GIVEN, notice=NOTICE, shared={"offers": ("visits",)}
    )
    verify_consent(json.dumps(document).encode(), [key_of(shop)])
    CHANGES[name](document)
    with pytest.raises(ProofError):
        verify_consent(json.dumps(document).encode(), [key_of(shop)])


def test_an_event_that_says_neither_yes_nor_no_has_none(shop: Reciprocity) -> None:
    with pytest.raises(InputError, match="no act of a person"):
        shop.consent_receipt(1)
    act = Act(actor="person", method="web", language="en")
    (appended,) = shop.journal.append([Entry(kind="preferences.set", body=act, slot=1)])
    with pytest.raises(InputError, match="no yes and no no"):
        shop.consent_receipt(appended.position)


# --- to print -----------------------------------------------------------------------------------


def test_the_page_says_it_in_plain_words_and_takes_nothing_for_markup(shop: Reciprocity) -> None:
    page = printable(said(shop, "consent.granted", ConsentState.GIVEN, notice=NOTICE))
    for words in ("Receipt for what you said", "Yes", TEXT, "Harbour &amp; Vale Ltd"):
        assert words in page
    assert "web &lt;form&gt;" in page
    assert "<script" not in page
    assert "http" not in page.replace("https://harbour.example", "").partition("<pre>")[0]


def test_a_withdrawal_is_made_out_from_the_person_who_left(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        (slot,) = add_people(shop, 1)
        withdrawn = withdraw(shop, slot)
        page = printable(shop.consent_receipt(withdrawn.position))
        assert "No more: taken back" in page
