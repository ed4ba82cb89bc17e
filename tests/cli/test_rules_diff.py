"""Who would be treated otherwise under another brand file: counted, drawn, nothing changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest

from reciprocity.cli import main
from tests.shop import entry_for, new_shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reciprocity.platform import Reciprocity

RULE = """
[[rules]]
reason = "frequent"
when = "visits > 4"
"""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Reciprocity]:
    with new_shop(tmp_path) as shop:
        visits = [5] * 6 + [1] * 3
        shop.journal.append_many(
            [entry_for(shop, n, {"garden": 2}, visits=told) for n, told in enumerate(visits)]
        )
        yield shop


def other(shop: Reciprocity, tmp_path: Path, *changes: tuple[str, str]) -> Path:
    """A folder beside the shop's with its brand file, changed."""
    text = (shop.brand.folder / "brand.toml").read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    folder = tmp_path / f"other-{len(list(tmp_path.iterdir()))}"
    folder.mkdir()
    (folder / "brand.toml").write_text(text)
    return folder


def told(shop: Reciprocity, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    assert main(["--brand", str(shop.brand.folder), "rules", "diff", *more, "--json"]) == 0
    return dict(json.loads(capsys.readouterr().out))


def test_a_new_rule_stops_those_whom_it_names(shop, tmp_path, capsys):
    size = shop.journal.state().size
    new = other(shop, tmp_path, ("[campaigns.spring]", RULE + "[campaigns.spring]"))
    found = told(shop, capsys, str(new))
    assert found["people"] == 9
    assert found["moved"] == [
        {"message": "garden", "before": ["deliver", ""], "after": ["refuse", "brand:frequent"],
         "people": 6},
    ]  # fmt: skip
    assert found["before"]["garden"] == {"deliver": 9}
    assert found["after"]["garden"] == {"brand:frequent": 6, "deliver": 3}
    assert shop.journal.state().size == size


def test_the_same_file_changes_nothing(shop, tmp_path, capsys):
    found = told(shop, capsys, str(other(shop, tmp_path) / "brand.toml"))
    assert found["moved"] == []
    assert found["before"] == found["after"]


def test_a_lower_cap_counts_what_was_sent(shop, tmp_path, capsys):
    shop.send("spring", "operator:tests")
    new = other(shop, tmp_path, ("cap_7_days = 3", "cap_7_days = 1"),
                ('title = "Spring"', 'title = "Spring"\nlimit = 2'))  # fmt: skip
    found = told(shop, capsys, str(new))
    assert {one["message"] for one in found["moved"]} <= {"garden", "kitchen"}
    assert sum(found["before"]["kitchen"].values()) == sum(found["after"]["kitchen"].values()) == 9


def test_messages_that_one_file_alone_has_are_named(shop, tmp_path, capsys):
    new = other(shop, tmp_path, ("messages.kitchen]", "messages.cellar]"))
    found = told(shop, capsys, str(new))
    assert (found["gone"], found["added"]) == (["kitchen"], ["cellar"])


def test_two_files_are_held_against_each_other(shop, tmp_path, capsys):
    old = other(shop, tmp_path, ("[campaigns.spring]", RULE + "[campaigns.spring]"))
    found = told(shop, capsys, str(other(shop, tmp_path)), "--old", str(old))
    assert found["moved"][0]["after"] == ["deliver", ""]


def test_it_is_shown_and_drawn(shop, tmp_path, capsys):
    new = other(shop, tmp_path, ("[campaigns.spring]", RULE + "[campaigns.spring]"))
    picture = tmp_path / "diff.svg"
    folder = str(shop.brand.folder)
    assert main(["--brand", folder, "rules", "diff", str(new), "--picture", str(picture)]) == 0
    shown = capsys.readouterr().out
    assert "brand:frequent" in shown
    assert "6 could be no more" in " ".join(shown.split())
    drawn = ElementTree.fromstring(picture.read_text())  # noqa: S314 - our own
    widths = {
        one[0].text: float(one.get("width", 0)) for one in drawn.iter() if len(one) == 1
    }  # fmt: skip
    assert widths["brand:frequent: 6"] == pytest.approx(2 * widths["deliver: 3"], rel=0.01)


@pytest.mark.parametrize("name", ["nothing-here", "broken"])
def test_a_file_with_faults_is_refused_with_all_of_them(shop, tmp_path, capsys, name):
    folder = tmp_path / name
    if name == "broken":
        folder = other(shop, tmp_path, ('purpose = "offers"', 'purpose = "offer"'))
    assert main(["--brand", str(shop.brand.folder), "rules", "diff", str(folder)]) == 2
    assert "brand.toml" in capsys.readouterr().err


def test_a_picture_is_an_svg(shop):
    folder = str(shop.brand.folder)
    assert main(["--brand", folder, "rules", "diff", folder, "--picture", "x.png"]) == 2
