"""The path of the ordinary call: a description goes from phone to phone without being taken apart.

In a back-to-back call whose media is direct we change nothing but the o= line. So the body is checked
(`quick_check`), relabelled (`sip.sdp.description.relabel_origin`) and sent
on. Both functions here decide the ordinary case by a few searches in the octets and hand every other one to the full
reader. Where addresses, codecs or keys matter, as when media is anchored, read the description with `parse`.
"""

from typing import Final

from sip.sdp.description import MAX_LINES, MAX_OCTETS, parse
from sip.sdp.negotiation import Direction, session_direction

# Without any of these, every stream in use is sendrecv: no direction is said, and no address can be unspecified,
# however it is spelt.
_UNUSUAL: Final = (b"a=sendonly", b"a=recvonly", b"a=inactive", b"0.0.0.0", b" ::", b" 0:", b" 00", b"\t")


def quick_check(body: bytes) -> None:
    """Makes sure that a body from the network may be relayed and relabelled.

    What passes at once begins with v=0 and one complete o= line, is within the limits of `parse`, and has no NUL
    and no CR or LF but in pairs. The rest is left to the phone that gets it: a malformed m= or c= line goes through.
    What looks otherwise is read in full. Whatever `parse` takes passes. Raises SdpError as `parse` does.
    """
    if len(body) <= MAX_OCTETS and body.startswith(b"v=0\r\no="):
        lines = body.split(b"\r\n")
        if (
            len(lines) <= MAX_LINES
            and len(body) - len(body.translate(None, b"\r\n\0")) == 2 * (len(lines) - 1)
            and len(lines[1].split()) == 6
            and body.find(b"\no=", 7) < 0
        ):
            return
    parse(body)


def quick_direction(body: bytes) -> Direction:
    """`session_direction` of a body, the same for all that `parse` takes. Raises SdpError as `parse` does.

    So `quick_direction(body).receives` is false when the sender puts the other party on hold.
    """
    place = body.find(b"\nm=audio ")
    if place >= 0 and b"1" <= body[place + 9 : place + 10] <= b"9":
        for mark in _UNUSUAL:
            if body.find(mark) >= 0:  # `in` first tries whether it is an octet, and costs ten times as much
                break
        else:
            return Direction.SENDRECV
    return session_direction(parse(body))
