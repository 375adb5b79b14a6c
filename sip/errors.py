"""What can go wrong in the protocol, each error knowing its answer.

SipError
├── ParseError              the peer sent something malformed: `status` answers it
├── TransportError          a message could not be handed to the network
│   └── FlowClosed          the connection to the peer is gone
├── DialogError             a request that its dialog does not allow: `status` answers it
└── InvalidTransition       our own code gave a machine an input that it cannot take
"""


class SipError(Exception):
    """Root of everything that `sip` raises on purpose."""


class ParseError(SipError):
    """A message, header or URI from the peer is malformed.

    `status` and `reason` are the response that a request like this deserves (RFC 3261 §21.4.1:
    the reason phrase should name the problem). A malformed response is dropped instead (§18.1.2).
    """

    def __init__(self, problem: str, status: int = 400, reason: str | None = None) -> None:
        super().__init__(problem)
        self.status = status
        self.reason = reason or f"Bad Request - {problem}"


class TransportError(SipError):
    """A message could not be handed to the network."""


class FlowClosed(TransportError):
    """The flow to the peer is gone; nothing can be sent on it any more."""


class DialogError(SipError):
    """The dialog does not allow this request now."""

    def __init__(self, status: int, reason: str, retry_after: int | None = None) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason
        self.retry_after = retry_after


class InvalidTransition(SipError):
    """Our own code asked a state machine for something that its state does not allow."""
