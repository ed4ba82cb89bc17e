"""A signature over a mail (RFC 6376, and RFC 8463 for Ed25519), so that a reader can trust it.

RFC 8058 demands that both unsubscribe headers are signed: without that a mail program must not
offer the one click. Headers and body are taken `relaxed`, so that a server which folds a line or
trims a space on the way does not break what was signed.
"""

import re
from base64 import b64encode
from hashlib import sha256
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from msgspec import Struct

from reciprocity.errors import InputError
from reciprocity.model import Instant

__all__ = ["SIGNED", "DkimKey", "read_key", "sign"]

SIGNED: Final = (
    b"from", b"to", b"subject", b"date", b"message-id", b"mime-version", b"content-type",
    b"list-id", b"list-unsubscribe", b"list-unsubscribe-post", b"reciprocity-receipt",
)  # fmt: skip
"""Every header `mime.build` writes; those a mail has are signed."""
ONCE: Final = (b"from", b"to", b"subject", b"date", b"list-unsubscribe", b"list-unsubscribe-post")
"""Named once more than they occur, so that a second one added on the way breaks the signature."""
RSA_BITS_MIN: Final = 1024  # RFC 8301

_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
_SPACES: Final = re.compile(rb"[ \t]{2,}|\t")  # a single space stays: most of them are
_LINE_ENDS: Final = re.compile(rb"[ \t]+\r\n")
_FOLDS: Final = re.compile(rb"\r\n(?=[ \t])")


class DkimKey(Struct, frozen=True, kw_only=True, eq=False):
    """A private key and where readers find its public half: `SELECTOR._domainkey.DOMAIN`."""

    domain: str
    selector: str
    key: Ed25519PrivateKey | RSAPrivateKey

    def __repr__(self) -> str:
        return f"DkimKey(domain={self.domain!r}, selector={self.selector!r})"


def read_key(pem: bytes, domain: str, selector: str) -> DkimKey:
    """The signing key in *pem*: Ed25519, or RSA of at least 1024 bits, without a pass phrase.

    Many readers do not know Ed25519 yet; RSA of 2048 bits is what all of them verify. Raises
    `InputError` for anything else, and for a domain or selector that cannot be a DNS name.
    """
    if not (_NAME.fullmatch(domain) and _NAME.fullmatch(selector)):
        raise InputError("dkim domain and selector are not DNS names like `brand.example`, `mail1`")
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError("dkim key is not a private key in PEM without a pass phrase") from error
    if isinstance(key, RSAPrivateKey) and key.key_size < RSA_BITS_MIN:
        raise InputError(f"dkim key has {key.key_size} bits; at least {RSA_BITS_MIN} are accepted")
    if not isinstance(key, Ed25519PrivateKey | RSAPrivateKey):
        raise InputError("dkim key is neither Ed25519 nor RSA; make one of these")
    return DkimKey(domain=domain, selector=selector, key=key)


def sign(content: bytes, key: DkimKey, at: Instant) -> bytes:
    """*content* with a DKIM-Signature before its first header; pure but for RSA's blinding.

    *content* is a mail as `mime.build` makes it: CRLF line ends and no header twice.
    """
    head, _, body = content.partition(b"\r\n\r\n")
    headers = _headers(head)
    names = [name for name in SIGNED if name in headers]
    algorithm = b"ed25519" if isinstance(key.key, Ed25519PrivateKey) else b"rsa"
    opening = b"DKIM-Signature: v=1; a=%b-sha256; c=relaxed/relaxed;\r\n d=%b; s=%b; t=%d;\r\n" % (
        algorithm, key.domain.encode(), key.selector.encode(), at // 1000,
    )  # fmt: skip
    listed = b":\r\n  ".join([*names, *ONCE])
    digest = b64encode(sha256(_relaxed_body(body)).digest())
    unsigned = b"%b h=%b;\r\n bh=%b;\r\n b=" % (opening, listed, digest)
    signed = [headers[name] for name in names] + [_relaxed_header(unsigned)[1]]
    signature = b64encode(_signature(key, b"\r\n".join(signed)))
    folded = b"\r\n  ".join(signature[at : at + 72] for at in range(0, len(signature), 72))
    return b"%b%b\r\n%b" % (unsigned, folded, content)


def _signature(key: DkimKey, signed: bytes) -> bytes:
    """The signature proper; Ed25519 signs the hash (RFC 8463, section 3)."""
    if isinstance(key.key, Ed25519PrivateKey):
        return key.key.sign(sha256(signed).digest())
    return key.key.sign(signed, padding.PKCS1v15(), SHA256())


def _headers(head: bytes) -> dict[bytes, bytes]:
    """Each header's name and its relaxed form."""
    return dict(map(_relaxed_header, _FOLDS.sub(b"", head).split(b"\r\n")))


def _relaxed_header(header: bytes) -> tuple[bytes, bytes]:
    r"""The name of a header, and the whole of it as it is signed (RFC 6376, 3.4.2).

    >>> _relaxed_header(b"SUBJect : a \t b ")
    (b'subject', b'subject:a b')
    """
    name, _, value = _FOLDS.sub(b"", header).partition(b":")
    name = name.strip().lower()
    return name, name + b":" + _SPACES.sub(b" ", value).strip()


def _relaxed_body(body: bytes) -> bytes:
    r"""The body as it is signed (RFC 6376, 3.4.4).

    >>> _relaxed_body(b" C \r\nD \t E\r\n\r\n\r\n")
    b' C\r\nD E\r\n'
    >>> _relaxed_body(b"\r\n\r\n")
    b''
    """
    lines = body if body.endswith(b"\r\n") else body + b"\r\n"
    lines = lines.replace(b"\t", b" ")
    if b" \r\n" in lines:  # `in` costs a hundredth of the expression, and `mime` leaves none
        lines = _LINE_ENDS.sub(b"\r\n", lines)
    if b"  " in lines:
        lines = _SPACES.sub(b" ", lines)
    trimmed = lines.rstrip(b"\r\n")
    return trimmed + b"\r\n" if trimmed else b""
