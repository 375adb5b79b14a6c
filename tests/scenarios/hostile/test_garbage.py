"""Octets that are no messages, messages that are no good, and more of them than anybody needs.

What the server cannot answer it drops; what it answers it answers as RFC 3261 says; and the office beside it goes on.
"""

import random
import ssl
import time
from contextlib import ExitStack

import pytest

from sip.complaints import EVERY
from sip.transport.connections import Limits
from tests.scenarios.hostile.attackers import HANDSHAKE, Answer, Datagrams, Stream, WebSocket, options, trusting
from tests.scenarios.hostile.victim import Office, resident
from tests.support.messages import SDP, request
from tests.support.server import Server

INVITE = request(
    "INVITE",
    "sip:102@office.test",
    "Contact: <sip:101@192.0.2.1>",
    'Authorization: Digest username="101", realm="office.test", nonce="x", uri="sip:x", response="y"',
    "Content-Type: application/sdp",
    body=SDP,
)


def _context(server: Server) -> ssl.SSLContext:
    return trusting(server.data.authority)


def _whole(answer: Answer | None) -> int:
    assert answer is not None
    return answer.status


# ---- datagrams


def test_random_datagrams_harm_nobody(office: Office) -> None:
    dice = random.Random(4475)
    with Datagrams(office.server.udp) as attacker:
        for round_ in range(20):
            for _ in range(100):
                attacker.send(dice.randbytes(dice.randrange(1, 1500)))
            attacker.all(f"round-{round_}")


def test_message_cut_anywhere_is_refused_or_dropped(office: Office) -> None:
    with Datagrams(office.server.udp) as attacker:
        for length in range(1, len(INVITE), 3):
            attacker.send(INVITE[:length])
            if length % 10 == 0:
                assert {answer.status for answer in attacker.all(f"cut-{length}")} <= {400, 505}
        assert {answer.status for answer in attacker.all("cut")} <= {400, 505}


def test_message_with_any_octet_changed_is_answered_or_dropped(office: Office) -> None:
    dice = random.Random(5118)
    with Datagrams(office.server.udp) as attacker:
        for round_ in range(20):
            for _ in range(50):
                changed = bytearray(INVITE)
                for _ in range(dice.randrange(1, 4)):
                    changed[dice.randrange(len(changed))] = dice.randrange(256)
                attacker.send(bytes(changed))
            statuses = {answer.status for answer in attacker.all(f"changed-{round_}")}
            assert 500 not in statuses


def test_datagram_as_large_as_there_are_is_read(office: Office) -> None:
    with Datagrams(office.server.udp) as attacker:
        message = request("OPTIONS", "sip:office.test", "X-Large: " + "x" * 65_000)
        attacker.send(message)
        assert [answer.status for answer in attacker.all("large")] == [200]


@pytest.mark.parametrize(
    ("rows", "status"),
    [
        (["A: b"] * 10_000, 400),
        (["Via: SIP/2.0/UDP h;branch=z9hG4bK1"] * 1_500, 400),
        (["Subject: " + "x," * 30_000], 200),
        (["Supported: " + "a," * 30_000 + "a"], 200),
        (["Require: " + ",".join(f"x{number}" for number in range(5_000))], 420),
        (["Accept: " + ";" * 60_000], 200),
        (["Subject: " + '"' * 60_000], 200),
        (["Contact: " + "<" * 60_000], 200),
        (["Subject:" + "\r\n x" * 15_000], 200),
        (["Subject:" + " " * 60_000], 200),
    ],
    ids=lambda value: value if isinstance(value, int) else f"{len(value)}x{value[0][:20].strip()}",
)
def test_bomb_of_header_fields_goes_off_outside(office: Office, rows: list[str], status: int) -> None:
    with Datagrams(office.server.udp) as attacker:
        attacker.send(request("OPTIONS", "sip:office.test", *rows))
        assert [answer.status for answer in attacker.all("bomb")] == [status]


@pytest.mark.parametrize("method", ["REGISTER", "INVITE", "MESSAGE", "SUBSCRIBE"])
def test_bomb_in_every_header_field_that_is_read(office: Office, method: str) -> None:
    names = "Authorization Contact Expires Route Record-Route Path Replaces Accept Session-Expires RAck Event".split()
    bombs = ("," * 50_000, ";" * 50_000, "<" * 50_000, '"' * 50_000, "a=" * 25_000, "sip:" * 12_000, "9" * 50_000)
    with Datagrams(office.server.udp) as attacker:
        for name in names:
            for bomb in bombs:
                attacker.send(request(method, "sip:102@office.test", f"{name}: {bomb}"))
            statuses = {answer.status for answer in attacker.all(f"{method}-{name}") if answer.status >= 200}
            assert statuses <= {400, 401, 406, 407, 413, 415, 422, 480, 481, 489}


