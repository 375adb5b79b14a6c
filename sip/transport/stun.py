"""STUN binding requests on the SIP port: the keep-alive of phones over UDP (RFC 5626 §4.4.2, RFC 5389).

A phone behind NAT asks every half minute which address it is seen from; that holds the NAT's mapping open, and
tells the phone when the mapping changed. Nothing else of STUN is served. Pure.
"""

import struct
from socket import AF_INET, AF_INET6, inet_pton

SMALLEST = 20  # octets: the header

_COOKIE = 0x2112A442
_HEADER = struct.Struct("!HHI12s")
_ATTRIBUTE = struct.Struct("!HH")
_BINDING_REQUEST, _BINDING_SUCCESS, _BINDING_ERROR = 0x0001, 0x0101, 0x0111
_XOR_MAPPED_ADDRESS, _ERROR_CODE, _UNKNOWN_ATTRIBUTES = 0x0020, 0x0009, 0x000A
# Attributes that RFC 5389 §15 defines and that change nothing for who authenticates nobody.
_IGNORED = frozenset((0x0001, 0x0006, 0x0008, 0x0014, 0x0015))
_FIRST_OPTIONAL = 0x8000  # RFC 5389 §15: attributes from here on may be ignored by who does not know them


def answer(data: bytes, host: str, port: int) -> bytes | None:
    """The response to a datagram from (`host`, `port`); None where it is no binding request of RFC 5389."""
    if len(data) < SMALLEST:
        return None
    kind, length, cookie, transaction = _HEADER.unpack_from(data)
    if kind != _BINDING_REQUEST or cookie != _COOKIE or length % 4 or length != len(data) - SMALLEST:
        return None
    unknown: set[int] = set()
    position = SMALLEST
    while position < len(data):
        attribute, size = _ATTRIBUTE.unpack_from(data, position)
        position += _ATTRIBUTE.size + (size + 3 & ~3)
        if position > len(data):
            return None
        if attribute < _FIRST_OPTIONAL and attribute not in _IGNORED:
            unknown.add(attribute)
    if unknown:
        return _refusal(transaction, sorted(unknown))
    value = _xor_address(host, port, transaction)
    return _message(_BINDING_SUCCESS, transaction, _attribute(_XOR_MAPPED_ADDRESS, value))


def _refusal(transaction: bytes, unknown: list[int]) -> bytes:
    """RFC 5389 §7.3.1: attributes that must be understood and are not."""
    error = _attribute(_ERROR_CODE, b"\0\0\x04\x14Unknown Attribute")  # class 4, number 20
    names = _attribute(_UNKNOWN_ATTRIBUTES, struct.pack(f"!{len(unknown)}H", *unknown))
    return _message(_BINDING_ERROR, transaction, error + names)


def _xor_address(host: str, port: int, transaction: bytes) -> bytes:
    """RFC 5389 §15.2: XORed so that NATs which rewrite addresses inside of packets leave it alone."""
    family, code = (AF_INET6, 2) if ":" in host else (AF_INET, 1)
    octets = inet_pton(family, host)
    mask = struct.pack("!I12s", _COOKIE, transaction)
    hidden = bytes(octet ^ key for octet, key in zip(octets, mask, strict=False))
    return struct.pack("!BBH", 0, code, port ^ _COOKIE >> 16) + hidden


def _attribute(kind: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(kind, len(value)) + value + bytes(-len(value) % 4)


def _message(kind: int, transaction: bytes, attributes: bytes) -> bytes:
    return _HEADER.pack(kind, len(attributes), _COOKIE, transaction) + attributes
