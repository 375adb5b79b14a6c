"""JSON lines: each message is one JSON object on one line, of bounded length."""

import json
from collections.abc import Mapping
from typing import Any

from pbx.bus.errors import BadLine

Values = Mapping[str, Any]

MAX_REQUEST = 1 << 20  # octets; a change of a hundred thousand numbers fits
# A registration is about 300 octets here, so this is what a node with 200 000 of them says. For
# precedents: Redis takes strings of 512 MiB, NATS messages of 1 MiB.
MAX_REPLY = 64 << 20

# Everything beyond ASCII is escaped: slightly longer, but text from the network with octets that are
# no characters (lone surrogates) can't make it fail.
_encoder = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))
_decoder = json.JSONDecoder()


def encode(values: Values) -> bytes:
    """One line, with its end."""
    return _encoder.encode(values).encode("ascii") + b"\n"


def decode(line: bytes) -> Values:
    """The object on a line. Raises BadLine."""
    try:
        # As json.loads does, without guessing among encodings and kinds of blanks: half of what a short line takes.
        text = line.decode("utf-8", "surrogatepass").strip()
        values, end = _decoder.raw_decode(text)
    except (ValueError, RecursionError) as error:
        raise BadLine("a line is not JSON") from error
    if end != len(text):
        raise BadLine("a line is more than JSON")
    if not isinstance(values, dict):
        raise BadLine("a line is not a JSON object")
    return values
