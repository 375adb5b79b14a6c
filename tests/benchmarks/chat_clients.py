"""Browsers by the thousand in one process: their connections, and what they hear.

No asyncio: what a delivered message costs here is one read of a TLS socket and one search in what came.
"""

import select
import socket
import ssl
import time
from array import array
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from tests.benchmarks import chat_frames as frames

Floats: TypeAlias = "array[float]"
PIECE = 65536
AT_ONCE = 20  # connections that are being made; more than these only wait for each other
CONNECT_PATIENCE = 60.0  # s without one more client that is connected


class LoadError(Exception):
    """The load could not be made."""


class Link:
    """One TLS connection that never blocks."""

    def __init__(self, wires: "Wires") -> None:
        self._wires = wires
        host, _, port = wires.place.rpartition(":")
        plain = socket.create_connection((host, int(port)))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.setblocking(False)
        self._socket = wires.tls.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
        self._open = False
        self.ended = False
        wires.add(self._socket.fileno(), self)
        self.ready()

    def begin(self) -> None:
        """TLS stands."""

    def take(self, octets: bytes) -> None:
        """Something came."""

    def ready(self) -> None:
        """There may be something to read."""
        try:
            if not self._open:
                self._socket.do_handshake()
                self._open = True
                self.begin()
            while octets := self._socket.recv(PIECE):
                self.take(octets)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError as error:
            self.end(str(error))
            return
        self.end("the server closed a connection")

    def send(self, octets: bytes) -> None:
        """Sends at once: a server that reads has always room for a message."""
        try:
            self._socket.send(octets)
        except (ssl.SSLWantWriteError, OSError) as error:
            self.end(f"the server takes nothing: {error}")

    def end(self, why: str) -> None:
        """The connection is over, which none should be while a run lasts."""
        if not self.ended:
            self.ended = True
            self._wires.lost(self._socket.fileno(), why)
            self._socket.close()

    def close(self) -> None:
        """Ends it without a word."""
        self.ended = True
        self._socket.close()


class Client(Link):
    """A browser that listens, and may send over its WebSocket.

    `on_text` is called with each Socket.IO packet but those of the heartbeat; `on_connected` once it may be used.
    """

    def __init__(self, wires: "Wires", token: str, on_text: Callable[[bytes], None], on_connected: Callable[[], None]):
        self.token = token
        self._on_text = on_text
        self._on_connected = on_connected
        self._answer: frames.Answers | None = frames.Answers()
        self._frames = frames.Frames()
        super().__init__(wires)

    def begin(self) -> None:
        self.send(frames.upgrade(self._wires.place, self.token))

    def say(self, text: bytes) -> None:
        """Sends one packet of Engine.IO."""
        self.send(frames.frame(text))

    def take(self, octets: bytes) -> None:
        if self._answer is not None:
            for status, body in self._answer.take(octets):
                if status != 101:
                    raise LoadError(f"a client was refused: {status} {body[:200]!r}")
                octets, self._answer = self._answer.rest(), None
                break
            if self._answer is not None:
                return
        for opcode, text in self._frames.take(octets):
            if opcode == frames.CLOSE:
                self.end("the server closed a WebSocket")
                return
            self._hear(text)

    def _hear(self, text: bytes) -> None:
        if text == frames.PING:
            self.say(frames.PONG)
        elif text.startswith(frames.OPEN):
            self.say(frames.CONNECT)
        elif text.startswith(frames.CONNECT):
            self._on_connected()
        elif text.startswith((frames.REFUSED, frames.DISCONNECT)):
            raise LoadError(f"a client was refused: {text[:200]!r}")
        else:
            self._on_text(text)


class Poster(Link):
    """The other connection of a browser, for requests of the API. `on_answer` is called with status and body."""

    def __init__(self, wires: "Wires", on_answer: Callable[[int, bytes], None]) -> None:
        self._on_answer = on_answer
        self._answers = frames.Answers()
        self._waiting: list[bytes] = []
        super().__init__(wires)

    def begin(self) -> None:
        waiting, self._waiting = self._waiting, []
        for request in waiting:
            self.send(request)

    def post(self, request: bytes) -> None:
        """Sends a request, once TLS stands."""
        if self._open:
            self.send(request)
        else:
            self._waiting.append(request)

    def take(self, octets: bytes) -> None:
        for status, body in self._answers.take(octets):
            self._on_answer(status, body)


class Wires:
    """All connections to one server, at host and port, and the waiting for them."""

    def __init__(self, place: str, tls: ssl.SSLContext) -> None:
        self.place = place
        self.tls = tls
        self.ends: list[str] = []
        self._poll = select.epoll()
        self._links: dict[int, Link] = {}

    def add(self, descriptor: int, link: Link) -> None:
        self._links[descriptor] = link
        self._poll.register(descriptor, select.EPOLLIN)

    def lost(self, descriptor: int, why: str) -> None:
        """A connection has ended."""
        self.ends.append(why)
        del self._links[descriptor]
        self._poll.unregister(descriptor)

    def wait(self, seconds: float) -> None:
        """Reads what has come, or comes within so many seconds."""
        for descriptor, _ in self._poll.poll(max(seconds, 0.0)):
            link = self._links.get(descriptor)
            if link is not None:
                link.ready()

    def close(self) -> None:
        for link in self._links.values():
            link.close()
        self._poll.close()


