"""A folder becomes a brand, whole, or nothing."""

from datetime import UTC, datetime

import pytest

from reciprocity.brand import Brand, load, problems
from reciprocity.errors import InputError
from reciprocity.model import Basis, Channel
from tests.brand.shop import shop


def test_the_starter_is_read_whole(tmp_path):
    brand = load(shop(tmp_path))
    assert isinstance(brand, Brand)
    assert brand.statement.id == "harbour-vale"
    assert brand.statement.purposes["order"].basis is Basis.CONTRACT
    assert brand.statement.channels["email"] == Channel(
        title="E-mail", kind="email", sender="Harbour & Vale <hello@harbour-vale.example>",
        cap_7_days=1, cap_30_days=4, quiet_from=21 * 60, quiet_until=8 * 60,
    )  # fmt: skip


def test_paths_are_whole_and_counted_from_the_folder(tmp_path):
    folder = shop(tmp_path)
    brand = load(folder)
    assert brand.folder == folder
    assert brand.master_key == folder / "keys" / "master.key"
    assert brand.safekeeping == tmp_path / "harbour-vale-safekeeping"
    assert brand.transports["email"].path == str(folder / "maildir")


def test_a_message_holds_the_text_of_its_template_not_the_path(tmp_path):
    message = load(shop(tmp_path)).campaigns["spring"].messages["garden"]
    assert "it is time to sow" in message.text
    assert message.html.startswith("<!doctype html>")


def test_a_message_may_say_its_text_in_place(tmp_path):
    folder = shop(tmp_path, ('text_file = "templates/garden.txt.j2"', 'text = "Hello"'))
    assert load(folder).campaigns["spring"].messages["garden"].text == "Hello"


def test_an_instant_is_exact_to_the_millisecond_in_any_offset(tmp_path):
    folder = shop(
        tmp_path, ("opens = 2026-11-22T00:00:00Z", "opens = 2026-11-22T02:30:00.007+02:30")
    )
    opens = load(folder).campaigns["spring"].opens
    assert opens == int(datetime(2026, 11, 22, tzinfo=UTC).timestamp()) * 1000 + 7


def test_the_safekeeping_may_not_be_reached_through_a_link_into_the_folder(tmp_path):
    folder = shop(tmp_path)
    (folder / "inside").mkdir()
    (tmp_path / "harbour-vale-safekeeping").symlink_to(folder / "inside")
    assert any("safekeeping.path: lies inside" in line for line in problems(folder))


def test_load_says_the_first_problem_and_holds_all(tmp_path):
    folder = shop(
        tmp_path, ('language = "en"', 'language = "English"'), ("cap_7_days = 1", "cap_7_days = 9")
    )
    with pytest.raises(InputError, match=r"^brand.toml: brand.language: ") as raised:
        load(folder)
    assert raised.value.problems == problems(folder)
    assert len(raised.value.problems) > 1


def test_a_key_written_with_its_default_is_the_same_statement(tmp_path):
    plain = load(shop(tmp_path / "a", ("validity_days = 730 ", "# ")))
    said = load(shop(tmp_path / "b"))
    assert plain.statement == said.statement


@pytest.mark.parametrize(
    ("wreck", "expected"),
    [
        (lambda file: file.unlink(), "the file is missing; `reciprocity init DIR`"),
        (lambda file: file.write_bytes(b"\xff\xfe"), "not UTF-8 text (at byte 0)"),
        (lambda file: file.write_text("[brand"), "the file is not TOML"),
        (lambda file: file.write_text("a = " + "[" * 5000), "the file is not TOML"),
        (lambda file: file.write_text("a = " + "9" * 5000), "the file is not TOML"),
        (lambda file: file.write_text("#" * (1 << 20) + "#"), "larger than 1 MiB"),
        (lambda file: (file.unlink(), file.mkdir()), "is no ordinary file"),
        (lambda file: file.write_text(""), "brand: missing; expected a table"),
    ],
    ids=["missing", "encoding", "syntax", "deep", "huge number", "huge", "folder", "empty"],
)
def test_a_file_that_cannot_be_read_says_so_and_nothing_of_the_machine(tmp_path, wreck, expected):
    folder = shop(tmp_path)
    wreck(folder / "brand.toml")
    found = problems(folder)
    assert found[0].startswith("brand.toml: ")
    assert expected in found[0]
    assert str(tmp_path) not in "\n".join(found)
    with pytest.raises(InputError):
        load(folder)


def test_a_folder_that_is_not_there_is_a_problem_not_a_crash(tmp_path):
    assert problems(tmp_path / "nowhere") == (
        "brand.toml: the file is missing; `reciprocity init DIR` writes one to start from",
    )


def test_an_empty_file_lists_every_table_it_needs(tmp_path):
    folder = shop(tmp_path)
    (folder / "brand.toml").write_text("")
    keys = [line.split(": ")[1] for line in problems(folder)]
    assert keys == ["brand", "controller", "safekeeping", "purposes", "channels"]
