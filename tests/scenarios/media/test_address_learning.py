"""Whose packets are heard: nobody gets into a call, or gets a call's audio sent to himself, by sending first."""

import socket
import struct
from collections.abc import Callable

import pytest

from tests.scenarios.media.carriers import Carrier
from tests.scenarios.media.loops import LoopThread
from tests.scenarios.media.parties import PCMU, Party
from tests.scenarios.media.test_encryption import CM_80
from tests.scenarios.media.test_relay import A, B, connect

MakeParty = Callable[..., Party]


class Intruder:
    """Somebody on the network, who sends to a port that he has found."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self._socket = socket.socket(type=socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self._socket.settimeout(1.0)

    def send(self, target: tuple[str, int], count: int = 20, payload_type: int = 0) -> None:
        for number in range(count):
            header = struct.pack("!BBHII", 0x80, payload_type, number, number * 160, 0xBAD)
            self._socket.sendto(header + bytes(160), target)

    def gets_anything(self) -> bool:
        try:
            return bool(self._socket.recv(2048))
        except TimeoutError:
            return False

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def intruder() -> "Intruder":  # type: ignore[misc]
    made = Intruder()
    yield made
    made.close()


def test_intruder_in_a_call_is_not_heard_and_hears_nothing(
    embedded_carrier: Carrier, session: str, party: MakeParty, intruder: Intruder
) -> None:
    a, b = party(A), party(B)
    connect(embedded_carrier, session, a, b)
    assert b.hears(A)
    assert a.target is not None
    intruder.send(a.target)
    assert not intruder.gets_anything()
    assert a.hears(B)
    assert b.hears(A)
    assert all(packet[8:12] == b.packets[0][8:12] for packet in b.packets)
    embedded_carrier.delete(session)


def test_intruder_who_is_first_is_not_heard(
    embedded_carrier: Carrier, session: str, party: MakeParty, intruder: Intruder
) -> None:
    """He finds the port before the phone has spoken, but from another place than it has named."""
    a, b = party(A), party(B)
    offer = embedded_carrier.offer(session, a.description(), source_host="127.0.0.1")
    answer = embedded_carrier.answer(session, b.description(answer_to=offer), source_host="127.0.0.1")
    port = int(answer.decode().partition("m=audio ")[2].split()[0])
    other = Intruder("127.0.0.2")
    other.send(("127.0.0.1", port))
    a.take(answer)
    assert b.hears(A)
    assert a.hears(B)
    assert not other.gets_anything()
    other.close()
    embedded_carrier.delete(session)


def test_phone_behind_nat_is_heard_from_where_its_signalling_comes(
    embedded_carrier: Carrier, session: str, party: MakeParty
) -> None:
    """It names an address of its own network; a stranger from elsewhere is not taken for it."""
    a, b = party(A), party(B)
    described = a.description(address="10.11.12.13", port=4000)
    offer = embedded_carrier.offer(session, described, source_host="127.0.0.1")
    answer = embedded_carrier.answer(session, b.description(answer_to=offer))
    port = int(answer.decode().partition("m=audio ")[2].split()[0])
    stranger = Intruder("127.0.0.2")
    stranger.send(("127.0.0.1", port))
    a.take(answer)
    assert b.hears(A)
    assert a.hears(B)
    assert not stranger.gets_anything()
    stranger.close()
    embedded_carrier.delete(session)


def test_phone_that_sends_from_another_port_than_it_listens_on_is_served(
    embedded_carrier: Carrier, session: str, party: MakeParty
) -> None:
    a, b, mouth = party(A), party(B), party(600.0)
    connect(embedded_carrier, session, a, b)
    a.silence()
    # Nothing of `a` has come from its own port any more than from this one: what counts is who is first.
    other = embedded_carrier
    other.delete(session)
    offer = other.offer(session, a.description())
    answer = other.answer(session, b.description(answer_to=offer))
    mouth.take(answer)
    assert b.hears(600.0)
    assert a.waits_until(lambda: len(a.packets) > 20)
    other.delete(session)


def test_only_authentic_packets_make_an_address_known(
    embedded_carrier: Carrier, session: str, party: MakeParty
) -> None:
    """An encrypted phone behind NAT; somebody at the same address guesses the port first."""
    a, b = party(A, [PCMU], suites=[CM_80]), party(B)
    described = a.description(address="10.11.12.13", port=4000)
    offer = embedded_carrier.offer(session, described, source_host="127.0.0.1")
    answer = embedded_carrier.answer(session, b.description(answer_to=offer))
    port = int(answer.decode().partition("m=audio ")[2].split()[0])
    neighbour = Intruder()
    neighbour.send(("127.0.0.1", port))
    assert not neighbour.gets_anything()
    a.take(answer)
    assert b.hears(A)
    assert a.hears(B)
    neighbour.close()
    embedded_carrier.delete(session)


def test_port_that_was_closed_for_a_moment_does_not_end_the_stream(
    embedded_carrier: Carrier, session: str, thread: LoopThread, party: MakeParty
) -> None:
    """The phone restarts its sound: what we send meanwhile comes back as an error of our socket."""
    a, b = party(A), party(B)
    connect(embedded_carrier, session, a, b)
    assert a.hears(B)
    port = a.port

    def reopen() -> None:
        thread.loop.remove_reader(a.rtp.fileno())
        a.rtp.close()

    target, a.target = a.target, None
    thread.call(reopen)
    assert b.waits_until(lambda: False, timeout=0.3) is False  # fifteen packets meet a closed port
    a.rtp = socket.socket(type=socket.SOCK_DGRAM)
    a.rtp.bind(("127.0.0.1", port))
    a.rtp.setblocking(False)
    thread.call(lambda: thread.loop.add_reader(a.rtp.fileno(), a._readable))
    a.target = target
    assert a.hears(B)
    assert b.hears(A)
    embedded_carrier.delete(session)
