"""SMTP as a transport: few connections, reused, one letter at a time on each (RFC 5321).

`smtplib.sendmail` cannot say whether a letter may have gone, so the conversation is led here step
by step. Until the dot that ends the letter is sent, no server may keep it: whatever breaks before
is `failed`. From the dot to the server's reply the answer is `unknown`, and nobody sends it again.
A connection the server let go while idle is made anew before anything of the next letter is sent.
"""

import re
import smtplib
import socket
import ssl
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty, LifoQueue
from typing import Final

from msgspec import Struct

from reciprocity.deliver.channel import (
    LATE,
    Clock,
    Handed,
    Letter,
    Result,
    Still,
    cancelled,
    failed,
    is_late,
)
from reciprocity.errors import InputError
from reciprocity.model import Instant

__all__ = ["Server", "Smtp"]

CONNECT_SECONDS: Final = 5.0
COMMAND_SECONDS: Final = 10.0
OK: Final = (250,)
TAKEN: Final = (250, 251)
GO_AHEAD: Final = (354,)
COMPLETED: Final = range(200, 300)
TEMPORARY: Final = range(400, 500)
REFUSED: Final = range(400, 600)
_ENHANCED: Final = re.compile(rb"[245]\.\d{1,3}\.\d{1,3}\b")
_PATH: Final = re.compile(r"[!-;=?-~]+@[!-;=?-~]+")
_ADDRESS_IS_BAD: Final = re.compile(r"(550|551|553) 5\.1\.(0|1|2|3|4|6|10)")


class Server(Struct, frozen=True, kw_only=True):
    """Where to hand over. *tls* is `starttls`, `implicit` or `none`; *hello* our name in EHLO."""

    host: str
    port: int = 587
    username: str = ""
    password_file: Path | None = None
    tls: str = "starttls"
    connections: int = 4
    hello: str = "localhost"


class _NotSent(Exception):
    """The letter was certainly not handed over; it carries what to say about that."""

    def __init__(self, handed: Handed) -> None:
        super().__init__(handed.reason)
        self.handed = handed


class Smtp:
    """Up to `server.connections` connections, opened when first needed and kept.

    *context* is for a server whose certificate only a private authority vouches for. Raises
    `InputError` if the password file cannot be read or a password would travel in clear text.
    """

    def __init__(self, server: Server, now: Clock, context: ssl.SSLContext | None = None) -> None:
        self._server, self._now = server, now
        self._context = context or ssl.create_default_context()
        self._password = _password(server)
        self._idle: LifoQueue[smtplib.SMTP] = LifoQueue()
        self._threads = ThreadPoolExecutor(server.connections, thread_name_prefix="smtp")

    def hand_over(self, letters: Sequence[Letter], still: Still) -> Sequence[Handed]:
        """What became of each letter.

        Reasons: the server's codes (`250`, `550 5.1.1`); `late`; `address` (not one that SMTP can
        be told: not ASCII, or it would break out of its command); `connect`, `tls`, `login` (no
        connection could be made; again); `dropped` (before the end of the letter: failed, again;
        after it: unknown); `reply` (an answer to the whole letter that is none: unknown). A
        connection that cannot be made leaves its letters to the others.
        """
        waiting = deque(range(len(letters)))
        handed: list[Handed | None] = [None] * len(letters)
        workers = [
            self._threads.submit(self._work, letters, still, waiting, handed)
            for _ in range(min(self._server.connections, len(letters)))
        ]
        reasons = [worker.result() for worker in workers]
        why = next((reason for reason in reasons if reason), "connect")
        return [one or failed(why, again=True) for one in handed]

    def close(self) -> None:
        """Say goodbye on every connection; closing twice does no harm."""
        self._threads.shutdown()
        while (connection := self._take_idle()) is not None:
            try:
                _set_patience(connection, 1.0)
                connection.quit()
            except (OSError, smtplib.SMTPException):
                connection.close()

    def _work(
        self,
        letters: Sequence[Letter],
        still: Still,
        waiting: deque[int],
        handed: list[Handed | None],
    ) -> str:
        """Hand over what waits until nothing does; or the reason why no connection is to be had."""
        connection: smtplib.SMTP | None = None
        while True:
            try:
                place = waiting.popleft()
            except IndexError:
                break
            letter = letters[place]
            handed[place] = _refused_unsaid(letter, self._now(), still)
            if handed[place] is not None:
                continue
            try:
                connection = self._ready(connection)
            except _NotSent as problem:
                waiting.appendleft(place)
                return problem.handed.reason
            handed[place], connection = self._one(connection, letter, still)
        if connection is not None:
            self._idle.put(connection)
        return ""

    def _one(
        self, connection: smtplib.SMTP, letter: Letter, still: Still
    ) -> tuple[Handed, smtplib.SMTP | None]:
        """What became of *letter*, and the connection if it can be used again."""
        try:
            self._before_the_dot(connection, letter)
            if not still(letter):
                connection.close()  # the dot is not said: the server forgets what it heard
                return cancelled(), None
        except _NotSent as problem:
            return problem.handed, connection
        except (OSError, smtplib.SMTPException):
            connection.close()
            return failed("dropped", again=True), None
        try:
            connection.send(b".\r\n")
            code, text = connection.getreply()
        except (OSError, smtplib.SMTPException):
            connection.close()
            return Handed(outcome=Result.UNKNOWN, reason="dropped"), None
        return self._answered(code, text), connection

    def _answered(self, code: int, text: bytes) -> Handed:
        """What the reply to the dot says: taken (2xx), refused (4xx, 5xx), or nobody can tell."""
        if code in COMPLETED:
            reason = _reason(code, text)
            return Handed(outcome=Result.DELIVERED, reason=reason, at=self._now())
        if code in REFUSED:
            return _refused(code, text, by_recipient=True)
        return Handed(outcome=Result.UNKNOWN, reason="reply")

    def _before_the_dot(self, connection: smtplib.SMTP, letter: Letter) -> None:
        """Lead the conversation up to, not including, the dot; raises `_NotSent` on a refusal."""
        self._command(connection, letter, f"MAIL FROM:<{letter.sender}>", OK)
        recipient = f"RCPT TO:<{letter.recipient}>"
        self._command(connection, letter, recipient, TAKEN, by_recipient=True)
        self._command(connection, letter, "DATA", GO_AHEAD)
        self._be_patient(connection, letter)
        content = letter.content if letter.content.endswith(b"\r\n") else letter.content + b"\r\n"
        content = content.replace(b"\r\n.", b"\r\n..")
        connection.send(b"." + content if content.startswith(b".") else content)
        self._be_patient(connection, letter)

    def _command(
        self,
        connection: smtplib.SMTP,
        letter: Letter,
        command: str,
        wanted: tuple[int, ...],
        *,
        by_recipient: bool = False,
    ) -> None:
        """Say *command* and expect one of the replies *wanted*."""
        self._be_patient(connection, letter)
        code, text = connection.docmd(command)
        if code not in wanted:
            raise _NotSent(_refused(code, text, by_recipient=by_recipient))

    def _be_patient(self, connection: smtplib.SMTP, letter: Letter) -> None:
        """Wait for the next reply no longer than the letter may wait."""
        left = (letter.handover_by - self._now()) / 1000
        if left <= 0:
            connection.close()  # in the middle of a letter: only closing takes it back
            raise _NotSent(failed(LATE, again=True))
        _set_patience(connection, min(COMMAND_SECONDS, left))

    def _ready(self, connection: smtplib.SMTP | None) -> smtplib.SMTP:
        """A connection that has just answered: the one given, an idle one, or a new one."""
        while connection is not None or (connection := self._take_idle()) is not None:
            try:
                _set_patience(connection, COMMAND_SECONDS)
                if connection.rset()[0] in OK:
                    return connection
            except (OSError, smtplib.SMTPException):
                pass
            connection.close()
            connection = None
        return self._connect()

    def _take_idle(self) -> smtplib.SMTP | None:
        try:
            return self._idle.get_nowait()
        except Empty:
            return None

    def _connect(self) -> smtplib.SMTP:
        """A new connection, greeted and logged in; raises `_NotSent`."""
        server, why = self._server, "connect"
        connection: smtplib.SMTP | None = None
        try:
            connection = _greeted(server, self._context)
            connection.ehlo_or_helo_if_needed()
            if server.tls == "starttls":
                why = "tls"
                connection.starttls(context=self._context)
                connection.ehlo_or_helo_if_needed()
            if server.username:
                why = "login"
                connection.login(server.username, self._password)
        except (OSError, smtplib.SMTPException) as error:
            if connection is not None:
                connection.close()
            why = "tls" if isinstance(error, ssl.SSLError) else why
            raise _NotSent(failed(why, again=True)) from error
        return connection


