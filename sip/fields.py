"""Header field values as frozen values: Via, CSeq, name-addr (RFC 3261 §20, §25.1).

Each has a strict parser that takes every legal spelling. The spelling that phones really send is
recognised first, without the grammar: parsing is a good part of what a message costs.
"""

import re
from dataclasses import dataclass, field
from typing import Final, Self

from sip.errors import ParseError
from sip.grammar import (
    QUOTED,
    TOKEN,
    encode_params,
    hostport,
    ipv6,
    is_token,
    parse_hostport,
    parse_params,
    quote,
    split_list,
    unquote,
)
from sip.uri import SipUri, Uri, check_uri, parse_uri

MAGIC_COOKIE: Final = "z9hG4bK"
METHODS: Final = frozenset(
    """INVITE ACK CANCEL BYE REGISTER OPTIONS INFO UPDATE PRACK REFER NOTIFY SUBSCRIBE PUBLISH MESSAGE""".split()
)
MAX_CSEQ: Final = 2**31  # RFC 3261 §8.1.1.5

_TRANSPORT_OF: Final = {f"SIP/2.0/{name}": name for name in ("UDP", "TCP", "TLS", "WS", "WSS", "SCTP")}
_SENT_PROTOCOL: Final = re.compile(rf"[ \t]*(SIP)[ \t]*/[ \t]*({TOKEN})[ \t]*/[ \t]*({TOKEN})[ \t]+", re.IGNORECASE)
_AROUND_COLON: Final = re.compile(r"(?<![ \t])[ \t]*:[ \t]*")  # begins only where blanks begin, see message._FOLD
_MOST_SENT: Final = 5000
# What stands before the parameters of a Via -> its parts; the same for every message of a phone.
_sent: Final[dict[str, tuple[str, str, int | None]]] = {}

_MOST_NAMED, _LONGEST_NAMED = 2000, 100
# What stands before the ";tag=" of From and To values, and is an address without other parameters.
_named: Final[set[str]] = set()

_NAME_ADDR: Final = re.compile(rf"({QUOTED}|{TOKEN}(?:[ \t]+{TOKEN})*)?[ \t]*<([^<>\"]*)>[ \t]*(;.*)?", re.DOTALL)


class Via:
    """One Via value (RFC 3261 §20.42): how a request came, how its response goes back. Never changed."""

    __slots__ = ("host", "params", "port", "transport")

    def __init__(self, transport: str, host: str, port: int | None, params: dict[str, str]) -> None:
        self.transport = transport
        self.host = host
        self.port = port
        self.params = params

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Via) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    @classmethod
    def parse(cls, text: str) -> "Via":
        """Raises ParseError, status 505 for another SIP version (§21.5.6)."""
        sent, semicolon, tail = text.partition(";")
        known = _sent.get(sent)
        if known is None:
            known = cls._sent_of(sent)
            if len(_sent) < _MOST_SENT and len(sent) < 80:
                _sent[sent] = known
        params = _usual_params(tail)
        if not params:
            params = parse_params(semicolon + tail)
            received = params.get("received", "")
            if ":" in received:  # with brackets or without them: RFC 5118 §4.5
                ipv6(received.strip("[]"))
        return cls(known[0], known[1], known[2], params)

    @staticmethod
    def _sent_of(sent: str) -> tuple[str, str, int | None]:
        protocol, space, sent_by = sent.partition(" ")
        transport = _TRANSPORT_OF.get(protocol)
        if transport is None or not space:
            match = _SENT_PROTOCOL.match(sent)
            if match is None:
                raise ParseError("malformed Via")
            if match[2] != "2.0":
                raise ParseError("Via of another SIP version", 505, "Version Not Supported")
            transport, sent_by = match[3].upper(), sent[match.end() :]
        sent_by = sent_by.strip(" \t")
        if " " in sent_by or "\t" in sent_by:
            sent_by = _AROUND_COLON.sub(":", sent_by)
        return transport, *parse_hostport(sent_by)

    @property
    def branch(self) -> str:
        return self.params.get("branch", "")

    @property
    def has_cookie(self) -> bool:
        """Whether the branch identifies its transaction (RFC 3261 §8.1.1.7, RFC 4475 §3.2.1)."""
        branch = self.params.get("branch", "")
        return branch.startswith(MAGIC_COOKIE) and len(branch) > len(MAGIC_COOKIE)

    def __str__(self) -> str:
        return f"SIP/2.0/{self.transport} {hostport(self.host, self.port)}{encode_params(self.params)}"

    def seen_from(self, host: str, port: int) -> "Via":
        """As the server notes it on arrival: `received`, and `rport` where asked (§18.2.1, RFC 3581 §4)."""
        params = dict(self.params)
        if "rport" in params:
            params["rport"] = str(port)
            params["received"] = host
        elif self.host != host:
            params["received"] = host
        else:
            params.pop("received", None)
        return Via(self.transport, self.host, self.port, params)


