import socket
import threading
import time

import pytest
from aiosmtpd.smtp import AuthResult
from msgspec.structs import replace

from reciprocity import brand
from reciprocity.deliver.channel import Handed, Letter, Result, cancelled, failed
from reciprocity.deliver.email import open_transport
from reciprocity.deliver.email.smtp import Server, Smtp
from reciprocity.errors import InputError

DELIVERED = Handed(outcome=Result.DELIVERED, reason="250 2.0.0")
CONTENT = b"Subject: s\r\n\r\nHello\r\n"


def anyone(_letter):
    return True


def now():
    return time.time_ns() // 1_000_000


def letter(number=1, content=CONTENT, seconds=25.0, **changes):
    one = {"sender": "news@shop.example", "recipient": f"p{number}@example.com"} | changes
    return Letter(
        message_id=f"<{number}@shop.example>",
        content=content,
        handover_by=now() + int(seconds * 1_000),
        **one,
    )


class Untimed(Smtp):
    """An SMTP transport whose answers can be compared: `at` is checked here and then left out."""

    def hand_over(self, letters, still):
        began = self._now()
        handed = super().hand_over(letters, still)
        for one in handed:
            taken = one.outcome is Result.DELIVERED
            assert began <= one.at <= self._now() if taken else one.at == 0
        return [replace(one, at=0) for one in handed]


@pytest.fixture
def to():
    """Makes a transport to a server; all are closed with the test."""
    made = []

    def make(server, *, connections=1, context=None, clock=now, **settings):
        settings = {"tls": "none", "host": "127.0.0.1"} | settings
        port = getattr(server, "port", server)
        made.append(Untimed(Server(port=port, connections=connections, **settings), clock, context))
        return made[-1]

    yield make
    for transport in made:
        transport.close()


def test_a_batch_is_handed_over_and_answered_in_its_order(sink, start, to):
    transport = to(start(sink), connections=3)
    sink.replies = {f"p{n}@example.com": "550 5.1.1 no such mailbox" for n in (4, 17)}
    handed = transport.hand_over([letter(n) for n in range(30)], anyone)
    refused = failed("550 5.1.1", hard_bounce=True)
    assert handed == [refused if n in {4, 17} else DELIVERED for n in range(30)]
    assert len(sink.taken) == len({to for _, to, _ in sink.taken}) == 28


def test_an_empty_batch_is_nothing_to_do(sink, start, to):
    assert to(start(sink)).hand_over([], anyone) == []


def test_connections_are_few_and_reused_over_batches(sink, start, to):
    transport = to(start(sink), connections=2)
    for batch in range(5):
        transport.hand_over([letter(10 * batch + n) for n in range(10)], anyone)
    assert len(sink.taken) == 50
    assert len(sink.sessions) <= 2


@pytest.mark.parametrize(
    "content",
    [
        b"Subject: s\r\n\r\n.\r\n..\r\n.a\r\n",
        b".\r\n.\r\n",
        b"Subject: s\r\n\r\n" + b"xxxxxxxxxx\r\n" * 75_000,
        b"Subject: s\r\n\r\nno line end",
    ],
)
def test_a_letter_arrives_byte_for_byte(sink, start, to, content):
    transport = to(start(sink, data_size_limit=2_000_000))
    assert transport.hand_over([letter(content=content)], anyone) == [DELIVERED]
    assert sink.taken == [
        ("news@shop.example", "p1@example.com", content.removesuffix(b"\r\n") + b"\r\n")
    ]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("450 4.2.0 greylisted", failed("450 4.2.0", again=True)),
        ("451 try later", failed("451", again=True)),
        ("550 5.1.1 <p1@example.com>: unknown", failed("550 5.1.1", hard_bounce=True)),
        ("551 5.1.6 moved", failed("551 5.1.6", hard_bounce=True)),
        ("553 5.1.3 bad address", failed("553 5.1.3", hard_bounce=True)),
        ("550 5.1.10 null MX", failed("550 5.1.10", hard_bounce=True)),
        ("550 5.1.8 bad sender's system", failed("550 5.1.8")),
        ("550 5.7.1 policy", failed("550 5.7.1")),
        ("550 no reason", failed("550")),
        ("554 5.1.1 not that code", failed("554 5.1.1")),
        ("552 5.2.2 mailbox full", failed("552 5.2.2")),
    ],
)
@pytest.mark.parametrize("when", ["replies", "after_data"])
def test_a_refusal_is_a_code_without_the_servers_words(sink, start, to, reply, expected, when):
    transport = to(start(sink))
    setattr(sink, when, {"p1@example.com": reply})
    assert transport.hand_over([letter(1), letter(2)], anyone) == [expected, DELIVERED]
    assert [recipient for _, recipient, _ in sink.taken] == ["p2@example.com"]


def test_a_refused_sender_is_nobodys_hard_bounce(sink, start, to):
    sink.mail_reply = "550 5.1.0 who are you"
    assert to(start(sink)).hand_over([letter()], anyone) == [failed("550 5.1.0")]


