"""Which addresses are this machine's."""

import socket

import pytest

from sip.errors import TransportError
from sip.transport import addresses as addresses_module
from sip.transport.addresses import KEPT_SECONDS, LocalAddresses, canonical, family_of, is_wildcard, plain
from tests.unit.sip.transport.peers import FakeClock

interpreted = pytest.mark.skipif(
    str(addresses_module.__file__).endswith(".so"), reason="functions of a compiled module can't be replaced"
)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        ("example.org", None),
        ("192.0.2", None),
        ("192.0.2.256", None),
        ("010.0.0.1", None),
        ("[::1]", None),
        ("", None),
        ("127.0.0.1\0", None),
    ],
)
def test_numeric_hosts_have_one_spelling(host: str, expected: str | None) -> None:
    assert canonical(host) == expected


def test_small_questions() -> None:
    assert family_of("192.0.2.1") == socket.AF_INET
    assert family_of("2001:db8::1") == socket.AF_INET6
    assert [is_wildcard(host) for host in ("0.0.0.0", "::", "127.0.0.1")] == [True, True, False]
    assert plain(("192.0.2.1", 5060)) == ("192.0.2.1", 5060)
    assert plain(("fe80::1%eth0", 5060, 0, 2)) == ("fe80::1", 5060)


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("198.51.100.77", False),
        ("2001:db8:ffff::77", False),
        ("224.0.1.75", False),
        ("0.0.0.0", False),
        ("::", False),
    ],
)
def test_addresses_of_this_machine_are_known(host: str, ours: bool) -> None:
    addresses = LocalAddresses(FakeClock())
    assert [addresses.has(host), addresses.has(host)] == [ours, ours]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_source_towards_a_peer_is_the_kernels_choice(host: str) -> None:
    addresses = LocalAddresses(FakeClock())
    assert [addresses.towards(host), addresses.towards(host)] == [host, host]


def test_peer_without_route_is_an_error() -> None:
    with pytest.raises(TransportError, match=r"no route to 255\.255\.255\.255"):
        LocalAddresses(FakeClock()).towards("255.255.255.255")


@interpreted
def test_answers_are_asked_for_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    addresses = LocalAddresses(clock)
    sources = iter(("192.0.2.1", "192.0.2.2"))
    monkeypatch.setattr("sip.transport.addresses._source_of", lambda *_: next(sources))
    ours = iter((True, False))
    monkeypatch.setattr("sip.transport.addresses._can_bind", lambda _: next(ours))
    assert [addresses.towards("192.0.2.9"), addresses.has("192.0.2.1")] == ["192.0.2.1", True]
    clock.now += KEPT_SECONDS - 1
    assert [addresses.towards("192.0.2.9"), addresses.has("192.0.2.1")] == ["192.0.2.1", True]
    clock.now += 1
    assert [addresses.towards("192.0.2.9"), addresses.has("192.0.2.1")] == ["192.0.2.2", False]


@interpreted
def test_link_local_peers_are_told_apart_by_interface(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sip.transport.addresses._source_of", lambda _, scope: f"fe80::{scope}")
    addresses = LocalAddresses(FakeClock())
    assert [addresses.towards("fe80::9", scope) for scope in (1, 2, 1)] == ["fe80::1", "fe80::2", "fe80::1"]


@interpreted
def test_memory_of_answers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sip.transport.addresses._source_of", lambda *_: "192.0.2.1")
    monkeypatch.setattr("sip.transport.addresses.MOST_KEPT", 10)
    addresses = LocalAddresses(FakeClock())
    for number in range(100):
        addresses.towards(f"192.0.2.{number}")
        assert len(addresses._towards) <= 10
