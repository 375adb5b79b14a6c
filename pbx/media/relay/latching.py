"""Who may send to a port: the negotiated address, or the first that proves itself where that one can't be right.

A port that takes packets from anybody can be made to bleed: whoever finds it gets the call's audio sent to himself.
So a port listens to one address only. That is the negotiated one, unless the party is behind NAT: its description
names an address of its own network, or another than its signalling comes from. Then the first valid packet decides,
and where the address of the signalling is known, it has to come from there. Once an address is taken, it stays
until the next description; the kernel itself then drops what comes from elsewhere.
"""

from ipaddress import ip_address

Address = tuple[str, int]

# How long a party behind NAT may take for its first packet after its description came, in seconds. It sends at once
# when it has answered; the ringing comes before.
WINDOW = 120.0


def is_behind_nat(described: str, signalling: str) -> bool:
    """Whether a party whose description says `described` is reached elsewhere.

    `signalling` is the address from which its SIP comes, "" where that is not known: then nothing suggests NAT,
    but for an address to which nothing can be sent.
    """
    try:
        media = ip_address(described)
    except ValueError:
        return True  # a name, which a phone would resolve in its own network
    if media.is_unspecified:
        return True
    if not signalling:
        return False
    seen = plain_host(signalling)
    if seen in (str(media), "") or (media.is_loopback and ip_address(seen).is_loopback):
        return False
    # Two addresses of one public host are no NAT: a phone may have its media on another interface, or behind a
    # proxy for its signalling. An address that only means something in a network of its own is.
    return not media.is_global


def plain_host(host: str) -> str:
    """An address as sockets and descriptions write it; "" for what is none.

    A party on a socket for both kinds of addresses may show as ::ffff:192.0.2.1.
    """
    try:
        address = ip_address(host)
    except ValueError:
        return ""
    return str(getattr(address, "ipv4_mapped", None) or address)


class Latch:
    """The address that a stream listens to, and how it came to be known.

    `former` is where the media came from before this description. Who sends from there still, after a transfer
    say, is the party of before, though it may be in the same network as this one.
    """

    __slots__ = ("_former", "_signalling", "_until", "behind_nat", "locked", "negotiated")

    def __init__(self, negotiated: Address, signalling: str, now: float, former: Address | None = None) -> None:
        self.negotiated = negotiated
        self.behind_nat = is_behind_nat(negotiated[0], signalling)
        self.locked: Address | None = None
        self._former = former
        self._signalling = signalling
        self._until = now + WINDOW

    def admits(self, source: Address, now: float) -> bool:
        """Whether a valid packet from there makes that the party's address. Asked while none is `locked`."""
        host, port = source[0], source[1]
        if (host, port) == self.negotiated:
            return True
        if now > self._until or (host, port) == self._former:
            return False
        if self.behind_nat:
            return not self._signalling or host in (self._signalling, self.negotiated[0])
        # Not symmetric (RFC 4961): it sends from another port than it listens on.
        return host == self.negotiated[0]

    @property
    def destination(self) -> Address | None:
        """Where to send to: what was latched behind NAT, else as negotiated. None while nobody can know."""
        if self.behind_nat:
            return self.locked
        return self.negotiated
