import re
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reciprocity.deliver.email.mime import build, heading, message_id
from reciprocity.deliver.email.template import Rendered
from reciprocity.errors import InputError

AT = 1_790_000_000_000
URL = "https://shop.example/u/Zm9v-bar_baz"
MESSAGE_ID = message_id("shop.example", "1")
HEAD = heading("The Shop <news@shop.example>", "offers.shop.example")

ONE_LINE = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=250
).filter(lambda text: text == text.strip() != "")
CONTENT = st.one_of(
    st.text(max_size=2_000),
    st.text(alphabet=" .\t\n=_-aF", max_size=400),
    st.text(alphabet="שלום עולם\n😀", max_size=400),
)


def mail(rendered=None, *, head=HEAD, **changes):
    wanted = {"recipient": "ann@example.com", "at": AT, "message_id": MESSAGE_ID}
    wanted |= {"receipt_id": "r-17", "unsubscribe_url": URL}
    rendered = rendered or Rendered(subject="Spring", text="Hello\n", html="<p>Hello</p>\n")
    return build(head, rendered, **(wanted | changes))


def read(content):
    message = message_from_bytes(content, policy=policy.default)
    assert not message.defects
    return message


def same_lines(text):
    return text.replace("\r\n", "\n").replace("\r", "\n")


@given(ONE_LINE, CONTENT, CONTENT.filter(bool))
@example("x" * 250, ".\n..\n", "x" * 5_000)
@example("a  b " * 40 + ".", "From here\n", "--=_reciprocity--\r\n=_ =3D= =\n= ")
@example("=?utf-8?q?no?=", " \n\t\n trailing \n", "\n")
@example("שלום 😀" * 30, "😀" * 2_000, "é " * 30)
@example("word " * 30 + "end", "a\rb\r\nc\nd", "\x00\x0b\x0c\x1c\x85\u2028")
def test_a_mail_says_to_a_reader_what_was_rendered(subject, text, html):
    content = mail(Rendered(subject=subject, text=text, html=html))
    message = read(content)
    plain, rich = message.iter_parts()
    assert message["Subject"] == subject
    assert plain.get_content_type() == "text/plain"
    assert rich.get_content_type() == "text/html"
    assert same_lines(plain.get_content()).rstrip("\n") == same_lines(text).rstrip("\n")
    assert same_lines(rich.get_content()).rstrip("\n") == same_lines(html).rstrip("\n")
    assert content.isascii()
    assert all(len(line) <= 78 for line in content.split(b"\r\n"))
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", content)


@given(CONTENT)
def test_a_mail_without_html_is_text_alone(text):
    message = read(mail(Rendered(subject="s", text=text)))
    assert message.get_content_type() == "text/plain"
    assert same_lines(message.get_content()).rstrip("\n") == same_lines(text).rstrip("\n")


@given(ONE_LINE.filter(lambda name: len(name.encode()) <= 39))
@example('Ann "the Shop" O\\Neil')
@example("Söhne & Töchter, 50% (GmbH)")
def test_a_senders_name_arrives_as_it_is(name):
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    message = read(mail(head=heading(f'"{quoted}" <news@shop.example>')))
    (sender,) = message["From"].addresses
    assert (sender.display_name, sender.addr_spec) == (name, "news@shop.example")


@pytest.mark.parametrize("name", ["a" * 100, "Großhändler für Ähren und Öle in Überlingen, Süd"])
def test_a_long_senders_name_arrives_as_it_is(name):
    # read by the older parser: the newer one puts spaces between encoded words in a name
    header = message_from_bytes(mail(head=heading(f'"{name}" <news@shop.example>')))["From"]
    assert str(make_header(decode_header(header))) == f"{name} <news@shop.example>"


def test_a_mail_carries_its_headers():
    message = read(mail())
    assert message["From"] == "The Shop <news@shop.example>"
    assert message["To"] == "ann@example.com"
    assert parsedate_to_datetime(message["Date"]).timestamp() * 1_000 == AT
    assert message["Message-ID"] == MESSAGE_ID
    assert message["MIME-Version"] == "1.0"
    assert message["List-Id"] == "<offers.shop.example>"
    assert message["Reciprocity-Receipt"] == "r-17"
    assert len(message.keys()) == len({name.lower() for name in message})


def test_one_click_is_offered_by_both_headers_or_by_none():
    assert read(mail())["List-Unsubscribe"] == f"<{URL}>"
    assert read(mail())["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    service = read(mail(unsubscribe_url=""))
    assert "List-Unsubscribe" not in service
    assert "List-Unsubscribe-Post" not in service


def test_a_message_id_is_the_same_for_the_same_attempt_and_keeps_the_reference_secret():
    assert message_id("shop.example", "t0ken") == message_id("shop.example", "t0ken")
    assert message_id("shop.example", "t0ken") != message_id("shop.example", "t1ken")
    assert message_id("shop.example", "t0ken") != message_id("shop2.example", "t0ken")
    assert "t0ken" not in message_id("shop.example", "t0ken")


def test_the_same_arguments_make_the_same_bytes():
    assert mail() == mail()


@pytest.mark.parametrize(
    "changes",
    [
        {"recipient": "ann@example.com\r\nBcc: bob@example.com"},
        {"recipient": "ann@example.com, bob@example.com"},
        {"recipient": "Ann <ann@example.com>"},
        {"recipient": "ann"},
        {"recipient": ""},
        {"recipient": "änn@example.com"},
        {"receipt_id": "r\r\nBcc: bob@example.com"},
        {"receipt_id": ""},
        {"unsubscribe_url": "https://shop.example/u/a>\r\nBcc: bob@example.com"},
        {"unsubscribe_url": "https://shop.example/u/a>, <https://other.example"},
        {"unsubscribe_url": "mailto:leave@shop.example"},
        {"unsubscribe_url": "https://shop.example/" + "x" * 1_000},
        {"message_id": "<a@b>\r\nBcc: bob@example.com"},
        {"message_id": "a@b"},
        {"rendered": Rendered(subject="a\r\nBcc: bob@example.com", text="t")},
        {"rendered": Rendered(subject="a\u2028b", text="t")},
        {"rendered": Rendered(subject="a", text="half \ud800")},
    ],
)
def test_nothing_breaks_out_of_its_header_and_no_value_is_quoted(changes):
    with pytest.raises(InputError) as wrong:
        mail(**changes)
    assert "example.com" not in str(wrong.value)


@pytest.mark.parametrize(
    "sender",
    ["", "news", "a@b.example, c@d.example", "The Shop", "x\r\nBcc: a@b.example <n@b.example>"],
)
def test_a_sender_is_one_address(sender):
    with pytest.raises(InputError, match="sender is not one address"):
        heading(sender)


@pytest.mark.parametrize("domain", ["", "shop example", "shop.example>\r\nBcc: x", "-"])
def test_a_domain_is_a_host_name(domain):
    with pytest.raises(InputError, match="host name"):
        message_id(domain, "1")
    if domain:
        with pytest.raises(InputError, match="list id"):
            heading("news@shop.example", domain)
