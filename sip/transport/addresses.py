"""Which addresses are this machine's, and which of them a peer sees us by.

Asked of the kernel with datagram sockets that send nothing, and remembered for a while, because addresses come
and go (DHCP, VPN) far more rarely than messages.
"""

import socket
from collections.abc import Callable
from ipaddress import ip_address

from sip.errors import TransportError
from sip.transport.base import Address

KEPT_SECONDS = 30.0
MOST_KEPT = 4096


def canonical(host: str) -> str | None:
    """A numeric host, without brackets, as the kernel writes it; None for a name."""
    family = family_of(host)
    try:
        return socket.inet_ntop(family, socket.inet_pton(family, host))
    except (OSError, ValueError):
        return None


def family_of(host: str) -> socket.AddressFamily:
    """Of a numeric host."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def is_wildcard(host: str) -> bool:
    """Whether who listens on it listens on every address of its family."""
    return host in ("0.0.0.0", "::")  # noqa: S104 - compared, not bound


def plain(address: tuple[str, int] | tuple[str, int, int, int]) -> Address:
    """A kernel's address as (host, port): no scope, no flow label."""
    host = address[0]
    return (host.partition("%")[0] if "%" in host else host), address[1]


class LocalAddresses:
    """Answers about this machine's addresses. `clock` is any monotonic clock in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._towards: dict[str, str] = {}
        self._ours: dict[str, bool] = {}
        self._expires = 0.0

    def towards(self, host: str, scope: int = 0) -> str:
        """The local address of packets to `host`, a numeric one; `scope` is the interface of a link-local one.

        Raises TransportError where no route leads.
        """
        if self._clock() >= self._expires or len(self._towards) >= MOST_KEPT:
            self._forget()
        key = f"{host}%{scope}" if scope else host
        known = self._towards.get(key)
        if known is None:
            known = self._towards[key] = _source_of(host, scope)
        return known

    def has(self, host: str) -> bool:
        """Whether `host`, a numeric one, is an address of this machine."""
        if self._clock() >= self._expires or len(self._ours) >= MOST_KEPT:
            self._forget()
        known = self._ours.get(host)
        if known is None:
            known = self._ours[host] = _can_bind(host)
        return known

    def _forget(self) -> None:
        self._towards.clear()
        self._ours.clear()
        self._expires = self._clock() + KEPT_SECONDS


def _source_of(host: str, scope: int) -> str:
    with socket.socket(family_of(host), socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((host, 9, 0, scope) if ":" in host else (host, 9))
        except OSError as error:
            raise TransportError(f"no route to {host}: {error.strerror}") from None
        return plain(probe.getsockname())[0]


def _can_bind(host: str) -> bool:
    address = ip_address(host)
    if address.is_multicast or address.is_unspecified:
        return False  # can be bound, and is nobody's own
    with socket.socket(family_of(host), socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            return False
        return True
