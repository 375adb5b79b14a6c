"""What a transaction wants done. The machines return these; the endpoint carries them out."""

from typing import Final

from sip.message import Request, Response


class Send:
    """Hand these octets to the transaction's flow."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Send) and self.data == other.data

    def __repr__(self) -> str:
        return f"Send({self.data!r})"


class StartTimer:
    """Call `timer_fired(name)` after `seconds`."""

    __slots__ = ("name", "seconds")

    def __init__(self, name: str, seconds: float) -> None:
        self.name = name
        self.seconds = seconds

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StartTimer) and (self.name, self.seconds) == (other.name, other.seconds)

    def __repr__(self) -> str:
        return f"StartTimer({self.name!r}, {self.seconds})"


class PassUp:
    """Tell the transaction user: a response, or the ACK of a 2xx."""

    __slots__ = ("message",)

    def __init__(self, message: Request | Response) -> None:
        self.message = message

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PassUp) and self.message is other.message

    def __repr__(self) -> str:
        return f"PassUp({self.message!r})"


class Ended:
    """Forget the transaction. `why` is "", "timeout" or "transport"."""

    __slots__ = ("why",)

    def __init__(self, why: str = "") -> None:
        self.why = why

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ended) and self.why == other.why

    def __repr__(self) -> str:
        return f"Ended({self.why!r})"


Effect = Send | StartTimer | PassUp | Ended
ENDED: Final = Ended()
