"""A mapping says all that is wrong with it, before a file is read."""

from pathlib import Path

import pytest
from msgspec import structs

from reciprocity.collect import mapping
from reciprocity.collect.fits import misfits
from reciprocity.collect.mapping import columns_named, read_mapping
from reciprocity.errors import InputError


def written(folder: Path, text: str) -> Path:
    path = folder / "mapping.toml"
    path.write_text(text, "utf-8")
    return path


def test_all_that_is_wrong_with_a_mapping_is_said_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, """
        name = "Not An Id"
        colour = 3
        external_id = 7
        [points.email]
        confirmed = { column = "x", is = [] }
        [[consent]]
        purpose = "offers"
        channel = "email"
        state = "maybe"
        [[consent]]
        purpose = "offers"
        channl = "email"
        state = "given"
        [evidence]
        how = "h"
        text = "t"
        [[topics]]
        topic = "tea"
        level = 7
        if = { column = "tea", is = ["1"] }
    """)  # fmt: skip
    with pytest.raises(InputError) as caught:
        read_mapping(path)
    keys = [line.split(": ")[1] for line in caught.value.problems]
    assert keys == [
        "colour", "name", "external_id", "points.email.confirmed", "consent[0].state",
        "consent[1].channl", "consent[1].channel", "evidence.when", "topics[0].level",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name = 'x'", "external_id: missing"),
        ("name = 'x'\n[points.email]\n", "either column or template"),
        ("name = 'x'\n[points.email]\ncolumn = 'a'\ntemplate = 'b'", "either column or template"),
        (
            "name='x'\nexternal_id='i'\nconsent=[{purpose='p', channel='c', state='given'}]",
            "evidence: missing",
        ),
        ("name = ", "is not TOML"),
        ("[" * 5_000, "is not TOML"),
    ],
)
def test_a_mapping_that_cannot_work_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        read_mapping(written(tmp_path, text))


def test_a_mapping_that_is_no_text_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes("name = 'ä'".encode("latin-1"))
    (tmp_path / "large").write_bytes(b"#" * (2 << 20))
    for name, expected in (("latin", "not UTF-8"), ("large", "larger"), ("gone", "missing"),
                           ("", "cannot be read")):  # fmt: skip
        with pytest.raises(InputError, match=expected):
            read_mapping(tmp_path / name)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('external_id = "id"', 'external_id = "nr"', "column 'nr' is not in the people file"),
        ('column = "sure", is = ["1"', 'column = "x", is = ["1"', "points.email.confirmed.column"),
        ("[points.email]", "[points.fax]", "channel 'fax' is not declared"),
        ('purpose = "purchases"', 'purpose = "looks"', "purpose 'looks' is not declared"),
        ('channel = "observe"', 'channel = "email"', "no channel of 'purchases'"),
        ('topic = "tea"', 'topic = "teas"', "topic 'teas' is not declared; did you mean 'tea'"),
        ("observed:purchases", "observed:walks", "behaviour 'walks' is not declared"),
        ('attribute = "town"', 'attribute = "city"', "attribute 'city' is not declared"),
        ('attribute = "town"', 'attribute = "spent"', "'spent' comes twice"),
        ('"BE" = "Bern"', '"BE" = "Basel"', "takes one of 'Bern', 'Chur'"),
        ('round = "down"', "", ""),
        ('column = "since"', 'column = "since"\nround = "up"', "round: is for integers"),
        ('column = "town"', 'column = "town"\nformat = "epoch_days"', "format: is for days"),
        ('column = "since"', 'column = "since"\nvalues = { a = "b" }', "values: is for enums"),
        ('["offers", "order"]', '["offer"]', "purpose 'offer' is not declared"),
        ('["offers", "order"]', '["news"]', "none of the attributes here"),
        ('when = "when"', 'when = { value = "soon" }', "no instant since 1970"),
        ('language = "lang"', 'language = { value = "German" }', "no language tag"),
        ('time_zone = "zone"', 'time_zone = { value = "Europe/Atlantis" }', "no time zone known"),
        ('purpose = "offers"', 'purpose = "order"', "does not rest on consent"),
        ('[[objections]]\npurpose = "marketing"', '[[objections]]\npurpose = "x"', "purpose 'x'"),
        ('column = "mail"', 'template = "c@shop.example"', "template has no row number"),
    ],
)
def test_what_the_brand_or_the_file_does_not_know_is_refused_first(
    shop, old: str, new: str, expected: str
) -> None:
    assert old in shop.mapping
    source = shop.write({"id": "1"})
    size = shop.journal.state().size
    changed = shop.mapping.replace(old, new, 1)
    if not expected:
        assert shop.take(source, mapping=changed).new == 1
        return
    with pytest.raises(InputError, match="mapping ") as caught:
        shop.take(source, mapping=changed)
    assert any(expected in line for line in caught.value.problems)
    assert shop.journal.state().size == size