def _usual_params(tail: str) -> dict[str, str]:
    """As `parse_params`, for a branch, with `rport` or without; empty for everything else."""
    params: dict[str, str] = {}
    if tail.startswith("branch="):
        asks = tail.endswith(";rport")
        branch = tail[7:-6] if asks else tail[7:]
        if ";" not in branch and '"' not in branch and " " not in branch and "\t" not in branch:
            params["branch"] = branch
            if asks:
                params["rport"] = ""
    return params


_MOST_CSEQS: Final = 2000
# As text -> as value: phones begin to count anew in every dialog, so few of them are met again and again.
_cseqs: Final[dict[str, "CSeq"]] = {}


class CSeq:
    """Sequence number and method (RFC 3261 §20.16). Never changed."""

    __slots__ = ("method", "number")

    def __init__(self, number: int, method: str) -> None:
        self.number = number
        self.method = method

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CSeq) and self.number == other.number and self.method == other.method

    def __hash__(self) -> int:
        return hash((self.number, self.method))

    @classmethod
    def parse(cls, text: str) -> "CSeq":
        """Raises ParseError; a number of 2**31 or more is malformed (§8.1.1.5)."""
        known = _cseqs.get(text)
        if known is not None:
            return known
        digits, _, method = text.partition(" ")
        if method in METHODS and digits.isdecimal() and len(digits) < 10 and digits.isascii():
            cseq = cls(int(digits), method)
            if len(_cseqs) < _MOST_CSEQS and len(digits) < 5:
                _cseqs[text] = cseq
            return cseq
        if "\t" in text or method.startswith(" "):
            digits, _, method = text.replace("\t", " ").partition(" ")
            method = method.lstrip(" ")
        if not (digits.isdecimal() and digits.isascii()) or not is_token(method):
            raise ParseError("malformed CSeq")
        number = int(digits) if len(digits) <= 20 else MAX_CSEQ
        if number >= MAX_CSEQ:
            raise ParseError("CSeq number too large")
        return cls(number, method)

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


@dataclass(frozen=True, slots=True)
class NameAddr:
    """`"Display" <uri>;params`: From, To, Contact, Route, Refer-To and their like.

    `uri` is the text between the brackets. Without brackets every parameter belongs to the header, not to
    the URI (RFC 3261 §20.10).
    """

    uri: str
    display: str = ""
    params: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ParseError."""
        if text.startswith("<"):
            end = text.find(">")
            uri, tail, display = text[1:end], text[end + 1 :].lstrip(" \t"), ""
            if end < 0 or "<" in uri or '"' in uri or (tail and tail[0] != ";"):
                raise ParseError("malformed address")
        elif "<" in text or ">" in text or '"' in text:
            match = _NAME_ADDR.fullmatch(text)
            if match is None:
                raise ParseError("malformed address")
            display, uri, tail = unquote(match[1] or ""), match[2], match[3] or ""
        else:
            uri, semicolon, tail = text.partition(";")
            uri, tail, display = uri.rstrip(" \t"), semicolon + tail, ""
            # RFC 3261 §20.10: a URI with a comma, question mark or semicolon must stand in brackets.
            if "," in uri or "?" in uri:
                raise ParseError("address needs angle brackets")
        if not uri or " " in uri or "\t" in uri or ":" not in uri:
            raise ParseError("malformed URI in address")
        return cls(uri, display, parse_params(tail))

    @property
    def tag(self) -> str:
        return self.params.get("tag", "")

    def parsed_uri(self) -> Uri:
        """Raises ParseError."""
        return parse_uri(self.uri)

    def sip_uri(self) -> SipUri:
        """Raises ParseError, status 416 when it is of another scheme."""
        return SipUri.parse(self.uri)

    def __str__(self) -> str:
        display = ""
        if self.display:
            display = self.display if is_token(self.display) else quote(self.display)
            display += " "
        return f"{display}<{self.uri}>{encode_params(self.params)}"


def tag_of(text: str) -> str:
    """The tag of a From or To value, "" without one; checks the value's form on the way.

    Raises ParseError.
    """
    named, mark, tag = text.partition(";tag=")
    if named not in _named:
        # A party is named alike in all messages of its calls.
        if not named.endswith(">") or "\\" in named or named.count('"') % 2:
            return _tag_of(text)
        address = NameAddr.parse(named)
        if address.params:
            return _tag_of(text)
        check_uri(address.uri)
        if len(named) <= _LONGEST_NAMED:
            if len(_named) >= _MOST_NAMED:
                _named.clear()
            _named.add(named)
    return tag if not mark or tag.isalnum() or is_token(tag) else _tag_of(text)


def _tag_of(text: str) -> str:
    address = NameAddr.parse(text)
    check_uri(address.uri)
    return address.tag


def parse_addresses(values: list[str]) -> list[NameAddr]:
    """Every name-addr of a header that may hold several, on one line or on many. Raises ParseError."""
    return [NameAddr.parse(part) for value in values for part in split_list(value)]


def parse_number(text: str, largest: int, name: str) -> int:
    """A `1*DIGIT` value; one above `largest` counts as `largest`. Raises ParseError when it is no number."""
    text = text.strip(" \t")
    if not (text.isdecimal() and text.isascii()):
        raise ParseError(f"malformed {name}")
    return min(int(text), largest) if len(text) <= 20 else largest
