"""Which calls need the media plane, and which don't: two phones that reach each other talk directly.

A call is anchored for a browser, for parties of different encryption, for a party behind NAT, and for two whose
addresses are of different kinds. Asked before the offer is sent, when little is known of the party that is called:
the profile that its device is to have, and where its signalling comes from.
"""

from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address

from pbx.media.errors import MediaError
from pbx.media.plane import MediaProfile
from pbx.media.relay.latching import is_behind_nat, plain_host
from pbx.media.relay.remote import Remote, read


class Anchor(StrEnum):
    """[media] anchor."""

    AUTO = "auto"
    ALWAYS = "always"


class Reason(StrEnum):
    """Why a call goes through the media plane; for the log and the explanation of a call."""

    ALWAYS = "the configuration wants all media here"
    BROWSER = "one party is a browser and the other is not"
    ENCRYPTION = "the parties encrypt differently"
    NAT = "a party is behind NAT"
    FAMILY = "one party has IPv4 and the other IPv6"


def needs_anchor(
    offer: bytes,
    target: MediaProfile,
    *,
    source_host: str = "",
    target_host: str = "",
    anchor: Anchor = Anchor.AUTO,
) -> Reason | None:
    """Why the offer has to go through the media plane; None when it can go to the other party as it is.

    Args:
        target: the profile that the other party's device wants.
        source_host, target_host: the IP addresses from which their signalling comes, "" for unknown.

    A description that can't be read is none to anchor: whoever gets it refuses it.
    """
    if anchor is Anchor.ALWAYS:
        return Reason.ALWAYS
    try:
        remote = read(offer)
    except MediaError:
        return None
    source = remote.profile
    if (source is MediaProfile.WEBRTC) is not (target is MediaProfile.WEBRTC):
        return Reason.BROWSER
    if source is MediaProfile.WEBRTC:
        return None  # from browser to browser: they find each other by ICE, and encrypt from end to end
    if not _agree_on_keys(source, target):
        return Reason.ENCRYPTION
    if _is_behind_nat(remote, source_host) or _is_elsewhere(source_host, target_host):
        return Reason.NAT
    if _family(source_host) != _family(target_host) and source_host and target_host:
        return Reason.FAMILY
    return None


def _agree_on_keys(source: MediaProfile, target: MediaProfile) -> bool:
    """Whether an offer of the one can be answered by the other as it is."""
    if MediaProfile.SRTP_OPTIONAL in (source, target):
        # A phone that may encrypt can answer what doesn't; one that has to can't. And its own offer has keys beside
        # RTP/AVP, which every phone without them ignores.
        return source is not MediaProfile.SRTP and target is not MediaProfile.SRTP
    return source is target


def _is_behind_nat(remote: Remote, host: str) -> bool:
    used = [stream for stream in remote.streams if stream.usable]
    # c=0.0.0.0 is a party on hold, which says nothing about where it is.
    described = [stream.address[0] for stream in used if not _is_unspecified(stream.address[0])]
    return any(is_behind_nat(one, host) for one in described)


def _is_elsewhere(one: str, other: str) -> bool:
    """Whether only one of the two is in a private network: from there the other one may not be reached."""
    first, second = _address(one), _address(other)
    if first is None or second is None or first.is_loopback or second.is_loopback:
        return False
    return first.is_global is not second.is_global


def _is_unspecified(host: str) -> bool:
    address = _address(host)
    return address is not None and address.is_unspecified


def _family(host: str) -> int:
    address = _address(host)
    return 0 if address is None else address.version


def _address(host: str) -> IPv4Address | IPv6Address | None:
    plain = plain_host(host)
    return ip_address(plain) if plain else None
