"""The kinds of value in [media]: addresses, ports, where rtpengine is."""

import pytest

from config.kinds import Address, IpAddresses, OneAddress, PortRange, Ports


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("", ()),
        ("192.0.2.1", ("192.0.2.1",)),
        (["192.0.2.1", "[2001:db8::1]"], ("192.0.2.1", "2001:db8::1")),
        (["192.0.2.1", "192.0.2.1"], ("192.0.2.1",)),
    ],
)
def test_addresses_are_read(written: object, read: tuple[str, ...]) -> None:
    assert IpAddresses().read(written) == read


@pytest.mark.parametrize("written", ["pbx.example.com", "0.0.0.0", ["::"], 5, [5], "192.0.2.1:5060"])
def test_what_is_no_address_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match=r"^|address"):
        IpAddresses().read(written)


def test_addresses_of_an_environment_variable_are_separated_by_commas() -> None:
    kind = IpAddresses()
    assert kind.read(kind.from_text("192.0.2.1, 2001:db8::1")) == ("192.0.2.1", "2001:db8::1")
    assert kind.read(kind.from_text(" ")) == ()


def test_range_of_ports_is_read() -> None:
    assert PortRange(64).read("30000-39999") == Ports(30_000, 39_999)


@pytest.mark.parametrize("written", ["", "30000", "30000-30010", "39999-30000", "80-40000", "30000-70000", 30_000])
def test_range_that_is_none_or_too_small_is_refused(written: object) -> None:
    kind = PortRange(64)
    with pytest.raises(ValueError, match=r"^$"):
        kind.read(written)
    assert "64" in kind.allowed


def test_one_address_is_one() -> None:
    assert OneAddress().read("127.0.0.1:2223") == Address("127.0.0.1", 2223)
    for written in ("", ["127.0.0.1:2223"], "127.0.0.1", 2223):
        with pytest.raises(ValueError, match=r"^|address"):
            OneAddress().read(written)
