"""Acting for one person: what stands afterwards, and what the journal keeps of it."""

import json
from pathlib import Path

from reciprocity.platform import Reciprocity
from tests.cli.conftest import Shop


def state(shop: Shop, name: str, purpose: str = "offers") -> str:
    view = shop.done("person", "show", f"id:{name}", "--json").json
    return next(row["state"] for row in view["consent"] if row["purpose"] == purpose)


def test_each_word_of_a_person_stands_until_the_next(shop: Shop):
    shop.yes("ann", "garden=2")
    assert state(shop, "ann") == "given"
    shop.done("person", "withdraw", "id:ann", "marketing")
    assert state(shop, "ann") == "withdrawn"
    shop.done("person", "grant", "ann@people.example", "offers")
    assert state(shop, "ann") == "given"
    shop.done("person", "refuse", "id:ann", "offers", "--channel", "email")
    assert state(shop, "ann") == "refused"


def test_a_purpose_that_wants_confirming_waits_for_it(shop: Shop):
    shop.done("person", "add", "--id", "ben", "--address", "email=ben@people.example")
    ran = shop.done("person", "grant", "id:ben", "news", "offers", "--json")
    assert [each["kind"] for each in ran.json["recorded"]] == [
        "consent.granted",
        "consent.requested",
    ]
    assert state(shop, "ben", "news") == "pending"
    shop.done("person", "confirm", "id:ben")
    assert state(shop, "ben", "news") == "given"


def test_an_address_known_to_be_theirs_needs_no_confirming(shop: Shop):
    shop.done(
        "person", "add", "--id", "ben", "--address", "email=ben@people.example", "--confirmed"
    )
    shop.done("person", "grant", "id:ben", "news")
    assert state(shop, "ben", "news") == "given"


def test_wishes_are_shown_in_plain_words(shop: Shop):
    shop.yes("cleo", "garden=2", "bread=-1")
    shop.done("person", "prefer", "id:cleo", "--cap", "email=1/-", "--quiet", "21:30-08:00",
              "--language", "de", "--time-zone", "Europe/Berlin")  # fmt: skip
    shop.done("person", "pause", "id:cleo", "--days", "3")
    shop.done("person", "object", "id:cleo", "news")
    shop.done("person", "set", "id:cleo", "--attribute", "household_size=3",
              "--share", "offers=household_size", "--age-at-least", "40")  # fmt: skip
    out = shop.done("person", "show", "id:cleo").out
    for words in ("1 in 7 days, any number in 30", "21:30 to 08:00", "everything until", "news",
                  "Europe/Berlin", "40 years old", "shared for: offers", "-1", "+2"):  # fmt: skip
        assert words in out
    shop.done("person", "pause", "id:cleo", "--end")
    shop.done("person", "object", "id:cleo", "--lift")
    shop.done("person", "prefer", "id:cleo", "--no-quiet")
    view = shop.done("person", "show", "id:cleo", "--json").json
    assert (view["pauses"], view["objections"], view["quiet"]) == ({}, [], None)


def test_addresses_and_values_are_masked_and_revealing_them_is_on_record(shop: Shop):
    shop.yes("dora", "garden=2")
    shop.done("person", "set", "id:dora", "--attribute", "garden_size=balcony")
    for arguments in ((), ("--json",)):
        out = shop.done("person", "show", "id:dora", *arguments).out
        assert "dora" not in out
        assert "balcony" not in out
    looks = shop_looks(shop)
    view = shop.done("person", "show", "id:dora", "--reveal", "--json").json
    assert view["points"][0]["address"] == "dora@people.example"
    assert view["attributes"] == {"garden_size": "balcony"}
    assert shop_looks(shop) == looks + 1


def shop_looks(shop: Shop) -> int:
    with Reciprocity.open(shop.folder) as opened:
        return len(opened.journal.brand_events("operator.acted"))


def test_every_act_names_its_position_and_saves_its_receipt(shop: Shop):
    shop.yes("eve", "garden=2")
    file = shop.place / "no.json"
    ran = shop.done("person", "withdraw", "id:eve", "--receipt", file, "--json")
    (told,) = ran.json["recorded"]
    event = json.loads(json.loads(file.read_bytes())["event"])
    assert (event["kind"], event["body"]["actor"]) == ("consent.withdrawn", "operator:tests")
    found = shop.done("verify", "receipt", file, "--json").json
    assert found["position"] == told["position"]
    again = shop.done("receipt", told["position"])
    assert json.loads(again.out)["event"] == json.loads(file.read_bytes())["event"]


def test_an_erasure_can_be_taken_back_or_done_at_once(shop: Shop):
    shop.yes("fay", "kitchen=2")
    shop.done("person", "erase", "id:fay")
    assert "to be erased" in shop.done("person", "show", "id:fay").out
    why = shop.done("why", "id:fay", "kitchen", "--json").json
    assert why["decision"] == {"verdict": "refuse", "reason": "erased"}
    shop.done("person", "erase", "id:fay", "--undo")
    assert shop.done("why", "id:fay", "kitchen", "--json").json["decision"]["verdict"] == "deliver"
    both = shop.done("why", "id:fay", "kitchen", "--engine", "duckdb", "--json").json
    assert both["by_query"] == both["why"]["decision"]
    said = shop.done("why", "id:fay", "kitchen", "--engine", "duckdb").out
    assert "duckdb decides the same." in " ".join(said.split())
    receipt = shop.place / "erased.json"
    shop.done("person", "erase", "id:fay", "--now", "--receipt", receipt)
    shop.done("verify", "receipt", receipt)
    assert "not known" in shop.refused("person", "show", "id:fay").err
    assert shop.done("tick", "--json").json["erased"] == 0