def test_a_server_that_forwards_has_taken_the_letter(sink, start, to):
    sink.replies = {"p1@example.com": "251 2.1.5 will forward"}
    assert to(start(sink)).hand_over([letter()], anyone) == [DELIVERED]


def test_a_connection_lost_before_the_letter_fails_it_and_only_it(sink, start, to):
    sink.replies = {"p2@example.com": sink.DROP}
    handed = to(start(sink)).hand_over([letter(n) for n in (1, 2, 3)], anyone)
    assert handed == [DELIVERED, failed("dropped", again=True), DELIVERED]


def test_a_connection_lost_after_the_letter_and_before_the_reply_is_unknown(sink, start, to):
    sink.after_data = {"p2@example.com": sink.DROP}
    handed = to(start(sink)).hand_over([letter(n) for n in (1, 2, 3)], anyone)
    assert handed == [DELIVERED, Handed(outcome=Result.UNKNOWN, reason="dropped"), DELIVERED]
    assert [to for _, to, _ in sink.taken] == [f"p{n}@example.com" for n in (1, 2, 3)]


@pytest.mark.parametrize("reply", ["what?", "354 go on", "999 odd"])
def test_a_reply_to_the_whole_letter_that_says_nothing_is_unknown(sink, start, to, reply):
    sink.after_data = {"p1@example.com": reply}
    handed = to(start(sink)).hand_over([letter(1), letter(2)], anyone)
    assert handed == [Handed(outcome=Result.UNKNOWN, reason="reply"), DELIVERED]


def test_any_completion_says_that_the_letter_was_taken(sink, start, to):
    sink.after_data = {"p1@example.com": "252 2.0.0 will see"}
    (handed,) = to(start(sink)).hand_over([letter(1)], anyone)
    assert (handed.outcome, handed.reason) == (Result.DELIVERED, "252 2.0.0")


def test_a_reply_that_does_not_come_in_time_is_unknown_before_the_letter_is_late(sink, start, to):
    sink.seconds = 8.0
    start_at = time.monotonic()
    handed = to(start(sink)).hand_over([letter(seconds=1.5)], anyone)
    assert handed == [Handed(outcome=Result.UNKNOWN, reason="dropped")]
    assert time.monotonic() - start_at < 5


def test_a_server_that_ends_after_n_letters_costs_nobody_a_letter(sink, start, to):
    sink.letters_a_connection = 3
    assert to(start(sink)).hand_over([letter(n) for n in range(10)], anyone) == [DELIVERED] * 10
    assert len(sink.taken) == len({to for _, to, _ in sink.taken}) == 10


def test_a_server_restarted_between_batches_is_called_again(sink, start, to):
    server = start(sink)
    transport = to(server)
    assert transport.hand_over([letter(1)], anyone) == [DELIVERED]
    start.stop(server)
    assert transport.hand_over([letter(2)], anyone) == [failed("connect", again=True)]
    start(sink, port=server.port)
    assert transport.hand_over([letter(2)], anyone) == [DELIVERED]


def test_a_slow_server_is_used_by_all_connections_at_once(sink, start, to):
    sink.seconds = 1.0  # one after the other, ten would take ten seconds
    transport = to(start(sink), connections=5)
    start_at = time.monotonic()
    assert transport.hand_over([letter(n) for n in range(10)], anyone) == [DELIVERED] * 10
    assert time.monotonic() - start_at < 7


def test_a_late_letter_is_never_spoken_of(sink, start, to):
    transport = to(start(sink))
    assert transport.hand_over([letter(1, seconds=0), letter(2)], anyone) == [
        failed("late", again=True),
        DELIVERED,
    ]
    assert [recipient for _, recipient, _ in sink.taken] == ["p2@example.com"]


@pytest.mark.parametrize("said", range(1, 6))
def test_a_letter_that_becomes_late_in_mid_conversation_is_taken_back(sink, start, to, said):
    clock = iter([0] * said)
    transport = to(start(sink), clock=lambda: next(clock, 10**15))
    assert transport.hand_over([letter(1)], anyone) == [failed("late", again=True)]
    assert sink.taken == []


@pytest.mark.parametrize(
    "changes",
    [
        {"recipient": "a@b.example>\r\nRCPT TO:<c@d.example"},
        {"recipient": "a@b.example> <c@d.example"},
        {"recipient": "änn@example.com"},
        {"recipient": ""},
        {"sender": "news@shop.example>\r\nDATA"},
    ],
)
def test_an_address_cannot_break_out_of_its_command(sink, start, to, changes):
    handed = to(start(sink)).hand_over([letter(1, **changes), letter(2)], anyone)
    assert handed == [failed("address"), DELIVERED]


def test_a_server_that_is_down_fails_the_batch_at_once_and_may_be_tried_again(to, start, sink):
    server = start(sink)
    start.stop(server)
    start_at = time.monotonic()
    handed = to(server, connections=4).hand_over([letter(n) for n in range(200)], anyone)
    assert handed == [failed("connect", again=True)] * 200
    assert time.monotonic() - start_at < 10


