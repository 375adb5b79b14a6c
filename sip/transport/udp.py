"""SIP over UDP: datagram sockets without anything between the kernel and the receiver.

Whatever the receiver answers leaves in the wake-up that read the question. What the kernel refuses to send is lost as
if on the way; retransmission (RFC 3261 §17) is the remedy for both.
"""

import array
import asyncio
import select
import socket
import struct
from contextlib import suppress

from sip.errors import TransportError
from sip.transport import stun
from sip.transport.addresses import LocalAddresses, family_of, is_wildcard, plain
from sip.transport.base import Address, Gate, Receiver
from sip.transport.sockets import bound_socket

# Datagrams taken in one wake-up, so that a flood on one socket does not starve timers and the others.
BURST = 64
LARGEST = 65_535

# Linux, asm-generic/socket.h and sock_diag.h: what the kernel says of a socket's memory, as unsigned 32-bit words.
_SO_MEMINFO = 55
_RMEM_ALLOC, _RCVBUF, _DROPS = 0, 1, 8
_MEMINFO_OCTETS = 36

# Linux, in.h, in6.h and errqueue.h: ICMP errors are kept for us, each with the datagram that it is about.
_RECVERR = {socket.AF_INET: (socket.IPPROTO_IP, 11), socket.AF_INET6: (socket.IPPROTO_IPV6, 25)}
_SOCK_EXTENDED_ERR = struct.Struct("=IBBBxII")  # errno, origin, type, code, info, data
_ANCILLARY = 512  # octets
_BY_ICMP, _BY_ICMP6 = 2, 3
# The host itself says that nobody is there: port (RFC 792, RFC 4443 §3.1) or protocol unreachable. What routers say of
# hosts and networks may be over in a second, and retransmission is the remedy.
_NOBODY_THERE = frozenset(((_BY_ICMP, 3, 2), (_BY_ICMP, 3, 3), (_BY_ICMP6, 1, 4)))

_SPACE = 32  # the first octet of a SIP message is above it, that of a keep-alive or of STUN is not
_SKIPPED_KEEP_ALIVES = b"\r\n \t\0"

KernelAddress = tuple[str, int] | tuple[str, int, int, int]


class UdpFlow:
    """A pair of addresses: one of our sockets and a peer."""

    __slots__ = ("_destination", "_socket", "remote")

    transport = "UDP"
    reliable = False
    closed = False

    def __init__(self, owner: "UdpSocket", remote: Address, destination: KernelAddress) -> None:
        self._socket = owner
        self.remote = remote
        self._destination = destination

    @property
    def local(self) -> Address:
        """Where this peer finds us; the wildcard when the socket is bound to it and no route leads to the peer."""
        return self._socket.local_towards(self._destination)

    def send(self, data: bytes) -> None:
        self._socket.send(data, self._destination)

    def close(self) -> None:
        """A datagram flow has nothing to close."""

    def towards(self, host: str, port: int) -> "UdpFlow | None":
        """From the same socket to another peer; None where that one has the other address family."""
        if self._socket.family != family_of(host):
            return None
        return self._socket.flow_to(host, port, _scope(self._destination) if host == self.remote[0] else 0)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, UdpFlow):
            return NotImplemented
        return self._socket is other._socket and self._destination == other._destination

    def __hash__(self) -> int:
        return hash(self._destination)

    def __repr__(self) -> str:
        return f"<UdpFlow {self.local} {self.remote}>"


