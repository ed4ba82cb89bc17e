"""What `reciprocity init` writes works as it stands, whenever and for whomever it is run."""

import tomllib
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reciprocity.brand import load, problems, starter
from reciprocity.errors import InputError
from tests.brand.shop import TODAY, shop, write


def test_the_starter_passes_every_check(tmp_path):
    assert problems(shop(tmp_path)) == ()


@pytest.mark.parametrize("today", [date(2026, 11, 23), date(2028, 2, 29), date(2099, 12, 31)])
def test_its_campaign_is_open_all_over_the_world_on_the_day_it_is_written(tmp_path, today):
    campaign = load(write(tmp_path / "shop", starter(None, today))).campaigns["spring"]
    noon = datetime(today.year, today.month, today.day, 12, tzinfo=UTC)
    for hours in (-26, 26):
        at = int((noon + timedelta(hours=hours)).timestamp()) * 1000
        assert campaign.opens <= at < campaign.closes


@pytest.mark.parametrize(
    ("name", "brand_id"),
    [
        ("Blau", "blau"),
        ("Café Zoë & Söhne", "cafe-zoe-sohne"),
        ('The "Old" \\ Mill', "the-old-mill"),
        ("Harbour & Vale Outlet", "harbour-vale-outlet"),
        ("Smith, Jones <Ltd>", "smith-jones-ltd"),
        ("3 Eichen", "eichen"),
    ],
)
def test_a_brand_of_any_name_gets_a_starter_that_passes(tmp_path, name, brand_id):
    folder = write(tmp_path / "shop", starter(name, TODAY))
    assert problems(folder) == ()
    statement = load(folder).statement
    assert (statement.name, statement.id) == (name, brand_id)
    assert statement.domain == f"{brand_id}.example"
    assert name in statement.notices["offers"].text["de"]


@pytest.mark.parametrize("name", ["", "北京", "&", "two\nlines", "a" * 61])
def test_a_name_that_gives_no_id_is_refused(name):
    with pytest.raises(InputError, match="brand name gives no id"):
        starter(name, TODAY)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=70))
def test_no_name_writes_a_file_that_is_not_toml(name):
    try:
        files = starter(name, TODAY)
    except InputError:
        return
    assert tomllib.loads(files["brand.toml"])["brand"]["name"] == name


def test_it_shows_a_tree_of_five_topics_and_notices_in_two_languages(tmp_path):
    statement = load(shop(tmp_path)).statement
    assert len(statement.topics) == 5
    assert any(topic.parent for topic in statement.topics.values())
    assert all(set(notice.text) == {"en", "de"} for notice in statement.notices.values())


def test_every_table_of_it_is_explained(tmp_path):
    lines = (shop(tmp_path) / "brand.toml").read_text().splitlines()
    assert sum("#" in line for line in lines) > len(lines) / 4
    assert (
        max(map(len, (line for line in lines if "Yes," not in line and "Ja," not in line))) <= 100
    )
