"""STUN binding requests on the SIP port."""

import struct
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.transport import stun

COOKIE = 0x2112A442
TRANSACTION = bytes.fromhex("b7e7a701bc34d686fa87dfae")


def request(attributes: bytes = b"", *, kind: int = 1, length: int | None = None, cookie: int = COOKIE) -> bytes:
    size = len(attributes) if length is None else length
    return struct.pack("!HHI12s", kind, size, cookie, TRANSACTION) + attributes


def test_addresses_of_rfc5769_are_written_as_there() -> None:
    """RFC 5769 §2.2 and §2.3, the XOR-MAPPED-ADDRESS attributes of the sample responses."""
    ipv4 = stun.answer(request(), "192.0.2.1", 32853)
    ipv6 = stun.answer(request(), "2001:db8:1234:5678:11:2233:4455:6677", 32853)
    assert ipv4 is not None
    assert ipv6 is not None
    assert ipv4[20:].hex() == "002000080001a147e112a643"
    assert ipv6[20:].hex() == "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
    for response in (ipv4, ipv6):
        assert struct.unpack("!HHI12s", response[:20]) == (0x0101, len(response) - 20, COOKIE, TRANSACTION)


@given(st.ip_addresses(), st.integers(0, 65535))
def test_mapped_address_comes_back(address: object, port: int) -> None:
    response = stun.answer(request(), str(address), port)
    assert response is not None
    mask = struct.pack("!I12s", COOKIE, TRANSACTION)
    octets = bytes(octet ^ key for octet, key in zip(response[28:], mask, strict=False))
    assert ip_address(octets) == address
    assert struct.unpack_from("!H", response, 26)[0] ^ COOKIE >> 16 == port


def test_attributes_that_change_nothing_are_passed_over() -> None:
    software = struct.pack("!HH", 0x8022, 5) + b"phone\0\0\0"
    username = struct.pack("!HH", 0x0006, 4) + b"anna"
    response = stun.answer(request(software + username), "192.0.2.1", 5060)
    assert response is not None
    assert response[:2] == b"\x01\x01"


def test_unknown_attribute_that_must_be_understood_is_refused_with_420() -> None:
    unknown = struct.pack("!HHI", 0x0024, 4, 1) + struct.pack("!HH", 0x0025, 0)
    response = stun.answer(request(unknown), "192.0.2.1", 5060)
    assert response is not None
    assert response[:2] == b"\x01\x11"
    assert b"\0\0\x04\x14" in response
    assert response.endswith(struct.pack("!HHHH", 0x000A, 4, 0x0024, 0x0025))
    assert len(response) == 20 + struct.unpack_from("!H", response, 2)[0]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\1",
        request()[:-1],
        request(kind=0x0101),
        request(kind=0x0003),
        request(cookie=0),
        request(length=4),
        request(b"\0" * 3),
        request(struct.pack("!HH", 0x8022, 65535)),
        request() + b"trailing",
    ],
)
def test_what_is_no_binding_request_is_not_answered(data: bytes) -> None:
    assert stun.answer(data, "192.0.2.1", 5060) is None


@given(st.binary(max_size=100))
def test_any_attributes_are_survived(attributes: bytes) -> None:
    stun.answer(request(attributes), "192.0.2.1", 5060)
