"""Numbers that the server answers itself: the echo test, by which people hear whether their phone works."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbx.calls.edge import Edge
from pbx.calls.incoming import Incoming
from pbx.calls.leg import Leg
from pbx.media.plane import MediaProfile

if TYPE_CHECKING:
    from pbx.calls.call import Call


def can_serve(leg: Leg) -> bool:
    """Whether this caller can be served: there is a media plane, and an offer to answer."""
    return leg.switch.media is not None and bool(leg.remote_sdp)


def attend(call: Call, leg: Leg) -> None:
    """The media plane becomes the caller's partner: whatever the caller describes is answered as its echo."""
    plane = leg.switch.media
    assert plane is not None
    if leg.edge is not None:
        leg.edge.close()
    leg.edge = Edge(leg, plane, MediaProfile.RTP, echoes=True)
    leg.edge.call_id = call.id


def serves(leg: Leg) -> bool:
    """Whether this party's partner is the media plane."""
    return leg.edge is not None and leg.edge.echoes


def answer(leg: Leg, incoming: Incoming) -> None:
    """Answers what the party asks while it is served; an offer with its echo."""
    if incoming.request.method in ("INVITE", "UPDATE"):
        incoming.answer(200, body=incoming.request.body or leg.remote_sdp)
    else:
        incoming.answer(200)
