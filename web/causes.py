"""How a call ended, as a code: records have it in English, as the call wrote it, and the page has words of its own."""

from enum import StrEnum

_TRANSFERRED = "transferred to "


class CauseCode(StrEnum):
    """What ended a call. The value is the record's word with hyphens for blanks."""

    BUSY = "busy"
    NOBODY_ANSWERED = "nobody-answered"
    NOBODY_REACHABLE = "nobody-was-reachable"
    DO_NOT_DISTURB = "do-not-disturb"
    DECLINED = "declined"
    FAILED = "failed"
    NO_SUCH_NUMBER = "no-such-number"
    CALLER_GAVE_UP = "caller-gave-up"
    CALLER_HUNG_UP = "caller-hung-up"
    CALLEE_HUNG_UP = "callee-hung-up"
    CALLER_LOST = "caller-was-lost"
    CALLEE_LOST = "callee-was-lost"
    SERVER = "ended-by-the-server"
    ADMINISTRATOR = "ended-by-an-administrator"
    NO_DESCRIPTION = "no-session-description"
    TRANSFER_FAILED = "transfer-failed"
    TRANSFERRED_RINGING = "transferred-while-it-rang"
    TRANSFEREE_HUNG_UP = "transferee-hung-up"
    NOT_JOINED = "the-parties-could-not-be-joined"
    TRANSFERRED = "transferred"
    """The detail is to whom."""
    OTHER = "other"
    """The detail is what the record says, such as that of another version."""


_CODES = frozenset(CauseCode) - {CauseCode.TRANSFERRED, CauseCode.OTHER}


def cause_of(said: str) -> tuple[CauseCode, str]:
    """The code of what a record says, and the detail: a SIP phrase or a reason of the media plane, or ""."""
    if said.startswith(_TRANSFERRED):
        return CauseCode.TRANSFERRED, said[len(_TRANSFERRED) :]
    what, _, detail = said.partition(": ")
    code = what.replace(" ", "-")
    return (CauseCode(code), detail) if code in _CODES else (CauseCode.OTHER, said)
