"""One mapping between SIP answers and outcomes, both ways."""

from typing import NamedTuple

from pbx.routing.outcome import Outcome
from sip.message import Response
from sip.transaction.local import LocalResponse

# What a phone's final response says about its user. Phones disagree about 480: most send it when their own
# ringing timed out or when their user pressed "silence", hence no answer rather than unreachable.
_OUTCOMES: dict[int, Outcome] = {
    403: Outcome.REFUSED,
    404: Outcome.UNREACHABLE,
    408: Outcome.NO_ANSWER,
    410: Outcome.UNREACHABLE,
    430: Outcome.UNREACHABLE,
    480: Outcome.NO_ANSWER,
    481: Outcome.UNREACHABLE,
    486: Outcome.BUSY,
    487: Outcome.NO_ANSWER,  # without a CANCEL of ours
    502: Outcome.UNREACHABLE,
    503: Outcome.UNREACHABLE,
    504: Outcome.UNREACHABLE,
    600: Outcome.BUSY,
    603: Outcome.REFUSED,
    604: Outcome.UNREACHABLE,
    607: Outcome.REFUSED,
    608: Outcome.REFUSED,
}


class Answer(NamedTuple):
    """What the caller is told: a final status with its phrase, and a cause of ITU-T Q.850 (RFC 3326)."""

    status: int
    reason: str
    cause: int
    text: str

    @property
    def reason_header(self) -> str:
        return f'Q.850;cause={self.cause};text="{self.text}"'


_ANSWERS: dict[Outcome, Answer] = {
    Outcome.BUSY: Answer(486, "Busy Here", 17, "User busy"),
    Outcome.NO_ANSWER: Answer(480, "No Answer", 19, "No answer from user"),
    Outcome.UNREACHABLE: Answer(480, "Not Reachable", 20, "Subscriber absent"),
    Outcome.DND: Answer(480, "Do Not Disturb", 21, "Call rejected"),
    Outcome.REFUSED: Answer(603, "Decline", 21, "Call rejected"),
    Outcome.CANCELLED: Answer(487, "Request Terminated", 16, "Normal call clearing"),
    Outcome.NOT_FOUND: Answer(404, "Not Found", 1, "Unallocated number"),
    Outcome.FAILED: Answer(500, "Server Internal Error", 41, "Temporary failure"),
}


def outcome_of(response: Response) -> Outcome:
    """What a final response from a phone means; a time-out or lost flow of our own means unreachable."""
    if response.status < 300:
        return Outcome.ANSWERED
    if isinstance(response, LocalResponse):
        return Outcome.UNREACHABLE
    return _OUTCOMES.get(response.status, Outcome.FAILED)


def answer_of(outcome: Outcome) -> Answer:
    """What a caller is told when the plan has ended with this outcome."""
    return _ANSWERS[outcome]
