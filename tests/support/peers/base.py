"""What all telephones of the tests can do, whoever made them.

A phone is an unmodified program in a process of its own. Each plays a tone for as long as it talks and records what
it hears; its SIP messages are read from its own trace. Methods act on the newest call that has not ended unless
they are given another one, and raise PeerError, with the phone's messages and last output, when what they wait for does
not come in time.
"""

import re
import tempfile
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import ClassVar, Self

from tests.support.peers.calls import Call, State, user
from tests.support.peers.peer import DEADLINE, Peer
from tests.support.peers.recordings import Mark, describe, mark, wait_heard
from tests.support.peers.trace import SipMessage, Way
from tests.support.processes import PeerError
from tests.support.tones import write_tone

LONGEST_TALK = 300.0  # seconds


class Transport(StrEnum):
    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


class Ability(StrEnum):
    """What not every phone can do."""

    REJECT_BUSY = "reject with 486"
    REJECT_DECLINE = "reject with 603"
    ATTENDED_TRANSFER = "REFER with Replaces"
    SEND_TEXT = "send MESSAGE"


@dataclass(frozen=True, slots=True)
class Account:
    """What a person types into a phone.

    Args:
        number: the SIP name.
        server: `host:port` of the server on this transport.
        domain: the host part of addresses if it isn't `server`; requests go to `server` all the same.
        name: the display name.
        ca: PEM file with the authority that signed the server's certificate; without it TLS is not verified.
        expires: for how long to register, in seconds.
    """

    number: str
    password: str
    server: str
    transport: Transport = Transport.UDP
    domain: str | None = None
    name: str = ""
    ca: Path | None = None
    expires: int = 600

    @property
    def address(self) -> str:
        """The address of record, without brackets."""
        return self.uri(self.number)

    def uri(self, target: str) -> str:
        """The address of a number at this account's domain; whatever is an address already stays as it is."""
        return target if re.match(r"sips?:", target) else f"sip:{target}@{self.domain or self.server}"


