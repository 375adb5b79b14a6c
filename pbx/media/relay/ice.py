"""ICE-lite (RFC 8445 §2.5): a party without NAT that only answers the checks of the other.

The browser finds out which of its addresses reaches us, says so, and goes on checking as long as it wants to talk
(consent, RFC 7675). Its checks carry our user name, by which they find their transport, and a digest with our
password, without which nothing is believed.
"""

from dataclasses import dataclass, field
from secrets import choice
from string import ascii_letters, digits
from struct import error
from typing import Any

from aioice.stun import Class, Message, Method, parse_message

ALPHABET = ascii_letters + digits  # of ice-char, RFC 8839 §5.4
UFRAG_LENGTH, PASSWORD_LENGTH = 12, 24  # characters; at least 4 and 22

Address = tuple[Any, ...]  # as the socket gives it: host and port, and two more for IPv6


@dataclass(frozen=True, slots=True)
class Credentials:
    """Our own user name fragment and password."""

    ufrag: str
    password: str = field(repr=False)

    @classmethod
    def new(cls) -> "Credentials":
        return cls(_random(UFRAG_LENGTH), _random(PASSWORD_LENGTH))


@dataclass(frozen=True, slots=True)
class Check:
    """A binding request that is well formed; who sent it is not known until `Credentials` have judged."""

    message: Message
    ours: str
    theirs: str
    nominates: bool

    @property
    def conflicts(self) -> bool:
        """Whether its sender leaves the decision to us. A lite party never controls (RFC 8445 §7.3.1.1)."""
        return "ICE-CONTROLLED" in self.message.attributes


def read_check(data: bytes) -> Check | None:
    """Reads a connectivity check; None for everything else, however it is malformed."""
    try:
        message = parse_message(data)
        username = message.attributes.get("USERNAME", "")
    except (ValueError, IndexError, KeyError, error):  # the codec trusts some lengths
        return None
    if message.message_method != Method.BINDING or message.message_class != Class.REQUEST:
        return None
    ours, colon, theirs = username.partition(":")
    if not colon or "MESSAGE-INTEGRITY" not in message.attributes:
        return None
    return Check(message, ours, theirs, "USE-CANDIDATE" in message.attributes)


def is_authentic(check: Check, credentials: Credentials) -> bool:
    """Whether it was made by somebody who has our description."""
    return check.message.check_message_integrity(credentials.password.encode())


def answer(check: Check, credentials: Credentials, source: Address) -> bytes:
    """The response to an authentic check from `source`."""
    request = check.message
    if check.conflicts:  # the browser has to change its mind
        response = Message(Method.BINDING, Class.ERROR, request.transaction_id, {"ERROR-CODE": (487, "Role Conflict")})
    else:
        response = Message(
            Method.BINDING, Class.RESPONSE, request.transaction_id, {"XOR-MAPPED-ADDRESS": (source[0], source[1])}
        )
    response.add_message_integrity(credentials.password.encode())
    return bytes(response)


def _random(length: int) -> str:
    return "".join(choice(ALPHABET) for _ in range(length))
