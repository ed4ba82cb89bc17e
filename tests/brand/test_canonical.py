"""What goes into the log reads back exactly, and holds nothing local."""

import pytest

from reciprocity.brand import (
    campaign_body,
    load,
    notice_hash,
    read_campaign,
    read_statement,
    statement_body,
)
from reciprocity.errors import Damaged
from reciprocity.events import canonical
from tests.brand.shop import shop

SMTP = """kind = "smtp"
host = "mail.secret-host.example"
username = "secret-user"
password_file = "keys/secret-password"
#"""


def test_a_statement_reads_back_exactly(tmp_path):
    statement = load(shop(tmp_path)).statement
    body = statement_body(statement)
    assert read_statement(body) == statement
    assert statement_body(read_statement(body)) == body


def test_a_campaign_reads_back_exactly(tmp_path):
    campaign = load(shop(tmp_path)).campaigns["spring"]
    body = campaign_body(campaign)
    assert read_campaign(body) == campaign
    assert campaign_body(read_campaign(body)) == body


def test_bodies_are_the_canonical_json_of_the_journal(tmp_path):
    brand = load(shop(tmp_path))
    assert statement_body(brand.statement) == canonical(brand.statement)
    assert campaign_body(brand.campaigns["spring"]) == canonical(brand.campaigns["spring"])


def test_the_same_file_gives_the_same_bytes_whatever_its_order_or_spelt_out_defaults(tmp_path):
    plain = shop(tmp_path / "a", ("validity_days = 730 ", "# "))
    said = shop(tmp_path / "b", ('title = "Marketing"', 'basis = "consent"\ntitle = "Marketing"'))
    assert statement_body(load(plain).statement) == statement_body(load(said).statement)


def test_a_statement_says_nothing_of_this_machine_or_its_credentials(tmp_path):
    folder = shop(
        tmp_path,
        ('kind = "maildir"', SMTP),
        ("keys/master.key", "keys/secret-master"),
        ("http://localhost:8080", "https://secret-base.example"),
        ("../harbour-vale-safekeeping", "../secret-safekeeping"),
    )
    brand = load(folder)
    assert brand.transports["email"].username == "secret-user"
    for body in (statement_body(brand.statement), *map(campaign_body, brand.campaigns.values())):
        assert b"secret" not in body
        assert str(tmp_path).encode() not in body


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b'{"id":"UPPER"}', b'{"id":1}'])
def test_a_body_of_another_shape_is_damaged(body):
    with pytest.raises(Damaged, match="brand statement has another shape"):
        read_statement(body)
    with pytest.raises(Damaged, match="campaign statement has another shape"):
        read_campaign(body)


def test_another_word_language_or_notice_is_another_notice():
    shown = [("a", "en", "Yes"), ("a", "en", "Yes."), ("a", "de", "Yes"), ("b", "en", "Yes")]
    hashes = {notice_hash(*one) for one in shown}
    assert len(hashes) == 4
    assert all(len(one) == 45 for one in hashes)
    assert notice_hash("a", "en", "Yes") == notice_hash("a", "en", "Yes")