# ---- connections


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (request("OPTIONS", "sip:office.test", "X-Large: " + "x" * 2**20), 513),
        (request("OPTIONS", "sip:office.test", *["A: b"] * 100_000), 513),
        (request("OPTIONS", "sip:office.test").replace(b"Length: 0", b"Length: 1048576"), 413),
        (request("OPTIONS", "sip:office.test").replace(b"Length: 0", b"Length: 99999999999999999999999"), 413),
        (request("OPTIONS", "sip:office.test").replace(b"Length: 0", b"Length: -1"), 400),
        (request("OPTIONS", "sip:office.test").replace(b"Length: 0", b"Length: 0x10"), 400),
        (request("OPTIONS", "sip:office.test").replace(b"Length: 0", b"Length: 0, 5"), 400),
        (request("OPTIONS", "sip:office.test").replace(b"Content-Length: 0\r\n", b""), 400),
    ],
    ids=["1 MB row", "100000 rows", "413", "wraps around", "negative", "hexadecimal", "list", "none"],
)
def test_stream_that_cannot_go_on_is_answered_and_closed(office: Office, octets: bytes, status: int) -> None:
    with Stream(office.server.tcp) as attacker:
        attacker.send(octets)
        assert [answer.status for answer in attacker.rest()] == [status]


def test_ten_thousand_header_fields_on_a_stream_are_refused(office: Office) -> None:
    with Stream(office.server.tcp) as attacker:
        attacker.send(request("OPTIONS", "sip:office.test", *["A: b"] * 10_000) + options("next", "TCP"))
        assert attacker.final().status == 400
        assert attacker.final("next").status == 200


def test_garbage_behind_a_thousand_good_messages(office: Office) -> None:
    with Stream(office.server.tcp) as attacker:
        attacker.send(b"".join(options(f"good-{number}", "TCP") for number in range(1000)) + b"garbage\r\n\r\n")
        answers = attacker.rest()
    assert [answer.call_id for answer in answers] == [f"good-{number}" for number in range(1000)]
    assert {answer.status for answer in answers} == {200}


@pytest.mark.parametrize("transport", ["TCP", "TLS", "WS", "WSS"])
def test_random_octets_on_a_connection_close_it(office: Office, transport: str) -> None:
    dice = random.Random(7118)
    for _ in range(20):
        with Stream(getattr(office.server, transport.lower())) as attacker:
            # The blank line ends what could be a head, the size what could be a TLS record.
            attacker.send(dice.randbytes(20_000) + b"\r\n\r\n")
            while attacker.octets():
                pass


def test_garbage_inside_of_tls_closes_the_connection(office: Office) -> None:
    dice = random.Random(8446)
    for _ in range(10):
        with Stream(office.server.tls, context=_context(office.server)) as attacker:
            attacker.send(options("inside", "TLS"))
            assert attacker.final("inside").status == 200
            attacker.send(dice.randbytes(2_000) + b"\r\n\r\n")
            assert attacker.rest() == []


def test_handshake_of_tls_that_turns_to_garbage_is_closed(office: Office) -> None:
    hello, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = _context(office.server).wrap_bio(hello, outgoing, server_hostname="office.test")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    first = outgoing.read()
    for rest in (b"\x16\x03\x01" + b"\xff" * 400, b"\x17\x03\x03\x00\x05hello", options("plain")):
        with Stream(office.server.tls) as attacker:
            attacker.send(first + rest)
            while attacker.octets():
                pass


def test_plain_text_where_tls_is_spoken_is_closed(office: Office) -> None:
    with Stream(office.server.tls) as attacker:
        attacker.send(options("plain", "TCP"))
        while attacker.octets():
            pass


