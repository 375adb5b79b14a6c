"""From a URI to the addresses where it is reached: the part of RFC 3263 that needs no DNS library.

Numeric hosts and names with address records (A, AAAA) by the system's resolver. NAPTR and SRV records, which choose
transport and server by the name's owner, are not looked up: that would need a DNS library, and phones and trunks in
an organisation are named by address or host. A name that only has SRV records is an error here, not a guess.
"""

import asyncio
import socket
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sip.errors import TransportError
from sip.transport.addresses import canonical
from sip.transport.base import DEFAULT_PORT
from sip.uri import SipUri

KEPT_SECONDS = 60.0  # the resolver doesn't say how long an answer holds
FAILURE_KEPT_SECONDS = 5.0
MOST_KEPT = 1000
MOST_LOOKUPS = 32  # at once: each holds a thread
LOOKUP_SECONDS = 5.0

Resolver = Callable[[str], Awaitable[list[str]]]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a message goes: what `TransportLayer.flow_to` takes. `name` is whom the URI named, for certificates."""

    transport: str
    host: str
    port: int
    name: str


class Locator:
    """Finds targets and remembers what names resolved to.

    `resolve` gives the addresses of a name, best first, and raises OSError; `clock` is monotonic, in seconds.
    """

    def __init__(self, resolve: Resolver | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._resolve = resolve or _system_resolver
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, list[str]]] = OrderedDict()
        self._lookups: dict[str, asyncio.Task[list[str]]] = {}

    def at_once(self, uri: SipUri) -> Target | None:
        """The target of a URI with a numeric host; None where a name must be asked for. Raises TransportError."""
        transport, host, port = _wanted(uri)
        address = canonical(host)
        return None if address is None else Target(transport, address, port, uri.host)

    async def find(self, uri: SipUri) -> list[Target]:
        """All targets, to be tried in order. Raises TransportError where there are none."""
        transport, host, port = _wanted(uri)
        address = canonical(host)
        hosts = [address] if address is not None else await self._addresses(host.lower().rstrip("."))
        return [Target(transport, found, port, uri.host) for found in hosts]

    async def _addresses(self, name: str) -> list[str]:
        until, addresses = self._known.get(name, (0.0, []))
        if self._clock() >= until:
            lookup = self._lookups.get(name)
            if lookup is None:
                if len(self._lookups) >= MOST_LOOKUPS:
                    raise TransportError(f"too many names are being looked up to ask for {name}")
                lookup = self._lookups[name] = asyncio.ensure_future(self._look_up(name))
            # Several may wait for the same answer, and one who gives up does not take it from the others.
            addresses = await asyncio.shield(lookup)
        if not addresses:
            raise TransportError(f"{name} has no address")
        return addresses

    async def _look_up(self, name: str) -> list[str]:
        addresses: list[str] = []
        try:
            addresses = await asyncio.wait_for(self._resolve(name), LOOKUP_SECONDS)
        except (OSError, TimeoutError, UnicodeError):
            addresses = []
        finally:
            del self._lookups[name]
        kept = KEPT_SECONDS if addresses else FAILURE_KEPT_SECONDS
        self._known[name] = (self._clock() + kept, addresses)
        self._known.move_to_end(name)
        if len(self._known) > MOST_KEPT:
            self._known.popitem(last=False)
        return addresses


def _wanted(uri: SipUri) -> tuple[str, str, int]:
    """Transport (RFC 3263 §4.1), host and port (§4.2) that a URI asks for. Raises TransportError."""
    named = uri.params.get("transport", "").upper()
    transport = named or "UDP"
    if uri.scheme == "sips":
        # RFC 3261 §26.2.2: TLS on every hop; `transport=tcp` says what lies below it.
        transport = {"": "TLS", "TCP": "TLS", "TLS": "TLS", "WS": "WSS", "WSS": "WSS"}.get(named, "")
    if transport not in DEFAULT_PORT:
        raise TransportError(f"no {named or uri.scheme} transport for {uri.scheme} URIs")
    host = uri.params.get("maddr") or uri.host
    return transport, host.strip("[]"), DEFAULT_PORT[transport] if uri.port is None else uri.port


async def _system_resolver(name: str) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_DGRAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))
