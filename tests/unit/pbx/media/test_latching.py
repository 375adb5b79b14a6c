"""Who is admitted to a port, as a table."""

import pytest

from pbx.media.relay.latching import WINDOW, Latch, is_behind_nat

PUBLIC, PRIVATE = "198.41.0.4", "192.168.1.20"


@pytest.mark.parametrize(
    ("described", "signalling", "behind"),
    [
        (PUBLIC, PUBLIC, False),
        (PRIVATE, PRIVATE, False),
        (PRIVATE, PUBLIC, True),
        (PRIVATE, "10.0.0.7", True),
        ("100.64.3.4", PUBLIC, True),  # of a provider that shares its addresses (RFC 6598)
        ("fe80::1", "2600::1", True),
        (PUBLIC, "8.8.8.8", False),  # media on another interface, or signalling by a proxy
        (PRIVATE, "", False),
        ("0.0.0.0", "", True),
        ("phone.local", PUBLIC, True),
        (PRIVATE, f"::ffff:{PRIVATE}", False),
        (PRIVATE, "no address", False),
    ],
)
def test_party_behind_nat_is_recognised(described: str, signalling: str, behind: bool) -> None:
    assert is_behind_nat(described, signalling) is behind


@pytest.mark.parametrize(
    ("signalling", "source", "admitted"),
    [
        (PRIVATE, (PRIVATE, 4000), True),
        (PRIVATE, (PRIVATE, 5000), True),  # it sends from another port than it listens on
        (PRIVATE, ("192.168.1.66", 4000), False),
        (PUBLIC, (PUBLIC, 1234), True),
        (PUBLIC, (PRIVATE, 4000), True),
        (PUBLIC, ("8.8.8.8", 4000), False),
        ("", (PRIVATE, 4000), True),
        ("", ("8.8.8.8", 4000), False),
    ],
)
def test_only_the_party_is_admitted(signalling: str, source: tuple[str, int], admitted: bool) -> None:
    assert Latch((PRIVATE, 4000), signalling, 0.0).admits(source, 1.0) is admitted


def test_nobody_but_the_negotiated_address_is_admitted_late() -> None:
    latch = Latch((PRIVATE, 4000), PUBLIC, 0.0)
    assert not latch.admits((PUBLIC, 1234), WINDOW + 1)
    assert latch.admits((PRIVATE, 4000), WINDOW + 1)


def test_party_behind_nat_is_sent_nothing_until_it_is_known() -> None:
    latch = Latch((PRIVATE, 4000), PUBLIC, 0.0)
    assert latch.destination is None
    latch.locked = (PUBLIC, 1234)
    assert latch.destination == (PUBLIC, 1234)


def test_party_that_listens_elsewhere_is_sent_to_where_it_listens() -> None:
    latch = Latch((PRIVATE, 4000), PRIVATE, 0.0)
    latch.locked = (PRIVATE, 5000)
    assert latch.destination == (PRIVATE, 4000)
