"""Law packs are data that says where it comes from."""

import pytest

from reciprocity.brand import LawPack, known_laws, law_packs
from reciprocity.errors import InputError


@pytest.mark.parametrize("name", known_laws())
def test_every_pack_reads_names_its_source_and_claims_to_be_no_advice(name):
    (pack,) = law_packs([name])
    assert isinstance(pack, LawPack)
    assert pack.name == name
    assert len(pack.source) > 40
    assert pack.minimum_age >= 13


def test_packs_come_in_the_order_asked_for():
    assert [pack.name for pack in law_packs(("us", "eu"))] == ["us", "eu"]
    assert law_packs(()) == ()


def test_an_unknown_pack_is_refused_with_those_that_there_are():
    with pytest.raises(InputError, match=r"'mars' is not known: known are 'baseline', 'ca', 'eu'"):
        law_packs(["eu", "mars"])


@pytest.mark.parametrize("name", ["../starter/brand", "", "eu.toml", "EU"])
def test_a_name_is_never_a_path(name):
    with pytest.raises(InputError):
        law_packs([name])


def test_the_published_values_are_these():
    assert {pack.name: (pack.minimum_age, pack.maximum_validity_days) for pack in
            law_packs(known_laws())} == {
        "baseline": (13, 1095),
        "ca": (13, 730),
        "eu": (16, 1095),
        "uk": (13, 1095),
        "us": (13, 36_500),
    }  # fmt: skip