class Phone(Peer):
    """A telephone.

    Args:
        account: whom it registers as.
        folder: an empty folder of its own, for configuration, recordings and logs.
        tone: the frequency of what it says, in hertz; choose them 100 or more apart.
    """

    kind: ClassVar[str]
    program: ClassVar[str]
    """What has to be installed; `installed()` looks for it."""
    abilities: ClassVar[frozenset[Ability]]

    def __init__(self, account: Account, folder: Path, *, tone: float = 700.0) -> None:
        super().__init__(f"{self.kind}-{account.number}", folder)
        self.account = account
        self.tone = tone
        self._digits = ""

    # What an adapter provides

    @classmethod
    @abstractmethod
    def installed(cls) -> bool:
        """Whether this phone can be started on this machine."""

    @abstractmethod
    def _dial(self, uri: str) -> None: ...

    @abstractmethod
    def _answer(self, call: Call) -> None: ...

    @abstractmethod
    def _reject(self, call: Call, status: int) -> None: ...

    @abstractmethod
    def _hang_up(self, call: Call) -> None: ...

    @abstractmethod
    def _hold(self, call: Call) -> None: ...

    @abstractmethod
    def _resume(self, call: Call) -> None: ...

    @abstractmethod
    def _dtmf(self, call: Call, digits: str) -> None: ...

    @abstractmethod
    def _transfer(self, call: Call, uri: str) -> None: ...

    def _attended_transfer(self, call: Call, to: Call) -> None:
        raise NotImplementedError(f"{self.kind} has no attended transfer")

    def _send_text(self, uri: str, text: str) -> None:
        raise NotImplementedError(f"{self.kind} sends no messages")

    @abstractmethod
    def recordings(self) -> list[Path]:
        """WAV files of what it heard, the oldest first."""

    # Life

    def start(self) -> Self:
        """Switch the phone on; it registers by itself."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.tone_file.unlink(missing_ok=True)
        self.tone_file.symlink_to(_tone(self.tone))
        return super().start()

    def register(self, *, timeout: float = DEADLINE) -> Self:
        """Switch the phone on and wait until it is registered."""
        self.start()
        self.wait_registered(timeout=timeout)
        return self

    @property
    def tone_file(self) -> Path:
        return self.folder / "tone.wav"

    # Registration

    def wait_registered(self, *, timeout: float = DEADLINE) -> SipMessage:
        """Wait for a 200 to REGISTER and return it."""
        return self.wait_message(Way.RECEIVED, "REGISTER", status=200, timeout=timeout)

    def wait_registration_refused(self, *, timeout: float = DEADLINE) -> int:
        """Wait for an answer to REGISTER that no credentials can mend, or that refuses those sent."""

        def refused(message: SipMessage) -> bool:
            status = message.status or 0
            return status >= 300 and (status != 401 or self._sent_credentials(message))

        return self.wait_message(Way.RECEIVED, "REGISTER", where=refused, timeout=timeout).status or 0

    def _sent_credentials(self, response: SipMessage) -> bool:
        exchange = response.header("Call-ID"), response.header("CSeq")
        requests = (m for m in self._messages if m.way is Way.SENT and m.status is None)
        return any(m.header("Authorization") and (m.header("Call-ID"), m.header("CSeq")) == exchange for m in requests)

    # Calls

    def call(self, target: str) -> Call:
        """Dial a number or an address; return the call when its INVITE is out."""
        before, uri = len(self.calls), self.account.uri(target)
        self._dial(uri)

        def dialled() -> Call | None:
            # Another call may have begun by itself: some phones follow a redirection or a REFER at once.
            later = (call for call in self._book.calls[before:] if call.outgoing)
            return next((call for call in later if call.number == user(uri)), None)

        return self._wait(dialled, f"no INVITE to {target}", DEADLINE)

    def answer(self, call: Call | None = None) -> None:
        self._answer(call or self._newest(outgoing=False))

    def reject(self, status: int = 486, call: Call | None = None) -> None:
        """Refuse a ringing call. Raises NotImplementedError for a status that this phone has no button for."""
        self._reject(call or self._newest(outgoing=False), status)

    def hang_up(self, call: Call | None = None) -> None:
        """End a call, or cancel it if it isn't answered yet."""
        self._hang_up(call or self._newest())

    def hold(self, call: Call | None = None, *, timeout: float = DEADLINE) -> SipMessage:
        """Put a call on hold; return the answer to the re-INVITE."""
        return self._renegotiate(self._hold, call or self._newest(), timeout)

    def resume(self, call: Call | None = None, *, timeout: float = DEADLINE) -> SipMessage:
        """Take a call back from hold; return the answer to the re-INVITE."""
        return self._renegotiate(self._resume, call or self._newest(), timeout)

    def dtmf(self, digits: str, call: Call | None = None) -> None:
        self._dtmf(call or self._newest(), digits)

    def wait_dtmf(self, digits: str, *, timeout: float = DEADLINE) -> None:
        """Wait until the phone has said that it received these digits, in this order, and no others."""
        self._wait(lambda: self._digits == digits or None, f"digits {digits!r} didn't come", timeout)

    def transfer(self, target: str, call: Call | None = None, *, timeout: float = DEADLINE) -> SipMessage:
        """Send the other side to a number (REFER); return the answer to the REFER."""
        subject, at = call or self._newest(), len(self.messages)
        self._transfer(subject, self.account.uri(target))
        return self._referred(subject, at, timeout)

    def attended_transfer(
        self, call: Call | None = None, to: Call | None = None, *, timeout: float = DEADLINE
    ) -> SipMessage:
        """Connect the other sides of two calls (REFER with Replaces); return the answer to the REFER.

        By default the older of the two open calls is transferred to the newer. Raises NotImplementedError for a
        phone without Ability.ATTENDED_TRANSFER.
        """
        open_calls = [one for one in self.calls if one.state is State.ESTABLISHED]
        subject, at = call or open_calls[0], len(self.messages)
        self._attended_transfer(subject, to or open_calls[-1])
        return self._referred(subject, at, timeout)

    def send_text(self, target: str, text: str, *, timeout: float = DEADLINE) -> SipMessage:
        """Send a MESSAGE; return its final answer. Raises NotImplementedError without Ability.SEND_TEXT."""
        at = len(self.messages)
        self._send_text(self.account.uri(target), text)

        def final(message: SipMessage) -> bool:
            return (message.status or 0) >= 200 and message.status not in (401, 407)

        return self.wait_message(Way.RECEIVED, "MESSAGE", where=final, since=at, timeout=timeout)

    # What it hears

    def mark(self) -> Mark:
        """Remember this moment of listening, for `wait_hears(..., since=...)`."""
        return mark(self.recordings())

    def wait_hears(
        self, hz: float, *, since: Mark | None = None, at_least: float = 0.4, timeout: float = DEADLINE
    ) -> None:
        """Wait until the phone has heard a tone for `at_least` seconds."""
        if not wait_heard(self.folder, self.recordings, hz, since=since, at_least=at_least, timeout=timeout):
            heard = describe(self.recordings(), since=since)
            raise PeerError(f"{self.name} hears no {hz:g} Hz but {heard}\n{self.report()}")

    # Inside

    def _renegotiate(self, action: Callable[[Call], None], call: Call, timeout: float) -> SipMessage:
        at = len(self.messages)
        action(call)

        def offer(message: SipMessage) -> bool:
            return message.status is None and message.header("Call-ID") == call.id

        sent = self.wait_message(Way.SENT, "INVITE", where=offer, since=at, timeout=timeout)

        def final(message: SipMessage) -> bool:
            return (message.status or 0) >= 200 and message.header("CSeq") == sent.header("CSeq")

        return self.wait_message(Way.RECEIVED, "INVITE", where=final, since=at, timeout=timeout)

    def _referred(self, call: Call, at: int, timeout: float) -> SipMessage:
        def final(message: SipMessage) -> bool:
            status = message.status or 0
            return status >= 200 and status not in (401, 407) and message.header("Call-ID") == call.id

        return self.wait_message(Way.RECEIVED, "REFER", where=final, since=at, timeout=timeout)

    def _take_digit(self, digit: str) -> None:
        with self._changed:
            self._digits += digit
            self._changed.notify_all()


@cache
def _tone(hz: float) -> Path:
    """What all phones that have this tone say, made once: baresip ends its call at the end of it."""
    return write_tone(Path(_tones.name) / f"{hz:g}.wav", hz, seconds=LONGEST_TALK)


_tones = tempfile.TemporaryDirectory(prefix="tones-")
