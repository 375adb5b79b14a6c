"""What can go wrong with media.

MediaError               `status` answers the SIP request that wanted it
├── NotAcceptable        488: no stream of the description can be bridged
├── UnknownSession       481: no such session or party, or it ended meanwhile
├── UnknownPrompt        404: nothing of that name can be played
└── MediaUnavailable     503: no ports left, no worker, no answer from the carrier
"""


class MediaError(Exception):
    """A carrier can't do what was asked; `status` is the SIP status that says so."""

    status = 500
    code = "media"

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class NotAcceptable(MediaError):
    """The description is malformed, or nothing in it can be bridged to the other party."""

    status = 488
    code = "not-acceptable"


class UnknownSession(MediaError):
    """There is no such session, or no such party in it."""

    status = 481
    code = "unknown-session"


class UnknownPrompt(MediaError):
    """There is no such prompt."""

    status = 404
    code = "unknown-prompt"


class MediaUnavailable(MediaError):
    """The carrier is out of ports, out of service or out of reach."""

    status = 503
    code = "unavailable"


_BY_CODE: dict[str, type[MediaError]] = {
    kind.code: kind for kind in (NotAcceptable, UnknownSession, UnknownPrompt, MediaUnavailable)
}


def media_error(code: str, problem: str) -> MediaError:
    """The error that a worker has reported by its `code`."""
    return _BY_CODE.get(code, MediaError)(problem)