class UdpSocket:
    """One bound socket, read from the running event loop.

    Counts messages `received`, those that the `gate` did not let in (`limited`), datagrams `refused` by the kernel on
    sending, those that came to nobody (`unreachable`), and `keep_alives` (everything that is no message). `receiver`
    must not raise. Takes the socket `bound` where one is given. Raises OSError when the address can't be bound.
    """

    def __init__(
        self, host: str, port: int, receiver: Receiver, addresses: LocalAddresses, bound: socket.socket | None = None
    ) -> None:
        self.gate: Gate | None = None
        self.received = 0
        self.limited = 0
        self.refused = 0
        self.unreachable = 0
        self.keep_alives = 0
        self._burst = 1
        self._receiver = receiver
        self._addresses = addresses
        self._socket = bound or bound_socket(host, port)
        self.local: Address = plain(self._socket.getsockname())
        self.family = self._socket.family
        self._wildcard = is_wildcard(self.local[0])
        self._recverr = _RECVERR[self.family]
        self._socket.setsockopt(*self._recverr, 1)
        # Between the loop and the socket: libuv stops to watch a socket that reports an error, and an ICMP error that
        # comes while others are read may be reported by nothing else.
        self._watch = select.epoll()
        self._watch.register(self._socket.fileno(), select.EPOLLIN)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._watch.fileno(), self._readable)

    def flow_to(self, host: str, port: int, scope: int = 0) -> UdpFlow:
        """The flow from this socket to a numeric host of its family; `scope` as in `LocalAddresses.towards`."""
        remote = (host, port)
        return UdpFlow(self, remote, remote if self.family == socket.AF_INET else (host, port, 0, scope))

    def local_towards(self, destination: KernelAddress) -> Address:
        """The address that belongs into Via and Contact of messages to `destination`."""
        if self._wildcard:
            with suppress(TransportError):
                return self._addresses.towards(destination[0], _scope(destination)), self.local[1]
        return self.local

    def sends_from(self, host: str) -> bool:
        """Whether datagrams may leave with this local address."""
        return self._wildcard or self.local[0] == host

    def send(self, data: bytes, destination: KernelAddress) -> None:
        try:
            self._socket.sendto(data, destination)
        except BlockingIOError:  # full buffer
            self.refused += 1
        except (OSError, OverflowError):
            self._send_again(data, destination)

    def _send_again(self, data: bytes, destination: KernelAddress) -> None:
        """The kernel tells of an ICMP error to whatever is sent next, which has not gone out then."""
        try:
            self._socket.sendto(data, destination)
        except (OSError, OverflowError):  # too long, no route, closed, port 65536
            self.refused += 1

    def look(self) -> float:
        """The share of the receive buffer that waits unread, 0 to 1; to be asked several times a second.

        While nothing waits, a wake-up reads one datagram: to find that there is no second one costs a system call,
        as much as a fifth of a message. With a backlog it reads a burst.
        """
        memory = self._memory()
        waiting = memory[_RMEM_ALLOC]
        self._burst = BURST if waiting else 1
        return waiting / memory[_RCVBUF]

    @property
    def dropped(self) -> int:
        """Datagrams that found the receive buffer full."""
        return self._memory()[_DROPS]

    def _memory(self) -> "array.array[int]":
        return array.array("I", self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO_OCTETS))

    def close(self) -> None:
        if self._socket.fileno() < 0:
            return
        self._loop.remove_reader(self._watch.fileno())
        self._watch.close()
        self._socket.close()

    def _readable(self) -> None:
        receive = self._socket.recvfrom
        received = self._receiver.received
        two_part = self.family == socket.AF_INET
        gate = self.gate
        count = 0
        for _ in range(self._burst):
            try:
                data, address = receive(LARGEST)
            except (BlockingIOError, InterruptedError):
                if not count:  # woken for nothing that can be read
                    self._read_errors()
                break
            except OSError:  # an ICMP error for something sent earlier
                self._read_errors()
                continue
            if gate is not None and not gate.admits(*plain(address)):
                self.limited += 1
            elif data and data[0] > _SPACE:
                count += 1
                received(data, UdpFlow(self, address, address) if two_part else self._flow_from(address))
            else:
                self._keep_alive(data, address)
        self.received += count

    def _read_errors(self) -> None:
        """Tells of datagrams of ours that came to nobody (RFC 3261 §18.4), each as much of it as the ICMP error has."""
        for _ in range(BURST):
            try:
                data, ancillary, _, address = self._socket.recvmsg(LARGEST, _ANCILLARY, socket.MSG_ERRQUEUE)
            except OSError:  # no more
                return
            for level, kind, error in ancillary:
                if (level, kind) == self._recverr and _is_nobody_there(error):
                    self.unreachable += 1
                    self._receiver.undelivered(data, self.flow_to(*plain(address), _scope(address)))

    def _flow_from(self, address: tuple[str, int, int, int]) -> UdpFlow:
        """The kernel repeats the scope inside of the host's text, and a flow label makes no other flow."""
        return self.flow_to(*plain(address), address[3])

    def _keep_alive(self, data: bytes, address: KernelAddress) -> None:
        """What is no message: empty lines (unanswered over UDP), STUN, or a message after empty lines."""
        self.keep_alives += 1
        host, port = plain(address)
        response = stun.answer(data, host, port)
        if response is not None:
            self.send(response, address)
            return
        message = data.lstrip(_SKIPPED_KEEP_ALIVES)
        if message and message[0] > _SPACE:
            self._receiver.received(message, self.flow_to(host, port, _scope(address)))


def _is_nobody_there(error: bytes) -> bool:
    """Whether a `struct sock_extended_err` says so."""
    if len(error) < _SOCK_EXTENDED_ERR.size:
        return False
    _, origin, kind, code, _, _ = _SOCK_EXTENDED_ERR.unpack_from(error)
    return (origin, kind, code) in _NOBODY_THERE


def _scope(address: KernelAddress) -> int:
    """The interface that a link-local address belongs to; 0 for all others."""
    return address[3] if len(address) == 4 else 0
