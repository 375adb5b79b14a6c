"""How ringing somebody ended, in words of telephony rather than of SIP."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Outcome(StrEnum):
    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    UNREACHABLE = "unreachable"
    """Not registered, or its flow is dead."""
    DND = "dnd"
    """Does not want to be disturbed, by a rule of ours or by a key on the phone."""
    REFUSED = "refused"
    """Declined by the person who was called."""
    CANCELLED = "cancelled"
    """The caller hung up while it rang."""
    FAILED = "failed"
    NOT_FOUND = "not-found"


# RFC 3261 16.7, step 6, asks for the response that tells the caller most. A person who could have
# answered tells more than one who was busy, and that more than a phone that is off.
_BEST_FIRST = (
    Outcome.ANSWERED,
    Outcome.CANCELLED,
    Outcome.NO_ANSWER,
    Outcome.BUSY,
    Outcome.REFUSED,
    Outcome.DND,
    Outcome.UNREACHABLE,
    Outcome.FAILED,
    Outcome.NOT_FOUND,
)


def combine(outcomes: Iterable[Outcome]) -> Outcome:
    """The one outcome of several that rang together. Of nobody it is UNREACHABLE."""
    seen = set(outcomes)
    for outcome in _BEST_FIRST:
        if outcome in seen:
            return outcome
    return Outcome.UNREACHABLE
