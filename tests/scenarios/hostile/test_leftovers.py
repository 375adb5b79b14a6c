"""What is refused is forgotten at once.

The engine makes collections of garbage rare, because they stall it. So nothing that strangers send may be left to them:
an exception that a local variable of a frame in its own traceback still names holds all that was read, and a few
thousand of such messages are a gigabyte.
"""

import gc
import random
from collections.abc import Callable, Iterator

import pytest

from sip.errors import ParseError
from sip.framing import StreamFramer
from sip.message import parse
from sip.sdp.description import parse as parse_description
from sip.sdp.errors import SdpError
from sip.sdp.quick import quick_check
from sip.transaction.keys import top_row
from sip.transport.frames import FrameReader
from sip.transport.handshake import HandshakeReader, Refused
from sip.uri import parse_uri
from tests.scenarios.hostile.attackers import HANDSHAKE
from tests.support.messages import SDP, request


def _mutations(whole: bytes) -> Iterator[bytes]:
    dice = random.Random(0)
    for length in range(1, len(whole), 5):
        yield whole[:length]
    for _ in range(300):
        changed = bytearray(whole)
        changed[dice.randrange(len(changed))] = dice.randrange(256)
        yield bytes(changed)


READERS: dict[str, tuple[bytes, Callable[[bytes], object]]] = {
    "datagram": (request("INVITE", body=SDP), parse),
    "message on a stream": (request("INVITE", body=SDP), lambda data: parse(data, stream=True)),
    "response": (request("INVITE").replace(b"INVITE sip:102@example.org SIP/2.0", b"SIP/2.0 200 OK", 1), parse),
    "stream": (
        request("OPTIONS") + request("INVITE", body=SDP).replace(b"Length: ", b"Length: -"),
        lambda data: StreamFramer().receive(data),
    ),
    "frame": (b"\x81\x85maskhello\x89\x80mask\x88\x81mask!", lambda data: FrameReader().receive(data)),
    "handshake": (HANDSHAKE, lambda data: HandshakeReader().receive(data)),
    "description": (SDP, parse_description),
    "description, quickly": (SDP, quick_check),
    "row": (request("INVITE"), lambda data: top_row(data.decode("latin-1"))),
    "URI": (b"sip:a;b=c:d@[2001:db8::1]:5060;e=f?g=h", lambda data: parse_uri(data.decode("latin-1"))),
}


@pytest.mark.parametrize("kind", READERS)
def test_what_is_refused_leaves_nothing_to_the_collector(kind: str) -> None:
    whole, read = READERS[kind]
    inputs = list(_mutations(whole))
    refused = 0
    gc.collect()
    gc.disable()
    try:
        for data in inputs:
            try:
                read(data)
            except (ParseError, SdpError, Refused):
                refused += 1
        assert gc.collect() == 0
    finally:
        gc.enable()
    assert refused > 0 or kind in ("stream", "frame", "row")
