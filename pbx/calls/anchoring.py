"""Whether the media of two phones passes through the media plane, or goes from one to the other.

`pbx.media.policy` decides by the offer; here is what spares most calls the reading of it: two phones of one network,
whose descriptions name the addresses that their signalling comes from.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING

from pbx.media.plane import MediaProfile
from pbx.media.policy import Anchor, needs_anchor
from sip.errors import ParseError
from sip.uri import SipUri, parse_uri

if TYPE_CHECKING:
    from pbx.calls.leg import Leg


class Anchoring:
    """`anchor` is what the configuration says."""

    def __init__(self, anchor: Anchor) -> None:
        self._anchor = anchor

    def __call__(self, source: Leg, target: Leg, offer: bytes) -> bool:
        """Whether the offer of one phone has to reach another one by way of the media plane."""
        if self._anchor is Anchor.ALWAYS:
            return True
        here, there = source.flow.remote[0], target.flow.remote[0]
        # Behind a proxy (Path), a phone's packets come from elsewhere than its requests.
        hidden = not target.dialog.routes and _is_behind_nat(target.dialog.target, there)
        encrypted = b" RTP/SAVP" in offer
        if not encrypted and _are_neighbours(here, there) and _speaks_from(offer, here):
            return hidden
        profile = MediaProfile.SRTP if encrypted else MediaProfile.RTP
        reason = needs_anchor(offer, profile, source_host=here, target_host=there, anchor=self._anchor)
        return reason is not None or hidden


def _speaks_from(offer: bytes, host: str) -> bool:
    """Whether the only address that a description names is this one."""
    return offer.count(b"\nc=") == 1 and b" %b\r\n" % host.encode() in offer.partition(b"\nc=")[2][:64]


@lru_cache(maxsize=4096)
def _are_neighbours(one: str, other: str) -> bool:
    """Whether two addresses are of one kind: both private, or both public, and of one family."""
    try:
        first, second = ip_address(one), ip_address(other)
    except ValueError:
        return False
    return first.version == second.version and first.is_private is second.is_private


@lru_cache(maxsize=4096)
def _is_behind_nat(contact: str, host: str) -> bool:
    """Whether a phone names an address of a network of its own, and its packets come from another one."""
    try:
        uri = parse_uri(contact)
        named = ip_address(uri.host) if isinstance(uri, SipUri) else None
        seen = ip_address(host)
    except (ParseError, ValueError):
        return False  # a name: nothing can be told from it
    if named is None or named == seen or (named.is_loopback and seen.is_loopback):
        return False
    return named.is_private
