"""Connections that begin and do not go on: slow ones, thousands of half-open ones, and those that never read."""

import resource
import selectors
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.scenarios.hostile.attackers import HANDSHAKE, Stream, WebSocket, address_of, options, trusting
from tests.scenarios.hostile.telephones import Telephones
from tests.scenarios.hostile.victim import Office, resident
from tests.support.messages import request
from tests.support.server import Server

MANY = 10_500  # half-open connections: more than the server keeps
OTHER_FILES = 300
EACH = 24 * 1024  # octets of memory that a half-open connection may cost
BEGUN = 96 * 1024  # and one that has begun something: OpenSSL takes half of that for a handshake


@contextmanager
def crowd(places: list[str], count: int, first: bytes = b"") -> Iterator[list[socket.socket]]:
    """So many connections, made as fast as the server takes them, that say no more than `first`."""
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        crowd: list[socket.socket] = []
        for start in range(0, count, 250):
            for place in range(start, min(start + 250, count)):
                one = stack.enter_context(socket.socket())
                one.setblocking(False)
                one.connect_ex(address_of(places[place % len(places)]))
                selector.register(one, selectors.EVENT_WRITE)
                crowd.append(one)
            while selector.get_map():
                for key, _ in selector.select(10):
                    selector.unregister(key.fileobj)
                    if first:
                        key.fileobj.send(first)  # type: ignore[union-attr]
        yield crowd


def _affordable(count: int) -> int:
    """As many as this process may have files for, which it asks the system for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = hard if hard != resource.RLIM_INFINITY else max(soft, count + OTHER_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, max(soft, count + OTHER_FILES)), hard))
    return min(count, most - OTHER_FILES)


def _a_new_phone(server: Server, transport: str) -> None:
    with Telephones(server) as telephones:
        phone = telephones.registered("103", transport)
        assert telephones.status(phone.register(expires=0)) == 200


# ---- half-open


def test_ten_thousand_half_open_connections_displace_each_other_and_no_phone(office: Office) -> None:
    server = office.server
    count = _affordable(MANY)
    before, transport = resident(server), server.command("ready")["transport"]
    with crowd([server.tcp, server.tls, server.ws, server.wss], count):
        office.check()  # on a connection that is older than all of them
        _a_new_phone(server, "TCP")
        _a_new_phone(server, "UDP")
        with WebSocket(server.ws) as browser:
            browser.say(options("browser", "WS"))
            assert browser.final("browser").status == 200
        assert resident(server) - before < count * EACH
        during = server.command("ready")["transport"]
    assert during["accepted"] - transport["accepted"] >= count
    shed = during["shed"] - transport["shed"]
    assert during["connections"] + shed >= count
    if shed:
        assert server.process is not None
        server.process.wait_for(r"! \d+ connections shed, \d+ left")


@pytest.mark.parametrize(
    ("transport", "first"),
    [
        ("TCP", b"INVITE sip:102@office.test SIP/2.0\r\nVia: SIP/2.0/TCP h"),
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 100),
        ("WS", HANDSHAKE[:-2]),
        ("WSS", b"\x16\x03\x01"),
    ],
)
def test_a_thousand_that_begin_something_cost_little(office: Office, transport: str, first: bytes) -> None:
    server = office.server
    count = _affordable(1_000)
    before = resident(server)
    with crowd([getattr(server, transport.lower())], count, first):
        _a_new_phone(server, "TCP")
        assert resident(server) - before < count * BEGUN


# ---- slow


def test_message_that_comes_octet_by_octet_is_answered(office: Office) -> None:
    """On all transports at once, while others are served."""
    server, context = office.server, trusting(office.server.data.authority)
    with ExitStack() as stack:
        slow: dict[str, Stream] = {
            "TCP": Stream(server.tcp),
            "TLS": Stream(server.tls, context=context),
            "WS": WebSocket(server.ws),
            "WSS": WebSocket(server.wss, context=context),
        }
        messages = {name: options(f"slow-{name}", name) for name in slow}
        for stream in slow.values():
            stack.enter_context(stream)
        for place in range(max(map(len, messages.values()))):
            for name, stream in slow.items():
                octet = messages[name][place : place + 1]
                if octet and isinstance(stream, WebSocket):
                    # A fragment of one octet, and that itself in two pieces.
                    last = place == len(messages[name]) - 1
                    stream.send(bytes(((0x80 if last else 0) | (0 if place else 1), 0x81)))
                    stream.send(b"\0\0\0\0" + octet)
                elif octet:
                    stream.send(octet)
            if place % 100 == 0:
                _a_new_phone(server, "UDP")
        for name, stream in slow.items():
            assert stream.final(f"slow-{name}").status == 200


def test_handshake_that_comes_octet_by_octet_is_granted(office: Office) -> None:
    with Stream(office.server.ws) as browser:
        for octet in HANDSHAKE:
            browser.send(bytes((octet,)))
        assert browser.octets().startswith(b"HTTP/1.1 101 ")


def test_tls_that_comes_octet_by_octet_is_understood(office: Office) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting(office.server.data.authority).wrap_bio(incoming, outgoing, server_hostname="office.test")
    with Stream(office.server.tls) as phone:

        def until_done(step: object) -> object:
            while True:
                try:
                    done = step()  # type: ignore[operator]
                except ssl.SSLWantReadError:
                    done = None
                for octet in outgoing.read():
                    phone.send(bytes((octet,)))
                if done is not None:
                    return done
                incoming.write(phone.octets())

        until_done(lambda: client.do_handshake() or True)
        until_done(lambda: client.write(options("octets", "TLS")))
        answer = until_done(lambda: client.read(65_536))
    assert isinstance(answer, bytes)
    assert answer.startswith(b"SIP/2.0 200 ")


# ---- unread


def test_answers_that_nobody_reads_end_the_connection(office: Office) -> None:
    """Kept for a slow reader, up to a bound; then it is given up."""
    server = office.server
    before = server.command("ready")["transport"]["too_slow"]
    question = request("OPTIONS", "sip:office.test", call_id="x" * 8_000)
    with Stream(server.tcp) as attacker:
        attacker.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for _ in range(4_000):
            if not attacker.send(question):
                break
        else:
            pytest.fail("32 MB of answers were kept")
    assert server.command("ready")["transport"]["too_slow"] == before + 1
