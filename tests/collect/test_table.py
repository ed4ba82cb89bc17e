"""A broken file is refused before anything is taken; a broken row alone, with its line."""

import gzip
import os
import tracemalloc
from pathlib import Path

import pytest

from reciprocity.collect.table import Row, Table
from reciprocity.errors import InputError

HEAD = "id,mail,sure,offers,looks,when,how,tea,spent,town,since,member,lang,zone\n"
ROW = "{},p{}@shop.example,,yes,,2026-01-01,form,,,,,,,\n"
GOOD = (HEAD + "".join(ROW.format(n, n) for n in range(5))).encode()

BROKEN = {
    "empty": (b"", "is empty"),
    "blank": (b"\n\n  \n", "no name for column 1"),
    "no line of names": (b"\n\n", "no line of column names"),
    "utf-16": (GOOD.decode().encode("utf-16"), "line 1: (is not UTF-8|holds a NUL)"),
    "latin-1": (GOOD + "9,jürg@shop.example\n".encode("latin-1"), "line 7: is not UTF-8"),
    "nul": (GOOD + b"9,a\0b\n", "line 7: holds a NUL byte"),
    "huge line": (GOOD + b"9," + b"x" * (1 << 21) + b"\n", "line 7: longer than 1 MiB"),
    "huge cell": (GOOD + b'9,"' + b"line\n" * 40_000, "is not CSV: a quotation mark is opened"),
    "open quote": (GOOD + b'9,"never closed\n', "is not CSV: a quotation mark is opened"),
    "stray quote": (GOOD + b'9,"a"b\n', "line 7: is not CSV"),
    "two names alike": (b"id,mail,id\n1,a,2\n", "one name for columns 1 and 3"),
    "no name": (b"id,,mail\n1,a,2\n", "no name for column 2"),
    "cut-off gzip": (gzip.compress(GOOD)[:-12], "broken gzip file"),
    "half a gzip": (gzip.compress(os.urandom(9_999))[:3_000], "broken gzip file|not UTF-8|NUL"),
    "wrong checksum": (gzip.compress(GOOD)[:-8] + bytes(8), "broken gzip file"),
    "no gzip inside": (b"\x1f\x8bhello", "broken gzip file"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_and_nothing_is_taken(shop, name: str) -> None:
    content, expected = BROKEN[name]
    path = shop.folder / "people.csv"
    path.write_bytes(content)
    size = shop.journal.state().size
    with pytest.raises(InputError, match=expected) as caught:
        shop.take(path)
    assert "shop.example" not in str(caught.value)
    assert shop.journal.state().size == size


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda _: None, "is missing"),
        (lambda path: path.mkdir(), "is a folder"),
        (os.mkfifo, "is no ordinary file"),
    ],
)
def test_what_is_no_file_is_refused(tmp_path: Path, make, expected: str) -> None:
    path = tmp_path / "people.csv"
    make(path)
    with pytest.raises(InputError, match=expected):
        Table(path)


@pytest.mark.parametrize("zipped", [False, True])
def test_rows_come_with_their_line_and_number_plain_or_zipped(tmp_path: Path, *, zipped) -> None:
    text = b'\xef\xbb\xbfa,b\r\n1,"two\nlines"\r\n\r\n2,\xc3\xa4\r\n'
    path = tmp_path / "people.csv"  # gzip is told by content, not by name
    path.write_bytes(gzip.compress(text) if zipped else text)
    with Table(path) as table:
        assert table.columns == ("a", "b")
        assert table.check() == 2
        for _ in range(2):
            assert list(table.rows()) == [Row(2, 1, ["1", "two\nlines"]), Row(5, 2, ["2", "ä"])]
        assert table.position == table.size


@pytest.mark.parametrize(
    ("mine", "other"), [(",", ";"), (",", "\t"), (",", "|"), (";", ","), ("|", ";")]
)
def test_a_file_split_at_the_wrong_character_is_told_in_one_error(shop, mine, other) -> None:
    path, told = shop.folder / "people.csv", r"\t" if other == "\t" else other
    path.write_text(HEAD.replace(",", other) + "1" + other * 13 + "\n", "utf-8")
    mapping = shop.mapping.replace(
        "[points.email]", f'[file]\ndelimiter = "{mine}"\n[points.email]'
    )
    with pytest.raises(InputError) as caught:
        shop.take(path, mapping=mapping)
    (problem,) = caught.value.problems
    assert f'file.delimiter: "{mine}" splits the people file into one column' in problem
    assert f'write delimiter = "{told}" below [file]' in problem
    assert f'with 13 "{told}" in its name' in problem
    right = mapping.replace(f'delimiter = "{mine}"', f'delimiter = "{told}"')
    assert shop.take(path, mapping=right).new == 1


def test_names_in_quotes_that_are_split_at_the_wrong_character_name_the_key(shop) -> None:
    path = shop.folder / "people.csv"
    path.write_text('"id";"mail"\n"1";"p1@shop.example"\n', "utf-8")
    with pytest.raises(
        InputError, match=r"line 1: is not CSV: .* split at ','\? \[file\] delimiter"
    ):
        shop.take(path)


def test_the_line_that_ought_to_be_names_is_not_repeated(shop) -> None:
    path = shop.folder / "people.csv"
    path.write_text("1;ann@shop.example;yes\n2;ben@shop.example;no\n", "utf-8")
    with pytest.raises(InputError, match=r"file\.delimiter") as caught:
        shop.take(path)
    assert "ann" not in str(caught.value)


def test_one_column_that_the_mapping_names_may_have_any_name(shop) -> None:
    path = shop.folder / "people.csv"
    path.write_text('"nr; or id"\n1\n', "utf-8")
    assert shop.take(path, mapping='name = "crm"\nexternal_id = "nr; or id"\n').new == 1


def test_a_row_of_another_length_is_refused_alone(shop) -> None:
    path = shop.folder / "people.csv"
    path.write_bytes(GOOD + b"8,p8@shop.example\n" + b"9" + b"," * 20 + b"\n" + b"7" + b"," * 13)
    report = shop.take(path)
    assert (report.rows, report.new, report.refused) == (8, 6, 2)
    assert shop.rejects() == [
        (7, "row has 2 cells, expected 14"), (8, "row has 21 cells, expected 14"),
    ]  # fmt: skip


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        path = tmp_path / f"{rows}.csv"
        path.write_text(HEAD + "".join(ROW.format(n, n) for n in range(rows)), "utf-8")
        tracemalloc.start()
        with Table(path) as table:
            assert table.check() == rows
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(10)  # whatever is loaded only once
    assert peak(20_000) < 2 * peak(2_000)


def test_the_rejects_file_is_never_the_people_file(shop) -> None:
    path = shop.folder / "rejects.csv"
    path.write_bytes(GOOD)
    with pytest.raises(InputError, match="rejects file is the people file"):
        shop.take(path)
    assert path.read_bytes() == GOOD


def test_a_rejects_file_that_cannot_be_written_stops_before_anything_is_taken(shop) -> None:
    (shop.folder / "rejects.csv").mkdir()
    size = shop.journal.state().size
    with pytest.raises(InputError, match=r"rejects file .* cannot be written"):
        shop.import_rows({"id": "1"})
    assert shop.journal.state().size == size
