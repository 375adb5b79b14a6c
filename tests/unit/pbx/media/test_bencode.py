"""Bencoding both ways, and what is none."""

import pytest

from pbx.media import bencode


@pytest.mark.parametrize(
    ("value", "octets", "read"),
    [
        (0, b"i0e", 0),
        (-7, b"i-7e", -7),
        ("ёж", b"4:\xd1\x91\xd0\xb6", "ёж".encode()),
        (b"", b"0:", b""),
        ([1, b"x"], b"li1e1:xe", [1, b"x"]),
        ({"b": 1, "a": ["x"]}, b"d1:al1:xe1:bi1ee", {"a": [b"x"], "b": 1}),
    ],
)
def test_value_is_written_and_read(value: bencode.Value, octets: bytes, read: bencode.Read) -> None:
    assert bencode.encode(value) == octets
    assert bencode.decode(octets) == read


@pytest.mark.parametrize(
    "octets",
    [b"", b"i1", b"ie", b"5:abc", b"-1:", b"l", b"d1:ae", b"di1ei1ee", b"i1ei1e", b"x", b"l" * 40 + b"e" * 40],
)
def test_what_is_none_is_refused(octets: bytes) -> None:
    with pytest.raises(bencode.NotBencoded):
        bencode.decode(octets)
