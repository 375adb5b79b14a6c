"""SIP, SIPS and tel URIs (RFC 3261 §19.1, RFC 3966).

A URI is parsed when somebody needs its parts; as long as it is only carried, it stays text.
"""

import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final, Self
from urllib.parse import unquote_to_bytes

from sip.errors import ParseError
from sip.grammar import hostport, parse_hostport

_USER: Final = re.compile(r"(?:[A-Za-z0-9\-_.!~*'()&=+$,;?/#]|%[0-9A-Fa-f]{2})+")
_PASSWORD: Final = re.compile(r"(?:[A-Za-z0-9\-_.!~*'()&=+$,]|%[0-9A-Fa-f]{2})*")
_PARAM: Final = re.compile(
    r"((?:[A-Za-z0-9\-_.!~*'()\[\]/:&+$]|%[0-9A-Fa-f]{2})+)(?:=((?:[A-Za-z0-9\-_.!~*'()\[\]/:&+$@]|%[0-9A-Fa-f]{2})*))?"
)
_HEADERS: Final = re.compile(r"(?:[A-Za-z0-9\-_.!~*'()\[\]/?:+$=&@;]|%[0-9A-Fa-f]{2})+")
# The spelling that nearly every Request-URI has; whatever it matches, but for "..", SipUri.parse takes.
_PLAIN: Final = re.compile(
    r"sips?:(?:[A-Za-z0-9\-_.!~*'()&=+$]+@)?[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-5]?[0-9]{1,4})?"
    r"(?:;[a-z-]+(?:=[A-Za-z0-9.-]+)?)*"
)
_MOST_CHECKED, _LONGEST_CHECKED = 1024, 64  # characters
# URIs that are well formed: a phone names the same few in each of its messages.
_checked: Final[set[str]] = set()
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*")
_USER_SAFE: Final = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.!~*'()&=+$,;?/")
_MOST_REMEMBERED, _LONGEST_REMEMBERED = 4096, 256  # URIs that parse_uri has read; characters of one
# RFC 3261 §19.1.4: these parameters never match a URI that lacks them.
_COMPARED_IF_ANY: Final = ("user", "ttl", "method", "maddr", "transport")


def unescape(text: str) -> str:
    """Percent escapes resolved, octet by octet (latin-1, so %00 and %FF survive)."""
    return unquote_to_bytes(text.encode("latin-1")).decode("latin-1") if "%" in text else text


def escape_user(text: str) -> str:
    """A user part with everything escaped that RFC 3261 §25.1 does not let stand plain."""
    octets = text.encode("latin-1", "replace")
    return "".join([chr(octet) if octet in _USER_SAFE else f"%{octet:02X}" for octet in octets])


