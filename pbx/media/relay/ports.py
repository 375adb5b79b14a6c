"""The UDP ports of a media process, and the addresses by which parties reach them.

Each stream of a plain leg has an even port for RTP and the odd one above it for RTCP (RFC 3550 §11). They come from
the process's share of the configured range, the one that was free longest first: a late packet of an ended call does
not get into a new one. A port that somebody else holds is passed over.
"""

import errno
import socket
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from pbx.addresses import local_addresses
from pbx.media.errors import MediaUnavailable

REFRESH = 30.0  # seconds for which the machine's addresses are taken as known
RECEIVE_OCTETS = 1 << 18  # of one port; a second of video


@dataclass(frozen=True, slots=True)
class Pair:
    """Two bound sockets, of an even port and the next."""

    rtp: socket.socket
    rtcp: socket.socket
    port: int


def share(first: int, last: int, index: int, workers: int) -> tuple[int, int]:
    """The part of a range of ports that belongs to one of several processes."""
    size = (last - first + 1) // workers
    return first + index * size, first + (index + 1) * size - 1


def free_everywhere(hosts: Iterable[str], first: int, last: int) -> int:
    """The first even port from `first` on that is free on all of these addresses; one that is gone has no ports.

    Another server on this machine may have the same range. Raises MediaUnavailable, also where all of them are gone.
    """
    addresses = list(hosts)
    for port in range(first + first % 2, last, 2):
        found = {_error_of(host, port) for host in addresses}
        if errno.EADDRINUSE not in found:
            if 0 not in found:
                break
            return port
    raise MediaUnavailable(f"no port from {first} to {last} can be used for browsers")


def _error_of(host: str, port: int) -> int | None:
    """Why the port can't be bound there; 0 where it can."""
    try:
        bound(host, port).close()
    except OSError as error:
        return error.errno
    return 0


class PortPool:
    """The even ports from `first` to `last`."""

    def __init__(self, first: int, last: int) -> None:
        self._free = deque(range(first + first % 2, last, 2))
        self.total = len(self._free)

    @property
    def free(self) -> int:
        return len(self._free)

    def take(self, host: str) -> Pair:
        """Two sockets on an address of ours. Raises MediaUnavailable when there are no more."""
        problem = "all ports for media are in use"
        for _ in range(len(self._free)):
            port = self._free.popleft()
            rtp = None
            try:
                rtp = bound(host, port)
                rtcp = bound(host, port + 1)
            except OSError as error:
                if rtp is not None:
                    rtp.close()
                self._free.append(port)
                problem = f"no port for media on {host}: {error.strerror}"
                continue
            return Pair(rtp, rtcp, port)
        raise MediaUnavailable(problem)

    def give_back(self, pair: Pair) -> None:
        pair.rtp.close()
        pair.rtcp.close()
        self._free.append(pair.port)


def bound(host: str, port: int, *, octets: int = RECEIVE_OCTETS) -> socket.socket:
    """A socket for datagrams that doesn't block. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, octets)
        made.setblocking(False)
        made.bind((host, port))
    except OSError:
        made.close()
        raise
    return made


class Addressing:
    """By which address of ours each party reaches us.

    `configured` are the addresses that the configuration names; they may be those of a router that hands everything
    on to us. Without any, the machine's own are used.
    """

    def __init__(self, configured: Sequence[str] = ()) -> None:
        self._configured = tuple(configured)
        self._known: tuple[str, ...] = ()
        self._until = 0.0

    def towards(self, host: str) -> str:
        """Our address for a party at `host`, which may be "" or no address. Raises MediaUnavailable without any."""
        routed = _routed(host)
        if self._configured:
            if routed in self._configured:
                return routed
            kind = ":" in (routed or host)
            return next((one for one in self._configured if (":" in one) is kind), self._configured[0])
        if routed:
            return routed
        return self.local()[0]

    def candidates(self, host: str) -> tuple[str, ...]:
        """All addresses to tell a browser at `host` of, the best first."""
        best = self.towards(host)
        found = [one for one in self._configured or self.local() if one != best]
        # Loopback means another machine to a browser elsewhere.
        return (best, *(one for one in found if not ip_address(one).is_loopback))

    def bindable(self, address: str) -> str:
        """Where to bind a socket that is reached as `address`."""
        if address in self.local():
            return address
        return "::" if ":" in address else "0.0.0.0"  # noqa: S104  a router hands it on to one of ours

    def local(self) -> tuple[str, ...]:
        """The addresses of this machine, as they were a moment ago. Raises MediaUnavailable without any."""
        now = time.monotonic()
        if now > self._until:
            found = [str(one) for one in local_addresses()]
            # Loopback last: it is reached by nobody else.
            self._known = tuple(sorted(found, key=lambda one: ip_address(one).is_loopback))
            self._until = now + REFRESH
        if not self._known:
            raise MediaUnavailable("this machine has no IP address")
        return self._known


def _routed(host: str) -> str:
    """The address that packets to `host` carry as their source; that of the default route where it is no address."""
    try:
        address = ip_address(host)
    except ValueError:
        address = None
    # Addresses for documentation (RFC 5737, RFC 3849) take the default route; connecting sends nothing.
    elsewhere = ("192.0.2.1", "2001:db8::1")
    tried = elsewhere if address is None or address.is_unspecified else (str(address),)
    for one in tried:
        try:
            with socket.socket(socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_DGRAM) as probe:
                probe.connect((one, 9))
                return str(probe.getsockname()[0]).partition("%")[0]
        except OSError:
            continue
    return ""
