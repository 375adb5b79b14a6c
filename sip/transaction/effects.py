"""What a transaction wants done. The machines return these; the endpoint carries them out."""

from typing import NamedTuple

from sip.message import Request, Response


class Send(NamedTuple):
    """Hand these octets to the transaction's flow."""

    data: bytes


class StartTimer(NamedTuple):
    """Call `timer_fired(name)` after `seconds`."""

    name: str
    seconds: float


class PassUp(NamedTuple):
    """Tell the transaction user: a response, or the ACK of a 2xx."""

    message: Request | Response


class Ended(NamedTuple):
    """Forget the transaction. `why` is "", "timeout" or "transport"."""

    why: str = ""


Effect = Send | StartTimer | PassUp | Ended
ENDED = Ended()
