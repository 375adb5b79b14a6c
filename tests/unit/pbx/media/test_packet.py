"""The packet buffer: header extensions are taken out or blanked, malformed packets are found."""

import pytest

from pbx.media.relay.packet import (
    BUFFER,
    HEADER,
    blank_extensions,
    extension,
    load,
    payload,
    payload_start,
    strip_extension,
)

PLAIN = HEADER.pack(0x80, 0, 1, 160, 7)


def with_extension(profile: int, elements: bytes, content: bytes = b"speech", sources: int = 0) -> bytes:
    header = HEADER.pack(0x90 | sources, 111, 1, 960, 7) + bytes(4 * sources)
    return header + profile.to_bytes(2, "big") + (len(elements) // 4).to_bytes(2, "big") + elements + content


SHORT = with_extension(0xBEDE, b"\x10A\x22BBB\x00\x00")  # element 1: "A", element 2: "BBB", padding


def test_extension_is_stripped_and_the_rest_stays() -> None:
    length = load(SHORT)
    start = strip_extension(length)
    packet = bytes(BUFFER[start:length])
    assert packet == HEADER.pack(0x80, 111, 1, 960, 7) + b"speech"


def test_contributing_sources_survive_the_stripping() -> None:
    length = load(with_extension(0xBEDE, b"\x10A\x00\x00", sources=2))
    start = strip_extension(length)
    assert BUFFER[start] == 0x82
    assert bytes(BUFFER[start + 12 : start + 20]) == bytes(8)
    assert bytes(BUFFER[start + 20 : length]) == b"speech"


def test_elements_that_were_not_agreed_become_padding() -> None:
    length = load(SHORT)
    assert blank_extensions(length, frozenset({2}))
    assert bytes(BUFFER[:length]) == with_extension(0xBEDE, b"\x00\x00\x22BBB\x00\x00")


def test_two_byte_elements_are_blanked_too() -> None:
    length = load(with_extension(0x1000, b"\x11\x02ab\x05\x00\x12\x00"))
    assert blank_extensions(length, frozenset({0x12}))
    assert bytes(BUFFER[:length]) == with_extension(0x1000, b"\x00\x00\x00\x00\x00\x00\x12\x00")


def test_extension_of_unknown_form_is_blanked_whole() -> None:
    length = load(with_extension(0x1234, b"\x11\x02ab"))
    assert blank_extensions(length, frozenset({1}))
    assert bytes(BUFFER[16:20]) == bytes(4)


@pytest.mark.parametrize(
    "packet",
    [
        with_extension(0xBEDE, b"\x1fA\x00\x00", b""),  # an element of 16 octets in 4
        with_extension(0x1000, b"\x01\xffab", b""),
        HEADER.pack(0x90, 0, 1, 160, 7) + b"\xbe\xde\x00\x09short",
        HEADER.pack(0x90, 0, 1, 160, 7) + b"\xbe",
    ],
)
def test_malformed_extension_is_refused(packet: bytes) -> None:
    assert not blank_extensions(load(packet), frozenset({9}))


def test_extension_that_does_not_fit_can_not_be_stripped() -> None:
    assert strip_extension(load(HEADER.pack(0x90, 0, 1, 160, 7) + b"\xbe\xde\x00\x09short")) == -1


def test_value_of_an_element_is_found_by_its_number() -> None:
    length = load(SHORT)
    assert extension(length, 2) == b"BBB"
    assert extension(length, 3) == b""
    assert extension(load(PLAIN), 2) == b""


def test_payload_is_without_padding() -> None:
    padded = HEADER.pack(0xA0, 0, 1, 160, 7) + b"speech" + b"\0\0\x03"
    assert payload(load(padded)) == b"speech"
    assert payload(load(PLAIN + b"speech")) == b"speech"
    assert payload(load(SHORT)) == b"speech"


def test_padding_that_is_longer_than_its_packet_shows_nothing_of_the_packet_before() -> None:
    load(b"somebody else's speech" * 80)
    assert payload(load(HEADER.pack(0xA0, 0, 1, 160, 7) + b"\xff")) == b""
    assert payload(load(HEADER.pack(0xA0, 0, 1, 160, 7) + b"short\x07")) == b""


@pytest.mark.parametrize("packet", [b"", b"\x80\0", bytes(12), HEADER.pack(0x8F, 0, 1, 160, 7)])
def test_what_is_no_packet_has_no_payload(packet: bytes) -> None:
    assert payload_start(load(packet)) == 0
    assert payload(load(packet)) == b""
