"""The lines of a session description as values (RFC 8866 §5), each able to write itself back.

Text is latin-1 decoded octets, as everywhere in `sip`, so that any octet survives a round trip.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv6Address

from sip.sdp.errors import SdpError, shown

NET_TYPE = "IN"

_BLANKS = re.compile(r"[ \t\v\f]+")


@dataclass(frozen=True, slots=True)
class Origin:
    """o=: who made this description, and which version of it this is (RFC 8866 §5.2).

    `session_id` and `version` are text: the standard's digits may exceed any integer type, and some phones
    put other things there.
    """

    username: str
    session_id: str
    version: str
    address: str
    address_type: str = "IP4"
    net_type: str = NET_TYPE

    def text(self) -> str:
        return f"o={self.username} {self.session_id} {self.version} {self.net_type} {self.address_type} {self.address}"


@dataclass(frozen=True, slots=True)
class Connection:
    """c=: where media goes (RFC 8866 §5.7). `scope` is what follows a multicast address: "127", "127/3"."""

    address: str
    address_type: str = "IP4"
    net_type: str = NET_TYPE
    scope: str = ""

    @property
    def is_unspecified(self) -> bool:
        """Whether this is 0.0.0.0 or ::, once the way to say "on hold" (RFC 2543 appendix B.5)."""
        if self.address_type.upper() == "IP6":
            try:
                return IPv6Address(self.address).packed == bytes(16)
            except ValueError:
                return False
        return self.address == "0.0.0.0"  # noqa: S104 - compared, not bound to

    def text(self) -> str:
        scope = f"/{self.scope}" if self.scope else ""
        return f"c={self.net_type} {self.address_type} {self.address}{scope}"


@dataclass(frozen=True, slots=True, repr=False)
class Attribute:
    """a=name:value, or a=name, whose value is None (RFC 8866 §5.13)."""

    name: str
    value: str | None = None

    def text(self) -> str:
        return f"a={self.name}" if self.value is None else f"a={self.name}:{self.value}"

    def __repr__(self) -> str:
        return f"Attribute({shown(self.text())!r})"


@dataclass(frozen=True, slots=True, repr=False)
class Field:
    """Any other line, its type letter and its value as it stands: v s i u e p b t r z k, and unknown letters."""

    letter: str
    value: str

    def text(self) -> str:
        return f"{self.letter}={self.value}"

    def __repr__(self) -> str:
        return f"Field({shown(self.text())!r})"


Line = Origin | Connection | Attribute | Field


def words(text: str) -> list[str]:
    """`text` split at blanks, as `bytes.split` does it; `str.split` would take A0, an octet of UTF-8, for one, too."""
    return [word for word in _BLANKS.split(text) if word]


def parse_line(text: str, number: int) -> Line:
    """The value of a line that begins with a letter and "=", and is no m=. Raises SdpError, naming `number`."""
    letter, value = text[0], text[2:]
    if letter == "a":
        name, colon, rest = value.rstrip(" \t").partition(":")
        return Attribute(name, rest if colon else None)
    if letter == "c":
        return _parse_connection(value, number, text)
    if letter == "o":
        return _parse_origin(value, number, text)
    return Field(letter, value)


def _parse_connection(value: str, number: int, text: str) -> Connection:
    fields = words(value)
    if len(fields) != 3:
        raise SdpError("c= wants network type, address type and address", number, text)
    address, slash, scope = fields[2].partition("/")
    if not address or (slash and not scope):
        raise SdpError("c= has an incomplete address", number, text)
    return Connection(address, fields[1], fields[0], scope)


def _parse_origin(value: str, number: int, text: str) -> Origin:
    fields = words(value)
    if len(fields) < 5:
        raise SdpError("o= wants user, session, version, network type, address type and address", number, text)
    # Some gateways leave the user name empty or put blanks into it; nobody reads it, so it becomes the usual "-".
    username = fields[0] if len(fields) == 6 else "-"
    session_id, version, net_type, address_type, address = fields[-5:]
    return Origin(username, session_id, version, address, address_type, net_type)
