"""E-mail: a template for everyone, a mail for each, handed to a Maildir or an SMTP server.

`grammar` says what a template may contain, `template` renders it, `mime` writes the mail, `dkim`
signs it, and `maildir` and `smtp` hand it over.
"""

from email.utils import parseaddr
from pathlib import Path

from reciprocity import brand
from reciprocity.deliver.channel import Clock, Transport
from reciprocity.deliver.email.dkim import DkimKey, read_key
from reciprocity.deliver.email.maildir import Maildir
from reciprocity.deliver.email.smtp import Server, Smtp
from reciprocity.errors import InputError

__all__ = ["open_signer", "open_transport"]


def open_signer(settings: brand.Transport, sender: str) -> DkimKey | None:
    """The key that signs the mails of *sender*, for its domain; None where none is named.

    The signature is for the domain of the From header, as DMARC asks (RFC 7489, 3.1.1). Raises
    `InputError` if the key cannot be read or used.
    """
    if not settings.dkim_key:
        return None
    try:
        pem = Path(settings.dkim_key).read_bytes()
    except OSError as error:
        raise InputError(
            f"dkim key cannot be read ({error.strerror}): check `dkim_key` and its permissions"
        ) from error
    domain = parseaddr(sender)[1].rpartition("@")[2]
    return read_key(pem, domain, settings.dkim_selector)


def open_transport(settings: brand.Transport, now: Clock, *, hello: str) -> Transport:
    """The transport that the brand file's *settings* describe; *hello* is our host name in EHLO.

    Raises `Unavailable` if a Maildir cannot be written, `InputError` if a password file cannot be
    read. An SMTP server is first called when there is a letter for it.
    """
    if settings.kind == "maildir":
        return Maildir(Path(settings.path), now)
    server = Server(
        host=settings.host,
        port=settings.port,
        username=settings.username,
        password_file=Path(settings.password_file) if settings.password_file else None,
        tls=settings.tls,
        connections=settings.connections,
        hello=hello,
    )
    return Smtp(server, now)