# ---- WebSockets


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (b"garbage\r\n\r\n", b"400"),
        (options("sip", "WS"), b"400"),
        (HANDSHAKE.replace(b"GET", b"POST"), b"405"),
        (HANDSHAKE.replace(b"Upgrade: websocket\r\n", b""), b"426"),
        (HANDSHAKE.replace(b"Version: 13", b"Version: 8"), b"426"),
        (HANDSHAKE.replace(b"Protocol: sip", b"Protocol: chat"), b"400"),
        (HANDSHAKE.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"short"), b"400"),
        (HANDSHAKE.replace(b"Host:", b"X:" + b"y" * 9000 + b"\r\nHost:"), b"431"),
        (b"GET / HTTP/1.1\r\nHost: " + b"x" * 9000, b"431"),
    ],
    ids=lambda value: value[:20].decode().strip() if isinstance(value, bytes) else value,
)
def test_bad_handshake_is_refused_and_closed(office: Office, asked: bytes, status: bytes) -> None:
    with Stream(office.server.ws) as attacker:
        attacker.send(asked)
        answer = b""
        while data := attacker.octets():
            answer += data
    assert answer.startswith(b"HTTP/1.1 " + status + b" ")


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (b"\x81\x05hello", 1002),  # not masked
        (b"\xc1\x80mask", 1002),  # a reserved bit
        (b"\x83\x80mask", 1002),  # an unknown opcode
        (b"\x80\x80mask", 1002),  # nothing to continue
        (b"\x09\x80mask", 1002),  # a ping in fragments
        (b"\x89\xfe\x00\x7emask" + b"x" * 126, 1002),  # a ping of 126 octets
        (b"\x81\xfe\x00\x01mask!", 1002),  # a length not in its shortest form
        (b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xffmask", 1009),
        (b"\x82\xff\x00\x00\x00\x00\x00\x10\x00\x00mask", 1009),  # 1 MB
        (b"\x81\x81\x00\x00\x00\x00\xff", 1007),  # text that is no UTF-8
        (b"\x88\x81mask\x00", 1002),  # a farewell of one octet
    ],
    ids=lambda value: value[:6].hex() if isinstance(value, bytes) else str(value),
)
@pytest.mark.parametrize("transport", ["WS", "WSS"])
def test_bad_frame_closes_the_websocket_with_its_code(office: Office, transport: str, octets: bytes, code: int) -> None:
    context = _context(office.server) if transport == "WSS" else None
    with WebSocket(getattr(office.server, transport.lower()), context=context) as attacker:
        attacker.send(octets)
        farewell = attacker.frames()
        assert getattr(farewell, "code", farewell) == code
        assert attacker.frames() is None


def test_good_frames_with_bad_messages_keep_the_websocket_open(office: Office) -> None:
    dice = random.Random(6455)
    with WebSocket(office.server.ws) as attacker:
        for _ in range(200):
            attacker.say(dice.randbytes(dice.randrange(1, 500)))
        for length in range(1, len(INVITE), 7):
            attacker.say(INVITE[:length])
        attacker.say(options("next", "WS"))
        statuses = set()
        while (answer := attacker.read()) is not None and answer.call_id != "next":
            statuses.add(answer.status)
        assert _whole(answer) == 200
    assert statuses == {400}


def test_message_in_a_thousand_fragments_is_one_message(office: Office) -> None:
    message = options("fragments", "WS") + b"x" * 1000
    with WebSocket(office.server.ws) as attacker:
        frames = [b"\x01\x81\x00\x00\x00\x00" + message[:1]]
        frames += [b"\x00\x81\x00\x00\x00\x00" + message[place : place + 1] for place in range(1, len(message))]
        attacker.send(b"".join([*frames, b"\x80\x80\x00\x00\x00\x00"]))
        assert attacker.final("fragments").status == 200


# ---- many who leave something unfinished


def test_heads_that_never_end_are_not_kept_beyond_their_bound(office: Office) -> None:
    before = resident(office.server)
    with ExitStack() as stack:
        attackers = [stack.enter_context(Stream(office.server.tcp)) for _ in range(200)]
        for attacker in attackers:
            attacker.send(b"OPTIONS sip:office.test SIP/2.0\r\nX: " + b"x" * 60_000)
        with Stream(office.server.tcp) as asker:
            asker.send(options("beside", "TCP"))
            assert asker.final("beside").status == 200
        assert resident(office.server) - before < 200 * 2**17
        for attacker in attackers:
            attacker.send(b"x" * 2**20)
        for attacker in attackers:
            assert [answer.status for answer in attacker.rest()] in ([], [513])


def test_bodies_that_never_end_do_not_add_up(office: Office) -> None:
    """Each of them is within its bounds; together they would be 100 MB, so that some of them have to go."""
    server = office.server
    before, shed = resident(server), server.command("ready")["transport"]["shed"]
    head = request("MESSAGE", "sip:102@office.test").replace(b"Length: 0", b"Length: 260000")
    with ExitStack() as stack:
        for _ in range(400):
            stack.enter_context(Stream(server.tcp)).send(head + b"x" * 250_000)
        with Stream(server.tcp) as asker:
            asker.send(options("beside", "TCP"))
            assert asker.final("beside").status == 200
        assert server.command("ready")["transport"]["shed"] - shed >= 400 - Limits().unfinished // 250_000
        assert resident(server) - before < 2 * Limits().unfinished


def test_flood_of_garbage_is_one_line_in_the_log(office: Office) -> None:
    seen, began = len(office.server.output), time.monotonic()
    with Datagrams(office.server.udp) as attacker:
        for _ in range(2_000):
            attacker.send(b"garbage \x1b[31m\r\nand more\r\n\r\n")
        attacker.all("after-flood")
    new = office.server.output[seen:]
    assert len(new) <= 1 + (time.monotonic() - began) / EVERY
    assert office.server.process is not None
    office.server.process.wait_for(r"engine ! malformed message from (UDP|TCP|TLS|WS|WSS) 127\.\S+ port \d+: ")
