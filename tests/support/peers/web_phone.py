"""A phone in a web page, without the page: SIP over WebSocket as JsSIP speaks it (RFC 7118).

What it has in common with JsSIP is what a server has to cope with: a host name ending in ".invalid" in Via and Contact,
`transport=ws` there whatever the connection is, outbound (RFC 5626) with an instance of its own, the GRUU that it was
granted as Contact of its calls, the first challenge alone looked at and answered with MD5, and nowhere to be reached
but on the connection that it has made.

It calls with plain RTP, by an `RtpEnd`. When it is called the server takes it for a browser and offers WebRTC: it
agrees to that as a browser does, but no media follows. The media of browsers is for tests with a real one.
"""

import base64
import contextlib
import hashlib
import os
import re
import select
import socket
import ssl
import threading
import uuid
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from sip.transport.frames import (
    Close,
    FrameReader,
    Opcode,
    Ping,
    Pong,
    encode_close,
    encode_frame,
    encode_message,
)
from tests.support.peers.calls import Call, State
from tests.support.peers.peer import DEADLINE, Watched
from tests.support.peers.recordings import Mark, describe, mark, wait_heard
from tests.support.peers.rtp import RtpEnd
from tests.support.peers.trace import SipMessage, Way, whole_message
from tests.support.processes import PeerError

SAVPF = "UDP/TLS/RTP/SAVPF"  # the media of browsers (RFC 8827)
ALLOW = "INVITE,ACK,CANCEL,BYE,UPDATE,MESSAGE,OPTIONS,REFER,INFO,NOTIFY"


@dataclass(slots=True)
class _Dialog:
    """What requests within a call are made of."""

    local: str
    """From of our requests: the address with its tag."""
    remote: str
    target: str = ""
    number: int = 0
    invite: SipMessage | None = None
    """The INVITE of the other side."""


