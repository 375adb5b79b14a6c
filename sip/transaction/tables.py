"""States and inputs of the four transaction machines, and what a step of a table is.

A pair (state, input) that stands in no table is a stray from the peer and has no effect: a response after the
end, a timer whose state has passed. That is why no timer is ever stopped here.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import Any, ClassVar, Final, NamedTuple

from sip.message import Request, Response
from sip.transaction.effects import Effect


class State(IntEnum):
    """RFC 3261 figures 5 to 8, RFC 6026 §7."""

    TRYING = 1
    CALLING = 2
    PROCEEDING = 3
    COMPLETED = 4
    CONFIRMED = 5
    ACCEPTED = 6
    TERMINATED = 7


class Input(IntEnum):
    """What can happen to a transaction."""

    REQUEST = 1  # a retransmission of the request
    ACK = 2
    RESPONSE_1XX = 3  # received by a client, or to be sent by a server
    RESPONSE_2XX = 4
    RESPONSE_3XX_6XX = 5
    TIMER_A = 10
    TIMER_B = 11
    TIMER_D = 12
    TIMER_E = 13
    TIMER_F = 14
    TIMER_G = 15
    TIMER_H = 16
    TIMER_I = 17
    TIMER_J = 18
    TIMER_K = 19
    TIMER_L = 20
    TIMER_M = 21
    TRANSPORT_ERROR = 30
    ABANDONED = 31  # by the user, of a cancelled INVITE that nobody answers


class Step(NamedTuple):
    """The state to enter, and functions of (transaction, message) that make the effects or None for none."""

    state: State
    actions: tuple[Callable[[Any, Any], Effect | None], ...] = ()


Table = dict[tuple[State, Input], Step]

TIMER_INPUTS: Final = {name[6:]: member for name, member in Input.__members__.items() if name.startswith("TIMER_")}


def response_input(status: int) -> Input:
    """The input that a response of this status is."""
    if status < 200:
        return Input.RESPONSE_1XX
    return Input.RESPONSE_2XX if status < 300 else Input.RESPONSE_3XX_6XX


class Machine:
    """A transaction's state, moved by a table.

    `flow` is where the endpoint sends what the machine wants sent; the machine itself never looks at it.
    """

    __slots__ = ("flow", "key", "state")

    table: ClassVar[Table] = {}

    def __init__(self, key: str, state: State) -> None:
        self.key = key
        self.state = state
        self.flow: Any = None

    def step(self, happened: Input, message: Request | Response | None = None) -> list[Effect]:
        """Moves by the table and returns what is to be done."""
        step = self.table.get((self.state, happened))
        if step is None:
            return []
        self.state = step.state
        return [effect for action in step.actions if (effect := action(self, message)) is not None]

    def timer_fired(self, name: str) -> list[Effect]:
        """A timer started by a StartTimer effect is up."""
        return self.step(TIMER_INPUTS[name])

    def transport_failed(self) -> list[Effect]:
        """The flow could not take, or has lost, what was sent."""
        return self.step(Input.TRANSPORT_ERROR)
