"""Who may send to a port: the negotiated address, or the first that proves itself where that one can't be right.

A port that takes packets from anybody can be made to bleed: whoever finds it gets the call's audio sent to himself.
So a port listens to one address only. That is the negotiated one, unless the party is behind NAT: its description
names an address of its own network, or another than its signalling comes from. Then the first valid packet decides,
and where the address of the signalling is known, it has to come from there. Once an address is taken, it stays
until the next description; the kernel itself then drops what comes from elsewhere.

A router forgets a way on which nothing has gone for half a minute, as in a call on hold, and opens another one later.
So when a party describes itself anew, and nothing comes from where it was, the next valid packet decides again.
"""

from ipaddress import ip_address

Address = tuple[str, int]

# How long a party behind NAT may take for its first packet after its description came, in seconds. It sends at once
# when it has answered; the ringing comes before.
WINDOW = 120.0
# A party may be elsewhere when it has described itself again and then nothing came for QUIET seconds, which has to
# show within SETTLING. Later, silence is only silence.
QUIET = 2.0
SETTLING = 10.0


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


def is_unspecified(host: str) -> bool:
    """Whether that is 0.0.0.0 or ::, which says nothing of where a party is: once the way to put a call on hold."""
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False


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

    Attributes:
        locked: the address that was taken, None for none yet.
        doubted: nothing comes from there any more; another may take its place, and until then it is sent to.
    """

    __slots__ = ("_former", "_heard", "_packets", "_renewed", "_signalling", "_until", "behind_nat", "doubted",
                 "locked", "negotiated")  # fmt: skip

    def __init__(self, negotiated: Address, signalling: str, now: float, former: Address | None = None) -> None:
        self.negotiated = negotiated
        self.behind_nat = is_behind_nat(negotiated[0], signalling)
        self.locked: Address | None = None
        self.doubted = False
        self._former = former
        self._signalling = signalling
        self._until = now + WINDOW
        self._packets = 0
        self._heard = now
        self._renewed: float | None = None

    def admits(self, source: Address, now: float) -> bool:
        """Whether a valid packet from there makes that the party's address."""
        host, port = source[0], source[1]
        if (host, port) == self.negotiated:
            return True
        if self.locked is not None and not self.doubted:
            return False
        if now > self._until or (host, port) == self._former:
            return False
        if self.behind_nat:
            return not self._signalling or host in (self._signalling, self.negotiated[0])
        # Not symmetric (RFC 4961): it sends from another port than it listens on.
        return host == self.negotiated[0]

    def take(self, source: Address) -> None:
        """That is the party's address now."""
        self.locked = source
        self.doubted = False

    def renew(self, signalling: str, now: float) -> None:
        """The party has described itself again, as it was; its signalling may come from elsewhere now."""
        self._signalling = signalling
        self._until = now + WINDOW
        self._renewed = now

    def look(self, packets: int, now: float) -> bool:
        """Whether the address is doubted from now on. `packets` is how many have come in all; to be asked at times."""
        if packets != self._packets:
            self._packets, self._heard = packets, now
        elif self._renewed is not None and now - self._renewed > SETTLING:
            self._renewed = None
        elif self._renewed is not None and self.locked is not None and now - self._heard > QUIET:
            self._renewed = None
            self.doubted = True
            return True
        return False

    @property
    def destination(self) -> Address | None:
        """Where to send to: what was latched behind NAT, else as negotiated. None while nobody can know."""
        if self.behind_nat:
            return self.locked
        return self.negotiated