class WebPhone(Watched):
    """Talks and listens through `media`, once it is connected.

    Args:
        server: `host:port` of WS, or of WSS where `ca` is given.
        domain: the host part of addresses.
        ca: PEM file with the authority of the server's certificate.
    """

    def __init__(
        self, number: str, password: str, server: str, media: RtpEnd, *, domain: str, ca: Path | None = None
    ) -> None:
        super().__init__(f"web-{number}")
        self.number = number
        self.media = media
        self._password = password
        host, _, port = server.rpartition(":")
        self._server = host, int(port)
        self._domain = domain
        self._ca = ca
        self._instance = str(uuid.uuid4())
        self._host = f"{os.urandom(6).hex()}.invalid"
        self._gruu = ""
        self._register_call = os.urandom(8).hex()
        self._register_number = 0
        self._dialogs: dict[str, _Dialog] = {}
        self._unsigned: dict[str, tuple[str, str, list[str], str]] = {}
        self._link: socket.socket | None = None
        self._using = threading.Lock()  # OpenSSL's connections are for one thread at a time
        self._reader: threading.Thread | None = None

    # ---- the connection

    def connect(self) -> Self:
        """Opens a connection, the first or a new one. Raises PeerError when the server wants none."""
        link = socket.create_connection(self._server, timeout=DEADLINE)
        if self._ca is not None:
            link = ssl.create_default_context(cafile=self._ca).wrap_socket(link, server_hostname=self._domain)
        key = base64.b64encode(os.urandom(16)).decode()
        link.sendall(
            f"GET / HTTP/1.1\r\nHost: {self._domain}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n"
            f"Origin: https://{self._domain}\r\n\r\n".encode()
        )
        answer = b""
        while b"\r\n\r\n" not in answer:
            octets = link.recv(4096)
            if not octets:
                break
            answer += octets
        expected = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
        if not answer.startswith(b"HTTP/1.1 101 ") or base64.b64encode(expected) not in answer:
            raise PeerError(f"no WebSocket but {answer!r}")
        link.setblocking(False)
        self._link = link
        self._reader = threading.Thread(target=self._read, args=(link,), name=self.name, daemon=True)
        self._reader.start()
        return self

    def vanish(self) -> None:
        """The page is closed: no message, no close frame."""
        link, self._link = self._link, None
        if link is not None:
            with contextlib.suppress(OSError):
                # Not its own shutdown(): after that of TLS, the reader would get what is still encrypted.
                socket.socket.shutdown(link, socket.SHUT_RDWR)
            if self._reader is not None:
                self._reader.join()
            link.close()

    def close(self) -> None:
        """Hangs up, signs out and closes the connection as a browser does."""
        if self._link is None:
            return
        for call in self.calls:
            if call.state is not State.ENDED:
                self.hang_up(call)
        self.register(expires=0)
        self._write(encode_close(1000, mask=os.urandom(4)))
        self.vanish()

    def __enter__(self) -> Self:
        return self.connect()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.vanish()

    # ---- what a user does

    def register(self, *, expires: int = 600) -> SipMessage:
        """Signs in, or out; returns the answer, waited for."""
        since = len(self.messages)
        uri, address = f"sip:{self._domain}", f"<{self.uri(self.number)}>"
        contact = (
            f"<sip:{self.number}@{self._host};transport=ws>;+sip.ice;reg-id=1;"
            f'+sip.instance="<urn:uuid:{self._instance}>";expires={expires}'
        )
        self._register_number += 1
        rows = [
            f"To: {address}",
            f"From: {address};tag=register",
            f"Call-ID: {self._register_call}",
            f"CSeq: {self._register_number} REGISTER",
            f"Contact: {contact}",
            f"Expires: {expires}",
            "Supported: path,gruu,outbound",
        ]
        first = f"{self._register_number} REGISTER"
        self._ask("REGISTER", uri, rows)

        def final(message: SipMessage) -> bool:
            return message.status is not None and (message.status != 401 or message.header("CSeq") != first)

        answer = self.wait_message(Way.RECEIVED, "REGISTER", where=final, since=since)
        if granted := re.search(r'pub-gruu="([^"]+)"', answer.header("Contact")):
            self._gruu = granted[1]
        return answer

    def call(self, number: str) -> Call:
        """Dials; returns the call when its INVITE is out."""
        call_id = os.urandom(10).hex()
        self._dialogs[call_id] = dialog = _Dialog(
            f"<{self.uri(self.number)}>;tag={os.urandom(5).hex()}", f"<{self.uri(number)}>", self.uri(number), 1
        )
        self._request("INVITE", call_id, dialog, self._description())
        return next(call for call in self.calls if call.id == call_id)

    def answer(self, call: Call) -> None:
        dialog = self._dialogs[call.id]
        assert dialog.invite is not None
        self._respond(dialog.invite, "200 OK", self._answer_to(dialog.invite.body))

    def hang_up(self, call: Call) -> None:
        """Ends a call, cancels it, or refuses it with 480 as JsSIP does."""
        dialog = self._dialogs[call.id]
        if call.state is State.ESTABLISHED:
            dialog.number += 1
            self._request("BYE", call.id, dialog)
        elif call.outgoing:
            invite = call.invite
            rows = [f"{name}: {invite.header(name)}" for name in ("Via", "To", "From", "Call-ID")]
            number = invite.header("CSeq").split()[0]
            self._send([f"CANCEL {self.uri(call.number)} SIP/2.0", *rows, f"CSeq: {number} CANCEL", "Max-Forwards: 69"])
        else:
            assert dialog.invite is not None
            self._respond(dialog.invite, "480 Temporarily Unavailable")

    def uri(self, number: str) -> str:
        return f"sip:{number}@{self._domain}"

    def mark(self) -> Mark:
        """Remember this moment of listening, for `wait_hears(..., since=...)`."""
        return mark(self.media.recordings())

    def wait_hears(
        self, hz: float, *, since: Mark | None = None, at_least: float = 0.4, timeout: float = DEADLINE
    ) -> None:
        """Wait until `media` has heard a tone for `at_least` seconds."""
        media = self.media
        if not wait_heard(media.folder, media.recordings, hz, since=since, at_least=at_least, timeout=timeout):
            raise PeerError(f"{self.name} hears no {hz:g} Hz but {describe(media.recordings())}\n{self.report()}")

    # ---- requests

    def _request(self, method: str, call_id: str, dialog: _Dialog, body: str = "") -> None:
        rows = [
            f"To: {dialog.remote}",
            f"From: {dialog.local}",
            f"Call-ID: {call_id}",
            f"CSeq: {dialog.number} {method}",
            *([self._contact] if method == "INVITE" else []),
            "Supported: timer,ice,replaces,outbound",
        ]
        self._ask(method, dialog.target, rows, body)

    def _ask(self, method: str, uri: str, rows: list[str], body: str = "") -> None:
        """Sends a request, to be signed when it is challenged."""
        branch = f"z9hG4bK{os.urandom(6).hex()}"
        self._unsigned[branch] = (method, uri, rows, body)
        self._send([f"{method} {uri} SIP/2.0", f"Via: {self._via}{branch}", "Max-Forwards: 69", *rows], body)

    def _sign(self, challenge: SipMessage, branch: str) -> None:
        """Sends a request anew, with an answer to the first challenge."""
        method, uri, rows, body = self._unsigned.pop(branch)
        proxy = challenge.status == 407
        text = challenge.header("Proxy-Authenticate" if proxy else "WWW-Authenticate")
        values = dict(re.findall(r'(\w+)="([^"]*)"', text))
        assert "algorithm=MD5" in text, f"JsSIP knows MD5 alone: {text}"
        realm, nonce = values["realm"], values["nonce"]
        nc, cnonce = "00000001", os.urandom(6).hex()
        secret = _md5(f"{self.number}:{realm}:{self._password}")
        response = _md5(f"{secret}:{nonce}:{nc}:{cnonce}:auth:{_md5(f'{method}:{uri}')}")
        credentials = (
            f'{"Proxy-" if proxy else ""}Authorization: Digest algorithm=MD5, username="{self.number}", '
            f'realm="{realm}", nonce="{nonce}", uri="{uri}", response="{response}", qop=auth, '
            f'cnonce="{cnonce}", nc={nc}'
        )
        call_id = challenge.header("Call-ID")
        if call_id in self._dialogs:
            self._dialogs[call_id].number += 1
        if method == "REGISTER":
            self._register_number += 1
        place = next(index for index, row in enumerate(rows) if row.startswith("CSeq: "))
        number = int(rows[place].split()[1]) + 1
        rows = [*rows[:place], f"CSeq: {number} {method}", *rows[place + 1 :], credentials]
        via = f"Via: {self._via}z9hG4bK{os.urandom(6).hex()}"
        self._send([f"{method} {uri} SIP/2.0", via, "Max-Forwards: 69", *rows], body)

    @property
    def _via(self) -> str:
        return f"SIP/2.0/{'WS' if self._ca is None else 'WSS'} {self._host};branch="

    @property
    def _contact(self) -> str:
        return (
            f"Contact: <{self._gruu}>" if self._gruu else f"Contact: <sip:{self.number}@{self._host};transport=ws;ob>"
        )

    def _description(self) -> str:
        rows = [
            "v=0",
            "o=- 1 1 IN IP4 127.0.0.1",
            "s=-",
            "c=IN IP4 127.0.0.1",
            "t=0 0",
            f"m=audio {self.media.port} RTP/AVP 0 101",
            "a=rtpmap:0 PCMU/8000",
            "a=rtpmap:101 telephone-event/8000",
        ]
        return "\r\n".join([*rows, ""])

    def _answer_to(self, offer: str) -> str:
        if SAVPF not in offer:
            self._talk(offer)
            return self._description()
        events = re.search(r"a=rtpmap:(\d+) telephone-event/8000", offer)
        mid = re.search(r"a=mid:(\S+)", offer)
        assert mid, offer
        payloads = ["0", *([events[1]] if events else [])]
        rows = [
            "v=0",
            "o=- 1 1 IN IP4 127.0.0.1",
            "s=-",
            "t=0 0",
            f"a=group:BUNDLE {mid[1]}",
            f"m=audio 9 {SAVPF} {' '.join(payloads)}",
            "c=IN IP4 0.0.0.0",
            "a=ice-ufrag:page",
            "a=ice-pwd:a-password-that-is-long-enough",
            f"a=fingerprint:sha-256 {':'.join(['AB'] * 32)}",
            "a=setup:active",
            f"a=mid:{mid[1]}",
            "a=sendrecv",
            "a=rtcp-mux",
            "a=rtpmap:0 PCMU/8000",
            *([f"a=rtpmap:{events[1]} telephone-event/8000"] if events else []),
        ]
        return "\r\n".join([*rows, ""])

    # ---- what comes

    def _arrived(self, message: SipMessage) -> None:
        if message.status is not None:
            self._take_response(message, message.status)
        elif message.method == "INVITE":
            self._take_invite(message)
        elif message.method == "CANCEL":
            self._respond(message, "200 OK")
            dialog = self._dialogs[message.header("Call-ID")]
            assert dialog.invite is not None
            self._respond(dialog.invite, "487 Request Terminated")
        elif message.method != "ACK":
            self._respond(message, "200 OK")

    def _take_response(self, response: SipMessage, status: int) -> None:
        found = re.search(r"branch=([^;,\s]+)", response.header("Via"))
        branch = found[1] if found else ""
        if response.method == "INVITE" and status >= 200:
            self._acknowledge(response, status, branch)
        if status in (401, 407) and branch in self._unsigned:
            self._sign(response, branch)

    def _acknowledge(self, response: SipMessage, status: int, branch: str) -> None:
        dialog = self._dialogs[response.header("Call-ID")]
        target = dialog.target
        if status < 300:
            self._talk(response.body)
            dialog.remote = response.header("To")
            target = dialog.target = _uri_in(response.header("Contact"))
            branch = f"z9hG4bK{os.urandom(6).hex()}"
        rows = [
            f"Via: {self._via}{branch}",
            "Max-Forwards: 69",
            f"To: {response.header('To')}",
            f"From: {dialog.local}",
            f"Call-ID: {response.header('Call-ID')}",
            f"CSeq: {response.header('CSeq').split()[0]} ACK",
        ]
        self._send([f"ACK {target} SIP/2.0", *rows])

    def _take_invite(self, invite: SipMessage) -> None:
        call_id = invite.header("Call-ID")
        if call_id in self._dialogs:
            self._respond(invite, "200 OK", self._answer_to(invite.body))
            return
        local = f"{invite.header('To')};tag={os.urandom(5).hex()}"
        target = _uri_in(invite.header("Contact"))
        self._dialogs[call_id] = _Dialog(local, invite.header("From"), target, 0, invite)
        self._respond(invite, "180 Ringing")

    def _respond(self, request: SipMessage, status: str, body: str = "") -> None:
        dialog = self._dialogs.get(request.header("Call-ID"))
        to = request.header("To")
        if ";tag=" not in to:
            to = dialog.local if dialog is not None else f"{to};tag={os.urandom(5).hex()}"
        rows = [f"Via: {via}" for via in request.headers("Via")]
        rows += [f"{name}: {request.header(name)}" for name in ("From", "Call-ID", "CSeq")]
        if request.method == "INVITE":
            rows.append(self._contact)
        self._send([f"SIP/2.0 {status}", *rows, f"To: {to}", "Supported: timer,ice,replaces,outbound"], body)

    def _talk(self, description: str) -> None:
        """Says the tone to where a description wants it; to nobody while the call is on hold."""
        host = re.search(r"^c=IN IP4 ([\d.]+)", description, re.MULTILINE)
        port = re.search(r"^m=audio (\d+)", description, re.MULTILINE)
        if host and port:
            silent = re.search(r"^a=(sendonly|inactive)", description, re.MULTILINE)
            self.media.talk_to(host[1], 0 if silent else int(port[1]))

    # ---- octets

    def _send(self, rows: list[str], body: str = "") -> None:
        typed = ["Content-Type: application/sdp"] if body else []
        ending = [f"Allow: {ALLOW}", "User-Agent: JsSIP 3.10", *typed, f"Content-Length: {len(body)}"]
        text = "\r\n".join([*rows, *ending, "", body])
        self._take_message(whole_message(Way.SENT, text.encode()))
        self._write(encode_message(text.encode(), os.urandom(4)))

    def _write(self, octets: bytes) -> None:
        link = self._link
        if link is None:
            raise PeerError(f"{self.name} has no connection\n{self.report()}")
        with self._using:
            link.sendall(octets)

    def _read(self, link: socket.socket) -> None:
        frames = FrameReader(from_client=False)
        while True:
            if not (isinstance(link, ssl.SSLSocket) and link.pending()):
                select.select([link], [], [])
            try:
                with self._using:
                    octets = link.recv(65536)
            except (ssl.SSLWantReadError, BlockingIOError):  # a record that is not complete, or none of ours
                continue
            except OSError:
                return
            if not octets:
                return
            for event in frames.receive(octets):
                if isinstance(event, Close):
                    return
                try:
                    self._take_event(event)
                except OSError:  # the server left before it had our answer, as when it is stopped
                    return
                except PeerError:
                    if self._link is link:
                        raise
                    return  # the page was closed before it had answered

    def _take_event(self, event: bytes | Ping | Pong) -> None:
        if isinstance(event, bytes):
            message = whole_message(Way.RECEIVED, event)
            self._take_message(message)
            self._arrived(message)
        elif isinstance(event, Ping):
            self._write(encode_frame(Opcode.PONG, event.payload, os.urandom(4)))


def _uri_in(contact: str) -> str:
    found = re.search(r"<([^>]+)>", contact)
    assert found, contact
    return found[1]


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()
