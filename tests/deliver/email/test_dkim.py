import re
from base64 import b64decode
from email import message_from_bytes, policy
from hashlib import sha256

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from reciprocity.deliver.email.dkim import read_key, sign
from reciprocity.deliver.email.mime import build, heading, message_id
from reciprocity.deliver.email.template import Rendered
from reciprocity.errors import InputError

AT = 1_790_000_000_000

# RFC 8463, appendix A.3, without its second signature
RFC_8463 = b"""\
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
""".replace(b"\n", b"\r\n")
RFC_8463_PUBLIC = b64decode("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")


def verify(mail, public):
    """What a reader does with the first header of *mail*, read off RFC 6376 line by line."""
    head, body = mail.split(b"\r\n\r\n", 1)
    fields = re.split(rb"\r\n(?![ \t])", head)
    tags = dict(
        re.fullmatch(rb"\s*(\w+)=(.*?)\s*", tag, re.DOTALL).groups()
        for tag in fields[0].split(b":", 1)[1].split(b";")
    )
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    relaxed = b"".join(line + b"\r\n" for line in lines)
    assert b64decode(tags[b"bh"]) == sha256(relaxed).digest()
    left = fields[1:]
    signed = b""
    for name in re.split(rb"\s*:\s*", tags[b"h"]):
        for place in reversed(range(len(left))):
            if left[place].split(b":")[0].strip().lower() == name.lower():
                signed += canonical(left.pop(place)) + b"\r\n"
                break
    signed += canonical(re.sub(rb"(;\s*b=)[^;]*", rb"\1", fields[0]))
    signature = b64decode(re.sub(rb"\s", b"", tags[b"b"]))
    if isinstance(public, Ed25519PublicKey):
        public.verify(signature, sha256(signed).digest())
    else:
        public.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
    return tags


def canonical(field):
    name, value = field.split(b":", 1)
    return name.strip().lower() + b":" + re.sub(rb"[ \t\r\n]+", b" ", value).strip()


def pem(key, secrecy=None):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secrecy or NoEncryption())


ED25519 = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
RSA = rsa.generate_private_key(65537, 2048)


def mail(text="Hello \n\n  there\t\n\n", html="<p>Hello</p>\n"):
    return build(
        heading("Söhne <news@shop.example>", "offers.shop.example"),
        Rendered(subject="Ein langer Betreff für alle, die gern lesen" * 3, text=text, html=html),
        recipient="ann@example.com",
        at=AT,
        message_id=message_id("shop.example", "1"),
        receipt_id="r-1",
        unsubscribe_url="https://shop.example/u/abc",
    )


def test_the_verifier_used_here_verifies_the_example_of_rfc_8463():
    verify(RFC_8463, Ed25519PublicKey.from_public_bytes(RFC_8463_PUBLIC))
    with pytest.raises(InvalidSignature):
        verify(
            RFC_8463.replace(b"dinner", b"lunch"),
            Ed25519PublicKey.from_public_bytes(RFC_8463_PUBLIC),
        )


@pytest.mark.parametrize("private", [ED25519, RSA], ids=["ed25519", "rsa"])
def test_a_signed_mail_verifies_and_is_otherwise_unchanged(private):
    signed = sign(mail(), read_key(pem(private), "shop.example", "s1"), AT)
    tags = verify(signed, private.public_key())
    assert (tags[b"d"], tags[b"s"], tags[b"t"]) == (b"shop.example", b"s1", b"1790000000")
    assert signed.endswith(mail())
    assert all(len(line) <= 78 for line in signed.split(b"\r\n"))
    message = message_from_bytes(signed, policy=policy.default)
    assert not message.defects


@given(st.text(alphabet=" \t\n.=ax", max_size=80), st.sampled_from(["", "<p> </p>\n\n"]))
def test_any_text_verifies(text, html):
    signed = sign(mail(text, html), read_key(pem(ED25519), "shop.example", "s1"), AT)
    verify(signed, ED25519.public_key())


@pytest.mark.parametrize(
    "name", ["List-Unsubscribe", "List-Unsubscribe-Post", "From", "To", "Subject", "Date"]
)
def test_a_header_changed_or_added_on_the_way_breaks_the_signature(name):
    signed = sign(mail(), read_key(pem(ED25519), "shop.example", "s1"), AT)
    changed = re.sub(rb"\r\n%b: ." % name.encode(), rb"\r\n%b: ~" % name.encode(), signed)
    added = signed.replace(b"\r\n\r\n", b"\r\n%b: more\r\n\r\n" % name.encode(), 1)
    for broken in (changed, added):
        assert broken != signed
        with pytest.raises(InvalidSignature):
            verify(broken, ED25519.public_key())


def test_a_mail_refolded_on_the_way_still_verifies():
    signed = sign(mail(), read_key(pem(ED25519), "shop.example", "s1"), AT)
    verify(signed.replace(b"\r\nTo: ", b"\r\nTO:\r\n\t "), ED25519.public_key())
    verify(signed + b"\r\n\r\n", ED25519.public_key())


def test_a_key_never_shows_itself():
    assert repr(read_key(pem(ED25519), "shop.example", "s1")) == (
        "DkimKey(domain='shop.example', selector='s1')"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"no key", "not a private key"),
        (pem(ED25519, BestAvailableEncryption(b"secret")), "without a pass phrase"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "neither Ed25519 nor RSA"),
    ],
)
def test_another_key_is_refused(text, problem):
    with pytest.raises(InputError, match=problem):
        read_key(text, "shop.example", "s1")


def test_a_domain_and_a_selector_are_dns_names():
    for domain, selector in (("shop.example; x=1", "s1"), ("shop.example", "s\r\nBcc: x")):
        with pytest.raises(InputError, match="not DNS names"):
            read_key(pem(ED25519), domain, selector)