def test_every_problem_of_fit_is_said_at_once(shop) -> None:
    read = read_mapping(written(shop.folder, shop.mapping))
    found = misfits(read, shop.statement, ("id",))
    assert len(found) == len(columns_named(read)) - 1


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"when": "2026-13-01"}, "column 'when': no instant since 1970"),
        ({"when": "2027-01-01"}, "column 'when': an instant in the future"),
        ({"when": "1969-12-31"}, "column 'when': no instant since 1970"),
        ({"lang": "German"}, "column 'lang': no language"),
        ({"zone": "Europe/Atlantis"}, "column 'zone': no time zone"),
        ({"zone": "../../etc/passwd"}, "column 'zone': no time zone"),
        ({"spent": "a lot"}, "column 'spent': no value of attribute 'spent'"),
        ({"spent": "-1"}, "takes a whole number from 0 to 9999"),
        ({"spent": "1e3"}, "column 'spent'"),
        ({"spent": "nan"}, "column 'spent'"),
        ({"spent": "9" * 400}, "column 'spent'"),
        ({"town": "Basel"}, "takes one of 'Bern', 'Chur'"),
        ({"since": "2021-02-29"}, "takes a day"),
        ({"member": "perhaps"}, "takes true or false"),
        ({"mail": "ann at shop"}, "e-mail address"),
        ({"id": "x" * 201}, "external id is none"),
        ({"how": "h" * 501}, "column 'how'"),
    ],
)
def test_a_cell_that_cannot_be_read_refuses_its_row_and_is_not_repeated(
    shop, cells: dict[str, str], expected: str
) -> None:
    report = shop.import_rows({"id": "1"}, {"id": "2", **cells}, {"id": "3"})
    assert (report.new, report.refused) == (2, 1)
    ((line, reason),) = shop.rejects()
    assert line == 3
    assert expected in reason
    assert all(value not in reason for value in cells.values())


def test_a_row_without_any_name_is_refused(shop) -> None:
    assert shop.import_rows({"offers": "yes", "how": "x"}).refused == 1
    assert shop.rejects() == [(2, "row has no external id and no address")]


def test_a_template_numbers_the_rows(shop) -> None:
    numbered = shop.mapping.replace('column = "mail"', 'template = "c{row:05d}@shop.example"', 1)
    shop.take(shop.write({"id": "1"}, {}, {"id": "3"}), mapping=numbered)
    assert shop.profile("1").points == {"email": "c00001@shop.example"}
    assert shop.profile("c00002@shop.example").external_id == ""
    assert shop.profile("3").points == {"email": "c00003@shop.example"}


def test_epoch_days_and_constants_are_read(shop) -> None:
    days = shop.mapping.replace(
        'when = "when"', 'when = { column = "when", format = "epoch_days" }'
    )
    days = days.replace('column = "since"', 'column = "since"\nformat = "epoch_days"')
    days = days.replace('language = "lang"', 'language = { value = "fr" }')
    row = {"id": "1", "offers": "yes", "how": "x", "when": "20000", "since": "10"}
    shop.take(shop.write(row), mapping=days)
    wishes = shop.standing("1").wishes
    assert wishes.answers["offers/email"].at == 20_000 * 86_400_000
    assert wishes.language == "fr"
    assert shop.profile("1").attributes == {"since": "1970-01-11"}


def test_the_reference_lists_every_key() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "import-mapping.md"
    text = page.read_text("utf-8")
    for kind in (mapping.Mapping, mapping.FileFormat, mapping.PointColumn, mapping.ConsentRule,
                 mapping.ObjectionRule, mapping.EvidenceColumns, mapping.TopicRule,
                 mapping.AttributeColumn, mapping.Condition, mapping.Constant,
                 mapping.Moment):  # fmt: skip
        for field in structs.fields(kind):
            assert f"`{field.encode_name}`" in text, (kind.__name__, field.encode_name)