def _greeted(server: Server, context: ssl.SSLContext) -> smtplib.SMTP:
    """A connection whose server has said 220, over TLS from the first byte if it is `implicit`."""
    connection = (
        smtplib.SMTP_SSL(
            server.host, server.port, server.hello, timeout=CONNECT_SECONDS, context=context
        )
        if server.tls == "implicit"
        else smtplib.SMTP(server.host, server.port, server.hello, timeout=CONNECT_SECONDS)
    )
    if connection.sock is not None:  # the dot goes out at once, not with the next acknowledgement
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _refused_unsaid(letter: Letter, at: Instant, still: Still) -> Handed | None:
    """Why *letter* is not even spoken of: late, stopped, or an address SMTP cannot be told."""
    if is_late(letter, at):
        return failed(LATE, again=True)
    if not (_PATH.fullmatch(letter.sender) and _PATH.fullmatch(letter.recipient)):
        return failed("address")
    if not still(letter):
        return cancelled()
    return None


def _set_patience(connection: smtplib.SMTP, seconds: float) -> None:
    """Let the next wait on *connection* end after *seconds*."""
    if connection.sock is not None:
        connection.sock.settimeout(seconds)


def _password(server: Server) -> str:
    """The password in the server's password file, without the line end."""
    if not server.username:
        return ""
    if server.tls == "none":
        raise InputError(
            "smtp password would travel unprotected: set `tls` to starttls or implicit"
        )
    if server.password_file is None:
        raise InputError("smtp user name has no password: set `password_file`")
    try:
        return server.password_file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            "smtp password file cannot be read: check `password_file` and its permissions"
        ) from error


def _reason(code: int, text: bytes) -> str:
    """The reply's code and enhanced code, without its words: they may quote the address.

    >>> _reason(550, b"5.1.1 <ann@example.com>: no such mailbox")
    '550 5.1.1'
    """
    enhanced = _ENHANCED.match(text)
    return f"{code} {enhanced[0].decode()}" if enhanced else str(code)


def _refused(code: int, text: bytes, *, by_recipient: bool) -> Handed:
    """What a refusal says: 4xx may pass, 550, 551 and 553 5.1.x say that the address is bad.

    Not 5.1.7 and 5.1.8, which speak of the sender, and not a bare 550: many a server says that
    to a policy, and taking it for a bounce would block good addresses.

    >>> _refused(550, b"5.1.1 no such mailbox", by_recipient=True).hard_bounce
    True
    """
    reason = _reason(code, text)
    bad = by_recipient and _ADDRESS_IS_BAD.fullmatch(reason) is not None
    return failed(reason, again=code in TEMPORARY, hard_bounce=bad)
