"""A rendered message as the bytes that travel (RFC 5322, 2045, 2047, 8058), written by hand.

The standard library's `EmailMessage` takes milliseconds a mail because it parses every header it
is given. What a campaign's mails share is written once here (`Heading`), and a mail adds six
headers and two encoded bodies. Everything is 7-bit, so no server on the way has to rewrite, and
thereby break a signature over, what we wrote.
"""

import re
import time
from binascii import b2a_base64, b2a_qp
from email.utils import getaddresses
from hashlib import sha256
from typing import Final

from msgspec import Struct

from reciprocity.deliver.email.template import Rendered
from reciprocity.errors import InputError
from reciprocity.model import Instant

__all__ = ["RECEIPT_HEADER", "Heading", "build", "heading", "message_id"]

RECEIPT_HEADER: Final = "Reciprocity-Receipt"
LINE_MAX: Final = 66  # bytes of text beside a header's name: lines stay within 78
WORD_MAX: Final = 39  # bytes of text in an encoded word: 52 in base64, 64 with its frame

_BOUNDARY: Final = b"=_reciprocity"  # no encoded body holds "=_": after "=" come hex digits or CR
_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
)
_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
_URL: Final = re.compile(r"https?://[!-;=?-~]{1,900}")
_MESSAGE_ID: Final = re.compile(r"<[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9._-]{1,253}>")
_RECEIPT: Final = re.compile(r"[A-Za-z0-9._:/+=-]{1,200}")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip


class Heading(Struct, frozen=True, kw_only=True):
    """The headers that all mails of a message share, ready to be written; *sender* is bare."""

    sender: str
    lines: bytes


def heading(sender: str, list_id: str = "") -> Heading:
    """What all mails of a message share: who writes, and which list a person leaves.

    *sender* is `name@brand.example` or `Brand <name@brand.example>`, the name in any language;
    *list_id* (RFC 2919) looks like `offers.brand.example`. Raises `InputError` for anything that
    is not one address, or would break out of its header.
    """
    found = getaddresses([sender])
    name, address = found[0] if len(found) == 1 else ("", "")
    if _CONTROL.search(sender) or not _ADDRESS.fullmatch(address):
        raise InputError(
            "sender is not one address like `Brand <news@brand.example>`; "
            "put a name that holds a comma in double quotes"
        )
    lines = [b"From: " + _named(name, address), b"MIME-Version: 1.0"]
    if list_id:
        if not _HOST.fullmatch(list_id):
            raise InputError("list id is not of the form `offers.brand.example`")
        lines.append(b"List-Id: <%b>" % list_id.encode())
    return Heading(sender=address, lines=b"\r\n".join(lines) + b"\r\n")


def message_id(domain: str, reference: str) -> str:
    """The Message-ID of the attempt with this *reference*, always the same one.

    A hash, so that a reference which is a secret (an unsubscribe token) stays one.

    >>> message_id("brand.example", "attempt 7 of slot 3")
    '<d23285c8ce85614ca484f1ee6ed9be00@brand.example>'
    """
    if not _HOST.fullmatch(domain):
        raise InputError("domain of the message id is not a host name like `brand.example`")
    digest = sha256(b"message-id\0" + reference.encode()).hexdigest()
    return f"<{digest[:32]}@{domain}>"


def build(
    head: Heading,
    rendered: Rendered,
    *,
    recipient: str,
    at: Instant,
    message_id: str,
    receipt_id: str,
    unsubscribe_url: str = "",
) -> bytes:
    """The whole mail, CRLF line ends, no line over 998 bytes (in fact none over 78 in a body).

    With *unsubscribe_url* it carries both headers of RFC 8058, so that a mail program can offer one
    click; that page must withdraw on POST only. Without (a service message) it carries neither.
    Raises `InputError` for what would break out of a header; no value is quoted in the message.
    """
    _demand(_ADDRESS, recipient, "recipient is not an address we can write to (ASCII, no quotes)")
    _demand(_MESSAGE_ID, message_id, "message id is not of the form `<word@brand.example>`")
    _demand(_RECEIPT, receipt_id, "receipt id is not a short word of letters and digits")
    if _CONTROL.search(rendered.subject):
        raise InputError("subject holds a line break or control sign")
    lines = [
        head.lines,
        b"To: %b\r\n" % recipient.encode(),
        _unstructured(b"Subject: ", rendered.subject),
        b"Date: %b\r\nMessage-ID: %b\r\n" % (_date(at), message_id.encode()),
        b"%b: %b\r\n" % (RECEIPT_HEADER.encode(), receipt_id.encode()),
    ]
    if unsubscribe_url:
        _demand(_URL, unsubscribe_url, "unsubscribe address is not a URL of ASCII characters")
        lines.append(
            b"List-Unsubscribe: <%b>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
            % unsubscribe_url.encode()
        )
    return b"".join([*lines, *_bodies(rendered)])


