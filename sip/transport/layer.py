"""All transports together: listens, finds the flow to a peer, knows which addresses are ours (RFC 3261 §18)."""

import asyncio
import errno
import resource
import socket
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from sip.errors import TransportError
from sip.transport.addresses import LocalAddresses, canonical, family_of, is_wildcard, plain
from sip.transport.base import DEFAULT_PORT, SECURE, Address, Flow, Gate, Receiver
from sip.transport.connections import TICK, Connections, Limits
from sip.transport.sockets import BACKLOG, Listener, listening_socket
from sip.transport.tcp import Connection
from sip.transport.tunnel import listen_on
from sip.transport.udp import UdpFlow, UdpSocket
from sip.transport.websocket import WebSocketConnection

# File descriptors left to everybody else: database, bus, log, UDP sockets.
_OTHER_FILES = 200


class TransportLayer:
    """The network as the endpoint sees it. To be made and used within the running event loop.

    `server_tls` is needed to listen on TLS and WSS, `client_tls` to connect by TLS. The number of connections in
    `limits` is lowered to what the process may open (RLIMIT_NOFILE). `inherited` are sockets that are bound already,
    by what is to be listened on.
    """

    def __init__(
        self,
        receiver: Receiver,
        *,
        server_tls: ssl.SSLContext | None = None,
        client_tls: ssl.SSLContext | None = None,
        limits: Limits | None = None,
        inherited: Mapping[Listener, socket.socket] | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._receiver = receiver
        self._server_tls = server_tls
        self._client_tls = client_tls
        self._local = LocalAddresses(self._loop.time)
        self._sockets: list[UdpSocket] = []
        self._servers: list[asyncio.Server] = []
        self._listeners: list[Listener] = []
        self._inherited = dict(inherited or {})
        self._opened: dict[tuple[str, str, int, str], Connection] = {}
        self._connections = Connections(receiver, _affordable(limits or Limits()), self._loop.time)
        self._ticking = self._loop.call_later(TICK, self._tick)

    # ---- listening

    async def listen(self, listeners: Iterable[Listener]) -> None:
        """Listens on each (transport, host, port); port 0 takes a free one, a name all of its addresses.

        Raises OSError, naming the address, where that is impossible; what listens already goes on until `close`.
        """
        for transport, host, port in listeners:
            if transport in SECURE and self._server_tls is None:
                raise ValueError(f"{transport} needs a certificate")
            for numeric_host in await self._numeric_hosts(transport, host, port):
                try:
                    await self._listen(transport, numeric_host, port)
                except OSError as error:
                    problem = f"can't listen on {transport} {numeric_host} port {port}: {error.strerror}"
                    raise OSError(error.errno, problem) from None

    async def listen_for_tunnel(self, path: Path) -> None:
        """Takes WebSockets that another process passes on by a Unix socket. Raises OSError."""
        self._servers.append(await listen_on(path, self._connections))

    async def _numeric_hosts(self, transport: str, host: str, port: int) -> list[str]:
        if canonical(host) is not None:
            return [host]
        try:
            found = await self._loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise OSError(errno.EADDRNOTAVAIL, f"can't listen on {transport} {host}: {error.strerror}") from None
        return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))

    async def _listen(self, transport: str, host: str, port: int) -> None:
        if transport == "UDP":
            bound = self._inherited.pop(("UDP", host, port), None)
            datagrams = UdpSocket(host, port, self._receiver, self._local, bound)
            self._sockets.append(datagrams)
            self._listeners.append(("UDP", *datagrams.local))
            return
        table, context = self._connections, self._server_tls if transport in SECURE else None
        kind = WebSocketConnection if transport in ("WS", "WSS") else Connection
        listening = self._inherited.pop((transport, host, port), None) or listening_socket(host, port)
        accept = partial(kind, table, transport, context)
        self._servers.append(await self._loop.create_server(accept, sock=listening, backlog=BACKLOG))
        self._listeners.append((transport, *plain(listening.getsockname())))

    def addresses(self) -> tuple[Listener, ...]:
        """What is listened on, with the ports that were taken."""
        return tuple(self._listeners)

    def is_ours(self, host: str, port: int | None = None) -> bool:
        """Whether a message for `host` (and `port`, where given) arrives here.

        Names are never ours here: which of them mean this server is no matter of transports.
        """
        address = canonical(host)
        if address is None:
            return False
        for _, listening_host, listening_port in self._listeners:
            if port is not None and port != listening_port:
                continue
            if address == listening_host:
                return True
            same_family = family_of(address) == family_of(listening_host)
            if same_family and is_wildcard(listening_host) and self._local.has(address):
                return True
        return False

    # ---- flows

    def flow_to(
        self, transport: str, host: str, port: int, *, prefer: Flow | None = None, name: str | None = None
    ) -> Flow:
        """The flow to a peer at a numeric `host`.

        `prefer`, where it leads to the same peer by the same transport, is taken as it is while it is open; with
        UDP its socket is taken, to whichever port. Else a connection that we opened before is used again, or a
        new one is made: what is sent on it waits until it stands, and if that fails, `Receiver.flow_lost` tells.
        `name` is whom the peer's certificate must name, the host by default.

        Raises TransportError where there is no such flow: no numeric host, no socket of its family, no route, or a
        WebSocket, which only the peer can open.
        """
        address = canonical(host)
        if address is None:
            raise TransportError(f"{host} is no numeric address")
        host = address
        if transport == "UDP":
            return self._datagram_flow(host, port, prefer)
        if prefer is not None and not prefer.closed and (transport, (host, port)) == (prefer.transport, prefer.remote):
            return prefer
        if transport not in ("TCP", "TLS"):
            raise TransportError(f"{transport} to {host}: only the peer can connect")
        key = (transport, host, port, name or "")
        known = self._opened.get(key)
        if known is None or known.closed:
            known = self._opened[key] = self._open(transport, host, port, name)
        return known

    def flow_between(self, local: Address, remote: Address) -> UdpFlow | None:
        """The UDP flow of these addresses, stored before a restart; None where we have no such socket any more."""
        for datagrams in self._sockets:
            if datagrams.family == family_of(remote[0]) and local[1] == datagrams.local[1]:
                flow = datagrams.flow_to(*remote)
                if local[0] in (datagrams.local[0], flow.local[0]):
                    return flow
        return None

    def _datagram_flow(self, host: str, port: int, prefer: Flow | None) -> UdpFlow:
        if isinstance(prefer, UdpFlow):
            flow = prefer.towards(host, port)
            if flow is not None:
                return flow
        family = family_of(host)
        candidates = [datagrams for datagrams in self._sockets if datagrams.family == family]
        if not candidates:
            raise TransportError(f"no UDP socket for {host}: {family.name} is not listened on")
        if len(candidates) > 1:
            here = self._local.towards(host)
            candidates.sort(key=lambda datagrams: not datagrams.sends_from(here))
        return candidates[0].flow_to(host, port)

    def _open(self, transport: str, host: str, port: int, name: str | None) -> Connection:
        context = self._client_tls if transport in SECURE else None
        if transport in SECURE and context is None:
            raise TransportError(f"TLS to {host}: no certificate authority was given")
        connection = Connection(
            self._connections,
            transport,
            context,
            peer=(host, port),
            advertised=self._advertised(transport, host),
            name=name,
        )
        connection.connect()
        return connection

    def _advertised(self, transport: str, host: str) -> Address:
        """Where the peer reaches us by this transport (RFC 3261 §18.1.1: it may open a connection of its own)."""
        here = self._local.towards(host)
        family = family_of(host)
        for listening_transport, listening_host, port in self._listeners:
            if listening_transport == transport and family_of(listening_host) == family:
                return here, port
        return here, DEFAULT_PORT[transport]

    # ---- watching

    def backlog(self) -> float:
        """The share of the fullest UDP receive buffer that waits unread, 0 to 1; to be asked several times a second."""
        return max((datagrams.look() for datagrams in self._sockets), default=0.0)

    def guard(self, gate: Gate | None) -> None:
        """Has datagrams go through a gate, or no longer."""
        for datagrams in self._sockets:
            datagrams.gate = gate

    def counters(self) -> dict[str, int]:
        """What happened since the start, by name, and how many `connections` there are now."""
        counters = self._connections.counters
        return {
            "datagrams": sum(datagrams.received for datagrams in self._sockets),
            "keep_alives": sum(datagrams.keep_alives for datagrams in self._sockets),
            "limited": sum(datagrams.limited for datagrams in self._sockets),
            "dropped": sum(datagrams.dropped for datagrams in self._sockets),
            "refused": sum(datagrams.refused for datagrams in self._sockets),
            "unreachable": sum(datagrams.unreachable for datagrams in self._sockets),
            "connections": len(self._connections),
            "accepted": counters.accepted,
            "opened": counters.opened,
            "shed": counters.shed,
            "expired": counters.expired,
            "too_slow": counters.too_slow,
            "broken": counters.broken,
        }

    def _tick(self) -> None:
        self._ticking = self._loop.call_later(TICK, self._tick)
        self._connections.tick()
        for key in [key for key, connection in self._opened.items() if connection.closed]:
            del self._opened[key]

    async def close(self) -> None:
        """Stops listening and closes connections, once they have taken what was sent to them or ran out of time."""
        while self._sockets:
            self._sockets.pop().close()
        while self._servers:
            self._servers.pop().close()
        self._listeners.clear()
        await self._connections.close()
        self._ticking.cancel()


def _affordable(limits: Limits) -> Limits:
    """`limits` with no more connections than there are file descriptors for."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return limits
    return replace(limits, connections=max(min(limits.connections, files - _OTHER_FILES), 1))