def test_a_server_that_takes_one_connection_only_gets_all_letters_on_it(to):
    served = []

    def serve(listening):
        first, _ = listening.accept()
        listening.close()
        with first, first.makefile("rwb", buffering=0) as wire:
            wire.write(b"220 hello\r\n")
            in_letter = False
            for line in wire:
                if in_letter:
                    in_letter = line != b".\r\n"
                    served.extend([] if in_letter else [1])
                elif line == b"DATA\r\n":
                    in_letter = True
                    wire.write(b"354 go\r\n")
                    continue
                if not in_letter:
                    wire.write(b"250 ok\r\n")
                if line.lower() == b"quit\r\n":
                    return

    listening = socket.create_server(("127.0.0.1", 0), backlog=0)
    thread = threading.Thread(target=serve, args=[listening])
    transport = to(listening.getsockname()[1], connections=4)
    thread.start()
    handed = transport.hand_over([letter(n) for n in range(20)], anyone)
    transport.close()
    thread.join(5)
    outcomes = [one.outcome for one in handed]
    assert outcomes.count(Result.DELIVERED) == len(served)
    assert set(outcomes) <= {Result.DELIVERED, Result.FAILED}
    assert all(one.again for one in handed if one.outcome is Result.FAILED)


def test_starttls_is_demanded_and_the_servers_name_is_checked(sink, start, to, certificate):
    server_context, client_context = certificate
    server = start(sink, tls_context=server_context, require_starttls=True)
    assert to(server, tls="starttls", context=client_context).hand_over([letter()], anyone) == [
        DELIVERED
    ]
    assert to(server, tls="starttls").hand_over([letter()], anyone) == [failed("tls", again=True)]
    stranger = to(server, tls="starttls", context=client_context, host="localhost")
    assert stranger.hand_over([letter()], anyone) == [failed("tls", again=True)]


def test_a_server_without_starttls_gets_no_letter_in_clear_text(sink, start, to):
    assert to(start(sink), tls="starttls").hand_over([letter()], anyone) == [
        failed("tls", again=True)
    ]
    assert sink.taken == []


def test_tls_from_the_first_byte(sink, start, to, certificate):
    server_context, client_context = certificate
    server = start(sink, ssl_context=server_context)
    assert to(server, tls="implicit", context=client_context).hand_over([letter()], anyone) == [
        DELIVERED
    ]
    assert to(server, tls="implicit").hand_over([letter()], anyone) == [failed("tls", again=True)]


def test_the_password_comes_from_its_file(sink, start, to, certificate, tmp_path):
    server_context, client_context = certificate

    def check(_server, _session, _envelope, _mechanism, given):
        good = (given.login, given.password) == (b"shop", b"s3cret")
        return AuthResult(success=good, handled=False)

    server = start(
        sink, tls_context=server_context, require_starttls=True, authenticator=check,
        auth_required=True,
    )  # fmt: skip
    secret = tmp_path / "password"
    settings = {
        "tls": "starttls",
        "context": client_context,
        "username": "shop",
        "password_file": secret,
    }
    secret.write_text("s3cret\n")
    assert to(server, **settings).hand_over([letter()], anyone) == [DELIVERED]
    secret.write_text("wrong\n")
    assert to(server, **settings).hand_over([letter()], anyone) == [failed("login", again=True)]


def test_a_password_is_never_sent_in_clear_text_or_guessed(tmp_path):
    for settings, problem in (
        ({"tls": "none"}, "unprotected"),
        ({"password_file": None}, "no password"),
        ({"password_file": tmp_path / "missing"}, "cannot be read"),
    ):
        with pytest.raises(InputError, match=problem):
            Smtp(Server(**({"host": "mail.example", "username": "shop"} | settings)), now)


def test_closing_says_goodbye_and_twice_does_no_harm(sink, start, to):
    transport = to(start(sink))
    transport.hand_over([letter()], anyone)
    transport.close()
    transport.close()


def test_a_brands_settings_open_the_transport_they_name(sink, start, tmp_path):
    settings = brand.Transport(
        kind="smtp", host="127.0.0.1", port=start(sink).port, tls="none", connections=2
    )
    for one, reason in ((settings, "250 2.0.0"), (_maildir(tmp_path), "")):
        transport = open_transport(one, now, hello="shop.example")
        (handed,) = transport.hand_over([letter()], anyone)
        assert (handed.outcome, handed.reason) == (Result.DELIVERED, reason)
        transport.close()


def _maildir(folder):
    return brand.Transport(kind="maildir", path=str(folder / "mail"))


def test_a_letter_stopped_before_the_dot_is_not_delivered(start, sink, to):
    """The whole letter was said, but not its end: the server must forget it."""
    transport, asked = to(start(sink)), []

    def still(one):
        asked.append(one.message_id)
        return asked.count(one.message_id) < 2 or one.message_id != "<1@shop.example>"

    handed = transport.hand_over([letter(1), letter(2)], still)
    assert handed == [cancelled(), DELIVERED]
    assert [recipient for _, recipient, _ in sink.taken] == ["p2@example.com"]