@dataclass(slots=True)
class Tally:
    """What became of the messages of a run. Times are seconds of `time.perf_counter`."""

    started: float
    sent: Floats = field(default_factory=lambda: array("d"))  # by their number
    delays: Floats = field(default_factory=lambda: array("d"))  # seconds, of each delivery
    late: Floats = field(default_factory=lambda: array("d"))  # seconds that each was sent after its time
    stored: int = 0  # messages that the server has acknowledged
    refused: list[str] = field(default_factory=list)

    def heard(self, packet: bytes) -> None:
        """A packet of Socket.IO came to somebody."""
        if packet.startswith(frames.EVENT):
            number = frames.sent_number(packet)
            if number is not None and number < len(self.sent):
                self.delays.append(time.perf_counter() - self.sent[number])
        elif packet.startswith(frames.ACKNOWLEDGEMENT):
            self.answered(200 if b'[{"ok":' in packet[:40] else 400, packet)

    def answered(self, status: int, body: bytes) -> None:
        """The server answered to a message."""
        if status in (200, 201):
            self.stored += 1
        else:
            self.refused.append(f"{status} {body[:200].decode(errors='replace')}")


class Crowd:
    """Clients that are connected, by room, and how they send: by `api` as the web client does, or by `socket`.

    Args:
        tokens: the session of each client, room by room.
        rooms: the conversation of each room.
    """

    def __init__(self, wires: Wires, tokens: list[list[str]], rooms: list[int]) -> None:
        self.wires = wires
        self.rooms = rooms
        self.clients: list[list[Client]] = [[] for _ in rooms]
        self.tally = Tally(0.0)
        self._tokens = tokens
        self._posters: dict[tuple[int, int], Poster] = {}

    def __len__(self) -> int:
        return sum(map(len, self.clients))

    def connect(self) -> None:
        """Connects everybody, some at a time. Raises LoadError."""
        waiting = deque((room, token) for room, tokens in enumerate(self._tokens) for token in tokens)
        wanted, pending, done = len(waiting), 0, 0

        def connected() -> None:
            nonlocal pending, done
            pending -= 1
            done += 1

        last = time.monotonic(), 0
        while done < wanted:
            while waiting and pending < AT_ONCE:
                room, token = waiting.popleft()
                pending += 1
                self.clients[room].append(Client(self.wires, token, lambda packet: self.tally.heard(packet), connected))
            self.wires.wait(0.1)
            if done > last[1]:
                last = time.monotonic(), done
            if self.wires.ends or time.monotonic() - last[0] > CONNECT_PATIENCE:
                raise LoadError(f"{done} of {wanted} clients connected, then: {(self.wires.ends or ['silence'])[0]}")

    def rest(self, seconds: float) -> None:
        """Only listens, for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.wires.wait(left)

    def senders(self, most: int) -> Iterator[tuple[int, int]]:
        """Room and place of those who send, for ever in turn: a room after the other, then the next of each."""
        of_each = max(1, most // len(self.rooms))
        while True:
            for place in range(of_each):
                for room, clients in enumerate(self.clients):
                    yield room, place * len(clients) // min(of_each, len(clients)) % len(clients)

    def open_posters(self, most: int) -> None:
        """Each of those who will send opens its connection for the API."""
        turn, seen = self.senders(most), set[tuple[int, int]]()
        while (who := next(turn)) not in seen:
            seen.add(who)
            self._posters[who] = Poster(self.wires, lambda status, body: self.tally.answered(status, body))
            self.wires.wait(0.0)
        self.rest(1.0)

    def send(self, rate: float, by: str, most: int, run: str, going: Callable[[float], bool], rest: float) -> Tally:
        """So many messages a second while `going(seconds since the first)`, and what is still under way after it."""
        tally = self.tally = Tally(time.perf_counter())
        turn = self.senders(most)
        number = 0
        while going((now := time.perf_counter()) - tally.started):
            due = tally.started + number / rate
            if due > now:
                self.wires.wait(due - now)
                continue
            room, place = next(turn)
            tally.late.append(now - due)
            tally.sent.append(now)
            self._send_one(by, room, place, number, run)
            number += 1
            self.wires.wait(0.0)
        self.rest(rest)
        return tally

    def _send_one(self, by: str, room: int, place: int, number: int, run: str) -> None:
        client, text = self.clients[room][place], frames.message(number, run)
        if by == "socket":
            client.say(frames.ask_send(number, self.rooms[room], text))
        else:
            request = frames.post_message(self.wires.place, client.token, self.rooms[room], text)
            self._posters[room, place].post(request)
