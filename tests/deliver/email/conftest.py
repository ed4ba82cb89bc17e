"""A real SMTP server on 127.0.0.1 that misbehaves as a test asks, and a real certificate for it."""

import asyncio
import datetime
import ipaddress
import socket
import ssl

import pytest
from aiosmtpd.controller import Controller
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)


class Sink:
    """Takes mail and keeps it; its fields say how it misbehaves.

    *replies* maps a recipient to what RCPT is answered, or `DROP`; *after_data* maps a recipient
    to what the end of the letter is answered, or `DROP`. *rsets* counts connections reused.
    """

    DROP = "DROP"

    def __init__(self):
        self.replies, self.after_data = {}, {}
        self.mail_reply = "250 OK"
        self.seconds = 0.0
        self.letters_a_connection = 10**9
        self.taken, self.sessions, self.rsets = [], set(), 0

    async def handle_MAIL(self, _server, _session, envelope, address, options):
        if self.mail_reply.startswith("250"):
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return self.mail_reply

    async def handle_RCPT(self, server, _session, envelope, address, _options):
        reply = self.replies.get(address, "250 OK")
        if reply == self.DROP:
            server.transport.abort()
        elif reply.startswith("25"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, server, session, envelope):
        (recipient,) = envelope.rcpt_tos
        self.sessions.add(id(session))
        await asyncio.sleep(self.seconds)
        reply = self.after_data.get(recipient, "250 2.0.0 OK")
        if reply == self.DROP or reply.startswith("250"):
            session.count = getattr(session, "count", 0) + 1
            self.taken.append((envelope.mail_from, recipient, envelope.original_content))
        if reply == self.DROP:
            server.transport.abort()
        return reply

    async def handle_RSET(self, server, session, _envelope):
        self.rsets += 1
        if getattr(session, "count", 0) >= self.letters_a_connection:
            server.transport.abort()
        return "250 OK"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


class Start:
    """Starts servers: `start(sink, **options)`; `stop` ends one before its test does."""

    def __init__(self):
        self.running = []

    def __call__(self, sink, *, port=0, **options):
        server = Controller(sink, hostname="127.0.0.1", port=port or free_port(), **options)
        server.start()
        self.running.append(server)
        return server

    def stop(self, server):
        self.running.remove(server)
        server.stop()


@pytest.fixture
def start():
    starting = Start()
    yield starting
    for server in list(starting.running):
        starting.stop(server)


@pytest.fixture
def sink():
    return Sink()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """(a server's TLS context, a client's that trusts it)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    begin = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    local = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin.replace(year=2120))
        .add_extension(local, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(Encoding.PEM)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    both = tmp_path_factory.mktemp("tls") / "both.pem"
    both.write_bytes(pem + private)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(both)
    return server, ssl.create_default_context(cadata=pem.decode())