@dataclass(frozen=True, slots=True)
class SipUri:
    """`sip:user:password@host:port;params?headers`.

    `user` and `password` are kept escaped as received (`number` resolves them); names of parameters are in
    lower case; `headers` is the raw text after "?".
    """

    host: str
    user: str | None = None
    port: int | None = None
    scheme: str = "sip"
    password: str | None = None
    params: dict[str, str] = field(default_factory=dict)
    headers: str = ""

    @classmethod
    def parse(cls, text: str) -> "SipUri":
        """Raises ParseError (RFC 3261 §25.1 SIP-URI), status 416 for another scheme."""
        uri = parse_uri(text)
        if not isinstance(uri, SipUri):
            raise ParseError("not a SIP URI", 416, "Unsupported URI Scheme")
        return uri

    @classmethod
    def _parse(cls, text: str) -> "SipUri":
        scheme, _, rest = text.partition(":")
        scheme = scheme.lower()
        # The userinfo may hold ; and ?, so it is cut off first: "@" cannot stand plain after the host
        # other than in a parameter's or header's value.
        userinfo, at, after = rest.partition("@")
        user: str | None = None
        password: str | None = None
        if at and not ("?" in userinfo and "@" in after and ";" not in userinfo):
            user, colon, secret = userinfo.partition(":")
            if not _USER.fullmatch(user):
                raise ParseError("malformed user part in URI")
            if colon:
                if not _PASSWORD.fullmatch(secret):
                    raise ParseError("malformed password in URI")
                password = secret
            rest = after
        host_params, mark, headers = rest.partition("?")
        if mark and not _HEADERS.fullmatch(headers):
            raise ParseError("malformed headers in URI")
        hostpart, semicolon, tail = host_params.partition(";")
        host, port = parse_hostport(hostpart)
        params: dict[str, str] = {}
        if semicolon:
            for part in tail.split(";"):
                match = _PARAM.fullmatch(part)
                if match is None:
                    raise ParseError("malformed parameter in URI")
                params[match[1].lower()] = match[2] or ""
        return cls(host, user, port, scheme, password, params, headers)

    @property
    def number(self) -> str:
        """The user part with its escapes resolved; "" where there is none."""
        return unescape(self.user) if self.user is not None else ""

    def __str__(self) -> str:
        userinfo = ""
        if self.user is not None:
            userinfo = self.user + (f":{self.password}@" if self.password is not None else "@")
        params = "".join([f";{name}={value}" if value else f";{name}" for name, value in self.params.items()])
        headers = "?" + self.headers if self.headers else ""
        return f"{self.scheme}:{userinfo}{hostport(self.host, self.port)}{params}{headers}"

    def without_headers(self) -> "SipUri":
        """As a Request-URI: no headers part, no `method` (RFC 3261 §19.1.1 table 1)."""
        params = {name: value for name, value in self.params.items() if name != "method"}
        return replace(self, headers="", params=params)

    def equivalent(self, other: "SipUri") -> bool:
        """Whether both name the same resource (RFC 3261 §19.1.4)."""
        if (
            self.scheme != other.scheme
            or (self.user is None) != (other.user is None)
            or self.number != other.number
            or unescape(self.password or "") != unescape(other.password or "")
            or self.host.lower() != other.host.lower()
            or self.port != other.port
        ):
            return False
        for name in self.params.keys() & other.params.keys():
            if unescape(self.params[name]).lower() != unescape(other.params[name]).lower():
                return False
        for name in _COMPARED_IF_ANY:
            if (name in self.params) != (name in other.params):
                return False
        return _header_set(self.headers) == _header_set(other.headers)


def _header_set(text: str) -> frozenset[tuple[str, str]]:
    pairs = (part.partition("=") for part in text.split("&") if part)
    return frozenset((unescape(name).lower(), unescape(value)) for name, _, value in pairs)


@dataclass(frozen=True, slots=True)
class TelUri:
    """`tel:+74951234567;phone-context=…` (RFC 3966); `number` has no visual separators."""

    number: str
    params: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ParseError."""
        _, _, rest = text.partition(":")
        number, semicolon, params = rest.partition(";")
        digits = "".join([char for char in number if char not in "-.()"])
        if not digits or not re.fullmatch(r"\+?[0-9A-Fa-f*#]+", digits):
            raise ParseError("malformed telephone number")
        return cls(digits, semicolon + params)

    def __str__(self) -> str:
        return f"tel:{self.number}{self.params}"


@dataclass(frozen=True, slots=True)
class OtherUri:
    """A URI of a scheme that is not ours to understand, carried as text."""

    scheme: str
    text: str

    def __str__(self) -> str:
        return self.text


Uri = SipUri | TelUri | OtherUri


def check_uri(text: str) -> None:
    """Raises ParseError where `parse_uri` would; the usual spelling is recognised without taking it apart."""
    if text in _checked:
        return
    if _PLAIN.fullmatch(text) is None or ".." in text:
        parse_uri(text)
    elif len(text) <= _LONGEST_CHECKED:
        if len(_checked) >= _MOST_CHECKED:
            _checked.clear()
        _checked.add(text)


def parse_uri(text: str) -> Uri:
    """Any URI. Raises ParseError when it is none, or malformed for its scheme.

    The last few thousand are remembered: those of a phone are the same in each of its messages. Their values are
    shared, so nobody may change them.
    """
    # Strangers fill the memory of what was read; with texts of any length it would be half a gigabyte.
    return _read_before(text) if len(text) <= _LONGEST_REMEMBERED else _read(text)


def _read(text: str) -> Uri:
    scheme, colon, rest = text.partition(":")
    lowered = scheme.lower()
    if lowered in ("sip", "sips"):
        return SipUri._parse(text)
    if lowered == "tel":
        return TelUri.parse(text)
    if not colon or not rest or not _SCHEME.fullmatch(scheme) or " " in rest or "<" in rest or ">" in rest:
        raise ParseError("malformed URI")
    return OtherUri(lowered, text)


_read_before: Final = lru_cache(maxsize=_MOST_REMEMBERED)(_read)
