"""The calls of a phone, followed in the messages that it sends and receives.

The trace is what all phones have in common, so one reading of it serves them all. A state here is what the messages
say, which is also what a phone shows: it rings when it sends 180, it talks when the ACK has passed.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum

from tests.support.peers.trace import SipMessage, Way

_CREDENTIALS = ("Authorization", "Proxy-Authorization")


class State(StrEnum):
    CALLING = "calling"  # the INVITE is out, or has come in
    RINGING = "ringing"  # 180 or 183
    ESTABLISHED = "established"
    ENDED = "ended"


@dataclass(slots=True)
class Call:
    """One call of a phone: a Call-ID with a To tag or on its way to one."""

    id: str
    outgoing: bool
    invite: SipMessage
    state: State = State.CALLING
    provisional: list[int] = field(default_factory=list)
    """Statuses from 101 to 199 so far, such as 181 when the call is being forwarded."""
    status: int | None = None
    """The final status of the INVITE."""
    phrase: str = ""
    reasons: tuple[str, ...] = ()
    """Reason headers of what ended the call (RFC 3326): CANCEL, BYE or the final response."""
    hung_up_by: Way | None = None
    """Who sent the BYE, if one was sent."""
    answer: SipMessage | None = None
    """The 2xx to the INVITE."""

    @property
    def number(self) -> str:
        """The other side's number: the user part of From or To in the INVITE."""
        return user(self._other)

    @property
    def name(self) -> str:
        """The display name beside `number`, unquoted."""
        found = re.match(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^<"]*))\s*<', self._other)
        if not found:
            return ""
        return re.sub(r"\\(.)", r"\1", found[1]) if found[1] is not None else found[2].strip()

    @property
    def forwarded_for(self) -> tuple[str, ...]:
        """The numbers in History-Info (RFC 7044) in order of their index; the last is the phone itself."""
        entries = [entry for value in self.invite.headers("History-Info") for entry in re.split(r",\s*(?=<)", value)]
        indexed = [(re.search(r"index=([\d.]+)", entry), user(entry)) for entry in entries]
        order = sorted((tuple(map(int, found[1].strip(".").split("."))), user) for found, user in indexed if found)
        return tuple(user for _, user in order)

    @property
    def diverted_by(self) -> tuple[str, ...]:
        """The numbers in Diversion (RFC 5806), the latest diversion first."""
        values = self.invite.headers("Diversion")
        return tuple(user(entry) for value in values for entry in re.split(r",\s*(?=<|\")", value))

    @property
    def _other(self) -> str:
        return self.invite.header("To" if self.outgoing else "From")

    def take(self, message: SipMessage) -> None:
        """Move on by a message with this Call-ID."""
        if message.status is None:
            self._take_request(message)
        elif message.method == "INVITE" and message.header("CSeq") == self.invite.header("CSeq"):
            self._take_response(message, message.status)

    def _take_request(self, message: SipMessage) -> None:
        if message.method == "INVITE" and ";tag=" not in message.header("To"):
            if message.header("CSeq") != self.invite.header("CSeq"):  # after a challenge or a redirection
                self.invite, self.state, self.status, self.phrase = message, State.CALLING, None, ""
        elif message.method == "ACK" and self.answer and self.state is not State.ENDED:
            self.state = State.ESTABLISHED
        elif message.method == "BYE":
            self.hung_up_by = self.hung_up_by or message.way
            self._end(message)
        elif message.method == "CANCEL":
            self.reasons = message.headers("Reason")

    def _take_response(self, message: SipMessage, status: int) -> None:
        if status < 200:
            if status > 100:
                self.provisional.append(status)
            if status in (180, 183) and self.state is State.CALLING:
                self.state = State.RINGING
            return
        self.status, self.phrase = status, message.start.partition(" ")[2].partition(" ")[2]
        if status < 300:
            self.answer = self.answer or message
        elif status not in (401, 407) or any(self.invite.header(name) for name in _CREDENTIALS):
            self._end(message)

    def _end(self, message: SipMessage) -> None:
        self.state = State.ENDED
        self.reasons = message.headers("Reason") or self.reasons

    def __str__(self) -> str:
        way = "to" if self.outgoing else "from"
        return f"call {way} {self.number}: {self.state}, status {self.status}, reasons {list(self.reasons)}"


class CallBook:
    """All calls of a phone, the oldest first."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._by_id: dict[str, Call] = {}

    def take(self, message: SipMessage) -> None:
        """Note a message of the trace."""
        call_id = message.header("Call-ID")
        if call := self._by_id.get(call_id):
            call.take(message)
        elif message.status is None and message.method == "INVITE" and ";tag=" not in message.header("To"):
            call = Call(call_id, message.way is Way.SENT, message)
            self._by_id[call_id] = call
            self.calls.append(call)


def user(address: str) -> str:
    """Return the user part of the first SIP URI in a text, empty if there is none."""
    found = re.search(r"sips?:([^@;>]+)@", address)
    return found[1] if found else ""
