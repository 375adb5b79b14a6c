"""Bencoding, in which rtpengine's ng protocol is written (as BitTorrent's BEP 3 has it)."""

from collections.abc import Mapping, Sequence

Value = int | str | bytes | Sequence["Value"] | Mapping[str, "Value"]
Read = int | bytes | list["Read"] | dict[str, "Read"]

DEEPEST = 16


class NotBencoded(ValueError):
    """The octets hold no value, or more than one."""


def encode(value: Value) -> bytes:
    """A value as octets; text as UTF-8."""
    match value:
        case int():
            return b"i%de" % value
        case str():
            return encode(value.encode())
        case bytes():
            return b"%d:%b" % (len(value), value)
        case Mapping():
            return b"d" + b"".join(encode(key) + encode(value[key]) for key in sorted(value)) + b"e"
    return b"l" + b"".join(encode(one) for one in value) + b"e"


def decode(data: bytes) -> Read:
    """The value that the octets hold, all of them. Raises NotBencoded."""
    try:
        value, end = _read(data, 0, 0)
    except ValueError as error:
        raise NotBencoded(str(error)) from error
    if end != len(data):
        raise NotBencoded("something follows the value")
    return value


def _read(data: bytes, at: int, depth: int) -> tuple[Read, int]:
    if depth > DEEPEST:
        raise ValueError("nested too deeply")
    kind = data[at : at + 1]
    if kind == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1 : end]), end + 1
    if kind == b"l" or kind == b"d":
        items: list[Read] = []
        at += 1
        while data[at : at + 1] != b"e":
            item, at = _read(data, at, depth + 1)
            items.append(item)
        if kind == b"l":
            return items, at + 1
        if len(items) % 2 or not all(isinstance(key, bytes) for key in items[::2]):
            raise ValueError("a dictionary without pairs")
        keys = (key.decode("utf-8", "replace") for key in items[::2] if isinstance(key, bytes))
        return dict(zip(keys, items[1::2], strict=True)), at + 1
    colon = data.index(b":", at)
    length = int(data[at:colon])
    end = colon + 1 + length
    if length < 0 or end > len(data):
        raise ValueError("a string that is longer than what there is")
    return data[colon + 1 : end], end