def test_a_suppressed_address_is_never_written_to(shop: Shop):
    shop.yes("gil", "kitchen=2")
    assert shop.done("suppress", "gil@people.example", "--json").json == {"given": 1, "added": 1}
    assert "suppressed" in shop.done("why", "id:gil", "kitchen").out


def test_setting_what_stands_already_changes_nothing(shop: Shop):
    shop.yes("hal", "kitchen=2")
    told = ("person", "set", "id:hal", "--attribute", "household_size=2")
    assert "profile.set" in shop.done(*told).out
    assert "nothing changed" in shop.done(*told).out
    shop.done("person", "set", "id:hal", "--attribute", "household_size=")
    view = shop.done("person", "show", "id:hal", "--json").json
    assert view["attributes"] == {}


def test_a_new_address_takes_the_place_of_the_old(shop: Shop):
    shop.yes("ida", "kitchen=2")
    shop.done("person", "set", "id:ida", "--address", "email=new@people.example")
    shop.refused("person", "show", "ida@people.example")
    assert "unreachable" in shop.done("why", "new@people.example", "kitchen").out


def test_people_come_in_from_a_file_and_a_second_run_changes_nothing(shop: Shop, tmp_path: Path):
    people, mapping = tmp_path / "people.csv", tmp_path / "mapping.toml"
    people.write_text("customer,email\nc1,c1@people.example\nc2,no address\n")
    mapping.write_text(
        'name = "till"\nexternal_id = "customer"\n[points.email]\ncolumn = "email"\n'
    )
    told = ("import", "people", people, "--mapping", mapping)
    first = shop.done(*told, "--json").json
    assert (first["rows"], first["new"], first["refused"]) == (2, 1, 1)
    assert "line" in (tmp_path / "people.csv.rejects.csv").read_text()
    second = shop.done(*told, "--rejects", tmp_path / "no.csv", "--json").json
    assert (second["new"], second["unchanged"], second["events"]) == (0, 1, 0)


def test_an_import_says_how_often_each_reason_refused_a_row(shop: Shop, tmp_path: Path):
    people, mapping = tmp_path / "people.csv", tmp_path / "mapping.toml"
    people.write_text("customer,email\nc1,no address\nc2,c2@people.example,\n" + ",\n" * 12)
    mapping.write_text(
        'name = "till"\nexternal_id = "customer"\n[points.email]\ncolumn = "email"\n'
    )
    told = ("import", "people", people, "--mapping", mapping)
    assert "       12  row has no external id and no address" in shop.done(*told).out
    read = shop.done(*told, "--json").json
    assert sum(read["reasons"].values()) == read["refused"] == 14
    assert (read["refused_taken"], read["refused_new"]) == (0, 0)


def test_an_import_says_what_words_the_mapping_does_not_know(shop: Shop, tmp_path: Path):
    people, mapping = tmp_path / "people.csv", tmp_path / "mapping.toml"
    people.write_text("customer,checked\nc1,yes\nc2,maybe\nc3,perhaps\n")
    mapping.write_text(
        'name = "till"\nexternal_id = "customer"\n[points.email]\ntemplate = "c{row}@x.example"\n'
        'confirmed = { column = "checked", is = ["yes"] }\n'
    )
    told = ("import", "people", people, "--mapping", mapping)
    expected = "column 'checked': cells whose word no condition of the mapping knows: 2"
    assert expected in shop.done(*told).out
    assert shop.done(*told, "--json").json["unknown_words"] == {"checked": 2}


def test_a_receipt_comes_in_three_forms_and_says_why_not(shop: Shop):
    shop.yes("gus", "garden=2")
    file = shop.place / "no.json"
    ran = shop.done("person", "withdraw", "id:gus", "--receipt", file, "--json")
    (told,) = ran.json["recorded"]
    consent = shop.place / "consent.jsonld"
    shop.done("receipt", told["position"], "--format", "jsonld", "--receipt", consent)
    assert json.loads(consent.read_bytes())["@type"] == "dpv:ConsentReceipt"
    shop.done("verify", "consent", consent)
    page = shop.done("receipt", told["position"], "--format", "html").out
    assert "No more: taken back" in page
    for more in (("--cosigned",), ("--cosigned", "--format", "html")):
        assert "cosigned 0 events" in shop.refused("receipt", told["position"], *more).err
    for form in ("json", "jsonld", "html"):
        assert "cosigned 0 events" in shop.refused("receipt", file, "--format", form).err
    assert "no act of a person" in shop.refused("receipt", "1", "--format", "html").err


def test_merging_two_records_brings_both_to_the_strictest(shop: Shop):
    shop.yes("ann", "garden=2")
    shop.yes("ann2", "kitchen=2")
    shop.done("person", "withdraw", "id:ann2", "offers")
    assert shop.refused("person", "merge", "id:ann", "id:ann").code == 2
    told = shop.done("person", "merge", "id:ann", "id:ann2", "--json").json["recorded"]
    assert [each["kind"] for each in told] == ["consent.withdrawn"]
    assert state(shop, "ann") == state(shop, "ann2") == "withdrawn"
    assert "nothing changed" in shop.done("person", "merge", "id:ann2", "id:ann").out
    shop.done("person", "erase", "id:ann")
    assert "asked to be erased" in shop.refused("person", "merge", "id:ann", "id:ann2").err


def test_a_yes_that_waits_says_that_nobody_is_asked_from_here(shop: Shop):
    shop.done("person", "add", "--id", "ann", "--address", "email=a@people.example")
    out = shop.done("person", "grant", "id:ann", "news", "--notice", "news").out
    assert "waits 7 days to be confirmed: news. No mail asks for that from here" in out
    assert "waits" not in shop.done("person", "grant", "id:ann", "news", "--confirmed").out
