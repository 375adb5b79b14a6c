"""The states of a leg as a table; CANCEL and BYE are inputs like any other.

     INVITE                 18x               2xx                 ACK
───────────────▶ CALLING ─────────▶ EARLY ─────────▶ ANSWERED ─────────▶ CONFIRMED
                    │                 │                  │                   │
                    └──── refused, cancelled, hung up, lost: ENDED ◀─────────┘
"""

from enum import IntEnum
from typing import Final

from sip.errors import InvalidTransition


class LegState(IntEnum):
    """Of either direction: an inbound leg sends these answers, an outbound one receives them."""

    CALLING = 1
    EARLY = 2
    ANSWERED = 3
    CONFIRMED = 4
    ENDED = 5


class LegInput(IntEnum):
    PROGRESS = 1
    ANSWER = 2
    ACK = 3
    END = 4


LEG: Final[dict[tuple[LegState, LegInput], LegState]] = {
    (LegState.CALLING, LegInput.PROGRESS): LegState.EARLY,
    (LegState.CALLING, LegInput.ANSWER): LegState.ANSWERED,
    (LegState.CALLING, LegInput.END): LegState.ENDED,
    (LegState.EARLY, LegInput.PROGRESS): LegState.EARLY,
    (LegState.EARLY, LegInput.ANSWER): LegState.ANSWERED,
    (LegState.EARLY, LegInput.END): LegState.ENDED,
    (LegState.ANSWERED, LegInput.ACK): LegState.CONFIRMED,
    (LegState.ANSWERED, LegInput.END): LegState.ENDED,
    (LegState.CONFIRMED, LegInput.ACK): LegState.CONFIRMED,  # of a re-INVITE, or repeated
    (LegState.CONFIRMED, LegInput.END): LegState.ENDED,
}


def moved(state: LegState, happened: LegInput) -> LegState:
    """The next state. Raises InvalidTransition, for callers ask `can` about what a peer does."""
    try:
        return LEG[state, happened]
    except KeyError:
        raise InvalidTransition(f"{happened.name} in {state.name}") from None


def can(state: LegState, happened: LegInput) -> bool:
    """Whether the state takes this input."""
    return (state, happened) in LEG
