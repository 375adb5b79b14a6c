"""What goes over the wire, one line a message: for those who look for why a phone does not work."""

import logging

from sip.transport.base import Flow

log = logging.getLogger(__name__)

_LONGEST = 200  # characters of a start line or Call-ID
_CALL_ID = (b"\ncall-id:", b"\ni:")


def traced() -> bool:
    """Whether messages are logged; to be asked once, at the start: it is no question for every message."""
    return log.isEnabledFor(logging.DEBUG)


def came(data: bytes, flow: Flow) -> None:
    """Logs a message that came in."""
    log.debug("< %s %s %s %s", flow.transport, *flow.remote, _in_short(data))


def went(data: bytes, flow: Flow) -> None:
    """Logs a message that goes out."""
    log.debug("> %s %s %s %s", flow.transport, *flow.remote, _in_short(data))


def _in_short(data: bytes) -> str:
    """The start line and the Call-ID, by which the lines of a call are found."""
    head = data.partition(b"\r\n\r\n")[0]
    start = head.partition(b"\r\n")[0].decode("latin-1")[:_LONGEST]
    lowered = head.lower()
    for name in _CALL_ID:
        place = lowered.find(name)
        if place >= 0:
            value = head[place + len(name) :].partition(b"\r\n")[0].decode("latin-1")
            return f"{start} | Call-ID {value.strip()[:_LONGEST]}"
    return start
