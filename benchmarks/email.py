"""Mails built on one core: rendered, encoded and signed by hand, against the standard library.

The mail is what a campaign sends: a subject with a name in it, a text of 1.5 KB, an HTML part of
13 KB as a layout tool makes it, and the headers of RFC 8058. The peer takes the same rendered
text through `EmailMessage` and its default policy, which is what its documentation shows; the
naive way also parses its template anew for each person. `reciprocity.deliver.email.dkim` is
measured with both kinds of key.
"""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.table import Row, as_markdown, median_seconds
from reciprocity.deliver.email.dkim import DkimKey, sign
from reciprocity.deliver.email.mime import build, heading, message_id
from reciprocity.deliver.email.template import Rendered, compile_message, render

__all__ = ["rows"]

AT = 1_790_000_000_000
MAILS = 400
SUBJECT = "{{ city|title }}: spring is here"
TEXT = (
    "Dear reader in {{ city }},\n\n"
    + "Our new range of boots is in the shop, and it is for walking.\n" * 22
    + "{% if newbie %}Welcome!{% else %}Good to see you again.{% endif %}\n\n"
    "{{ reason_line }}\nLeave: {{ unsubscribe_url }}\n"
)
ROW = (
    '<tr><td style="font-family:Arial,sans-serif;font-size:14px;line-height:1.5;padding:0 24px">'
    "Our new range of boots is in the shop, and it is for walking in {{ city }}.</td></tr>\n"
)
HTML = (
    '<!doctype html><html><head><meta charset="utf-8"><style>'
    + "td{padding:0 10px;mso-table-lspace:0}\n" * 40
    + "</style></head><body><table>"
    + ROW * 70
    + '</table><p>{{ reason_line }} <a href="{{ unsubscribe_url }}">Leave</a></p></body></html>\n'
)
SENDER = "Schuh & Söhne <news@shop.example>"


def values(number: int) -> dict[str, object]:
    return {
        "city": "Zürich" if number % 3 else "Ulm",
        "newbie": number % 2 == 0,
        "brand_name": "Schuh & Söhne",
        "reason_line": "You asked for our offers on 3 May.",
        "unsubscribe_url": f"https://shop.example/u/{number:032x}",
    }


def by_hand() -> Callable[[int], bytes]:
    message, head = compile_message(SUBJECT, TEXT, HTML), heading(SENDER, "offers.shop.example")

    def make(number: int) -> bytes:
        given = values(number)
        return build(
            head,
            render(message, given),
            recipient=f"c{number:05d}@example.com",
            at=AT,
            message_id=message_id("shop.example", str(number)),
            receipt_id=str(number),
            unsubscribe_url=str(given["unsubscribe_url"]),
        )

    return make


def by_library(*, compile_each: bool) -> Callable[[int], bytes]:
    message = compile_message(SUBJECT, TEXT, HTML)

    def make(number: int) -> bytes:
        given = values(number)
        compiled = compile_message(SUBJECT, TEXT, HTML) if compile_each else message
        return as_email_message(render(compiled, given), number, str(given["unsubscribe_url"]))

    return make


def as_email_message(rendered: Rendered, number: int, url: str) -> bytes:
    mail = EmailMessage(policy=SMTP)
    mail["From"] = formataddr(("Schuh & Söhne", "news@shop.example"))
    mail["To"] = f"c{number:05d}@example.com"
    mail["Subject"] = rendered.subject
    mail["Date"] = format_datetime(datetime.fromtimestamp(AT / 1000, UTC))
    mail["Message-ID"] = message_id("shop.example", str(number))
    mail["List-Id"] = "<offers.shop.example>"
    mail["List-Unsubscribe"] = f"<{url}>"
    mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail["Reciprocity-Receipt"] = str(number)
    mail.set_content(rendered.text)
    mail.add_alternative(rendered.html, subtype="html")
    return mail.as_bytes()


def signed(key: DkimKey) -> Callable[[int], bytes]:
    make = by_hand()
    return lambda number: sign(make(number), key, AT)


def mails_per_second(make: Callable[[int], bytes], mails: int) -> float:
    def work() -> None:
        for number in range(mails):
            make(number)

    return mails / median_seconds(work)


def rows() -> list[Row]:
    """Mails built a second, each against the standard library in the same run."""
    library = mails_per_second(by_library(compile_each=False), MAILS // 8)
    naive = mails_per_second(by_library(compile_each=True), MAILS // 8)
    ed25519 = DkimKey(domain="shop.example", selector="e", key=Ed25519PrivateKey.generate())
    rsa_2048 = DkimKey(
        domain="shop.example", selector="r", key=rsa.generate_private_key(65537, 2048)
    )
    made = (
        ("mails built", by_hand(), library, "EmailMessage", 1_614.0),
        ("mails built", by_hand(), naive, "EmailMessage, template parsed for each", None),
        ("mails built and signed, Ed25519", signed(ed25519), library, "EmailMessage", None),
        ("mails built and signed, RSA 2048", signed(rsa_2048), library, "EmailMessage", None),
    )
    return [
        Row(
            work=work, measured=mails_per_second(make, MAILS), unit="/s", limit=peer,
            limit_is=peer_is, at_least=at_least,
        )
        for work, make, peer, peer_is, at_least in made
    ]  # fmt: skip


def main() -> None:
    """Print the rows."""
    sys.stdout.write(as_markdown(rows()))


if __name__ == "__main__":
    main()
