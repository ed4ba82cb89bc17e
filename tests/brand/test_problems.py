"""Everything that can be wrong with a brand file, each found under the key one would mend."""

import tomllib
from pathlib import Path

import pytest

from reciprocity.brand import problems
from tests.brand.shop import shop

GARDEN = "campaigns.spring.messages.garden"
OFFERS_PARENT = 'title = "Offers that fit me"\nparent = "marketing"'
WRONG = tomllib.loads(Path(__file__).with_name("wrong.toml").read_text("utf-8"))["wrong"]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: f"{wrong['key']}-{wrong['expected']}")
def test_it_is_found_under_the_key_to_mend(tmp_path, wrong):
    found = problems(shop(tmp_path, (wrong["old"], wrong["new"])))
    at_key = [line for line in found if line.startswith(f"brand.toml: {wrong['key']}: ")]
    assert any(wrong["expected"] in line for line in at_key), found


def test_every_problem_is_reported_at_once_not_the_first_alone(tmp_path):
    folder = shop(
        tmp_path,
        ('id = "harbour-vale"', 'id = "Harbour"\nslogan = "Fresh"'),
        (OFFERS_PARENT, 'title = "O"\nparent = "marketting"'),
        ('title = "My order"', ""),
        ('"Europe/London"', '"Mars"'),
        ("topics = { garden = 2", "topics = { gerden = 2"),
        ("templates/kitchen.html.j2", "templates/gone"),
        ('path = "../harbour', 'path = "safe" #'),
    )
    keys = {line.split(": ")[1] for line in problems(folder)}
    assert keys == {
        "brand.id", "brand.slogan", "brand.time_zone", "purposes.offers.parent",
        "purposes.order.title", f"{GARDEN}.topics",
        "campaigns.spring.messages.kitchen.html_file", "safekeeping.path",
    }  # fmt: skip


def test_who_refers_to_a_broken_entry_is_not_wrong_as_well(tmp_path):
    folder = shop(tmp_path, ('title = "Garden"', "title = 7"))
    assert problems(folder) == (
        "brand.toml: topics.garden.title: found the number 7, expected a text in quotes",
    )


def test_two_campaigns_may_not_share_the_id_of_a_message(tmp_path):
    again = """
[campaigns.summer]
title = "Summer"
opens = 2026-11-22T00:00:00Z
closes = 2027-11-22T00:00:00Z
[campaigns.summer.messages.garden]
purpose = "offers"
channel = "email"
subject = "S"
text = "T"
"""
    folder = shop(tmp_path)
    with (folder / "brand.toml").open("a") as file:
        file.write(again)
    keys = [line.split(": ")[1] for line in problems(folder)]
    assert keys == [GARDEN, "campaigns.summer.messages.garden"]


def test_a_template_may_not_lead_out_of_the_folder_through_a_link(tmp_path):
    (tmp_path / "secret").write_text("secret")
    folder = shop(tmp_path)
    (folder / "templates" / "garden.txt.j2").unlink()
    (folder / "templates" / "garden.txt.j2").symlink_to(tmp_path / "secret")
    (found,) = problems(folder)
    assert found.startswith(f"brand.toml: {GARDEN}.text_file: leads out of the folder")


def test_thousands_of_unknown_keys_are_counted_not_listed(tmp_path):
    folder = shop(tmp_path, ("[brand]", "".join(f"k{n} = 1\n" for n in range(5000)) + "[brand]"))
    found = problems(folder)
    assert len(found) < 30
    assert "found 5000 unknown keys in all" in "\n".join(found)
