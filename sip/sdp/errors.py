"""What can go wrong with session descriptions.

ParseError
└── SdpError                a description is malformed: `line` and `text` say where, `status` answers it
"""

from sip.errors import ParseError

# Lines whose value must not reach a log: SDES keys (RFC 4568), ICE passwords, the old k= (RFC 8866 §5.12).
_SECRET = ("a=crypto:", "a=ice-pwd:", "k=")
_SHOWN = 80


class SdpError(ParseError):
    """A session description is malformed or can't be used.

    `line` counts from 1 and is 0 where no single line is to blame; `text` is that line as far as it may be shown
    in a log. `status` is 400 for what breaks the grammar, 413 for what is too large, 488 for what is understood
    but can't be agreed to.
    """

    def __init__(self, problem: str, line: int = 0, text: str = "", status: int = 400) -> None:
        place = f"SDP line {line}: " if line else "SDP: "
        reason = f"Bad Request - {place}{problem}" if status == 400 else None
        super().__init__(place + problem, status, reason or problem)
        self.line = line
        self.text = shown(text)

    def __str__(self) -> str:
        problem = super().__str__()
        return f"{problem}: {self.text!r}" if self.text else problem


def shown(text: str) -> str:
    """A line of a description as a log may have it: shortened, and without keys and passwords."""
    for prefix in _SECRET:
        if text.lstrip().lower().startswith(prefix):
            return prefix + "…"
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
