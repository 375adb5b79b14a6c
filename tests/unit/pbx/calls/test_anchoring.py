"""Which calls between phones pass through the media plane."""

from datetime import datetime
from types import SimpleNamespace

import pytest

from pbx.calls.anchoring import Anchoring
from pbx.calls.leg import Leg
from pbx.calls.switch import CallSettings, Switch
from pbx.directory.snapshot import Directory
from pbx.media.policy import Anchor
from sip.dialog.dialog import Dialog
from sip.endpoint import Endpoint
from sip.transport.base import LostFlow
from tests.support.clock import FakeClock

SWITCH = Switch(
    Endpoint(FakeClock()),
    CallSettings("example.org"),
    directory=Directory,
    bindings_of=lambda _: (),
    route_of=lambda _: None,
    flow_again=lambda *_: None,
    clock=datetime.now,
    store=SimpleNamespace(),  # no call of it is made
    addresses_us=lambda _: False,
)


def leg(host: str, contact: str = "") -> Leg:
    """A party whose phone is there."""
    dialog = Dialog("call", "tag", "<sip:101@example.org>", "<sip:102@example.org>", "<sip:101@192.0.2.1>")
    dialog.target = f"sip:101@{contact or host}:5060"
    return Leg(SWITCH, "101", dialog, LostFlow("UDP", ("192.0.2.1", 5060), (host, 5060)), inbound=True)


def offer(host: str, profile: str = "RTP/AVP") -> bytes:
    kind = "IP6" if ":" in host else "IP4"
    lines = ["v=0", f"o=- 1 1 IN {kind} {host}", "s=-", f"c=IN {kind} {host}", "t=0 0", f"m=audio 4000 {profile} 0"]
    if "SAVP" in profile:
        lines.append("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz")
    return "".join(f"{line}\r\n" for line in lines).encode()


@pytest.mark.parametrize(
    ("source", "target", "described", "anchored"),
    [
        pytest.param(leg("10.0.0.5"), leg("10.0.0.6"), offer("10.0.0.5"), False, id="one office"),
        pytest.param(leg("10.0.0.5"), leg("10.0.0.6"), offer("10.0.0.5", "RTP/SAVP"), False, id="both encrypt"),
        pytest.param(leg("8.8.4.4"), leg("10.0.0.6"), offer("192.168.1.5"), True, id="caller behind NAT"),
        pytest.param(leg("10.0.0.5"), leg("8.8.8.8", "192.168.7.7"), offer("10.0.0.5"), True, id="callee behind NAT"),
        pytest.param(leg("8.8.4.4"), leg("8.8.8.8"), offer("8.8.4.4"), False, id="both public"),
        pytest.param(leg("10.0.0.5"), leg("8.8.8.8"), offer("10.0.0.5"), True, id="from inside to outside"),
        pytest.param(leg("10.0.0.5"), leg("2001:db8::5"), offer("10.0.0.5"), True, id="IPv4 to IPv6"),
        pytest.param(leg("10.0.0.5"), leg("10.0.0.6"), offer("0.0.0.0"), False, id="caller on hold"),
        pytest.param(leg("10.0.0.5"), leg("10.0.0.6"), b"v=0\r\nm=", False, id="nothing to read"),
    ],
)
def test_media_takes_the_direct_way_where_there_is_one(
    source: Leg, target: Leg, described: bytes, anchored: bool
) -> None:
    assert Anchoring(Anchor.AUTO)(source, target, described) is anchored
    assert Anchoring(Anchor.ALWAYS)(source, target, described) is True