def _demand(pattern: re.Pattern[str], value: str, problem: str) -> None:
    """Refuse a *value* that is not wholly as *pattern* says."""
    if not pattern.fullmatch(value):
        raise InputError(problem)


def _bodies(rendered: Rendered) -> list[bytes]:
    """The parts: text alone, or text and HTML as alternatives of which the last is the best."""
    text = _body(b"plain", rendered.text)
    if not rendered.html:
        return [text]
    start = b"--" + _BOUNDARY
    return [
        b'Content-Type: multipart/alternative; boundary="%b"\r\n\r\n' % _BOUNDARY,
        b"%b\r\n%b\r\n%b\r\n%b\r\n%b--\r\n"
        % (start, text, start, _body(b"html", rendered.html), start),
    ]


def _body(subtype: bytes, content: str) -> bytes:
    """One text part with its headers: quoted-printable, or base64 if that is shorter."""
    lines = content.replace("\r\n", "\n").replace("\r", "\n")
    try:
        data = lines.encode()
    except UnicodeEncodeError:
        raise InputError("message text is no valid text: it holds half a character") from None
    if len(data) - len(lines) > len(lines) // 4:
        whole = b2a_base64(data.replace(b"\n", b"\r\n"), newline=False)
        coded = b"\r\n".join([whole[at : at + 76] for at in range(0, len(whole), 76)])
        how = b"base64"
    else:
        coded = b2a_qp(data, istext=True).replace(b"\n", b"\r\n")
        how = b"quoted-printable"
    ending = b"" if coded.endswith(b"\r\n") else b"\r\n"
    return (
        b'Content-Type: text/%b; charset="utf-8"\r\nContent-Transfer-Encoding: %b\r\n\r\n%b%b'
        % (subtype, how, coded, ending)
    )


def _date(at: Instant) -> bytes:
    """The instant *at* as RFC 5322 writes it, in UTC.

    >>> _date(1_700_000_000_000)
    b'Tue, 14 Nov 2023 22:13:20 +0000'
    """
    t = time.gmtime(at // 1000)
    return (
        f"{_DAYS[t.tm_wday]}, {t.tm_mday:02d} {_MONTHS[t.tm_mon - 1]} {t.tm_year} "
        f"{t.tm_hour:02d}:{t.tm_min:02d}:{t.tm_sec:02d} +0000"
    ).encode()


def _named(name: str, address: str) -> bytes:
    """An address with its display name, quoted or encoded as its letters demand."""
    if not name:
        return address.encode()
    if not name.isascii() or "=?" in name or len(name) > LINE_MAX:
        return b"\r\n ".join([*_words(name), b"<%b>" % address.encode()])
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{address}>'.encode()


def _unstructured(start: bytes, text: str) -> bytes:
    """A header line of free *text*: as it is if it is ASCII, else encoded words (RFC 2047).

    >>> _unstructured(b"Subject: ", "Grüße").rstrip()
    b'Subject: =?utf-8?B?R3LDvMOfZQ==?='
    """
    plain = text.isascii() and "=?" not in text and text == text.strip() and "  " not in text
    if plain and len(text) <= LINE_MAX:
        return start + text.encode() + b"\r\n"
    if plain and max(map(len, text.split(" "))) <= LINE_MAX:
        return start + b"\r\n".join(_folded(text)) + b"\r\n"
    return start + b"\r\n ".join(_words(text)) + b"\r\n"


def _folded(text: str) -> list[bytes]:
    """ASCII *text* in lines of at most 67 bytes, broken before a space (RFC 5322, 2.2.3)."""
    lines = [""]
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}" if lines != [""] else word
        if len(joined) <= LINE_MAX + 1:
            lines[-1] = joined
        else:
            lines.append(f" {word}")
    return [line.encode() for line in lines]


def _words(text: str) -> list[bytes]:
    """*text* as encoded words of at most 64 bytes, each made of whole characters."""
    words, chunk = [], b""
    for sign in text:
        data = sign.encode()
        if len(chunk) + len(data) > WORD_MAX:
            words.append(chunk)
            chunk = b""
        chunk += data
    words.append(chunk)
    return [b"=?utf-8?B?%b?=" % b2a_base64(word, newline=False) for word in words]
