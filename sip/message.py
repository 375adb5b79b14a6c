"""SIP requests and responses: parsed once, written once (RFC 3261 §7).

`parse` splits a message and checks what every element must check (§8.1.1, §16.3); typed values of other headers
are made when asked for, and untouched headers are carried as they came. Octets that are no text survive: heads
are latin-1, bodies stay bytes.
"""

import re
from collections.abc import Iterable
from typing import Final

from sip.errors import ParseError
from sip.fields import METHODS, CSeq, NameAddr, Via, parse_addresses, parse_number, tag_of
from sip.grammar import is_token, split_list
from sip.headers import SINGLE, canonical_name, spellings
from sip.status import reason_phrase
from sip.uri import Uri, check_uri, parse_uri

MAX_HEAD: Final = 65_536  # octets; a UDP datagram's largest size. Kamailio allows 65 535, Asterisk 20 480
MAX_HEADERS: Final = 400  # rows; nobody's phone sends 60

# Begins only where blanks begin: a search that starts anew at each of them takes seconds for a head of blanks.
_FOLD: Final = re.compile(r"(?<![ \t])[ \t]*(?:\r\n[ \t]+)+")
_NONE: Final[list[str]] = []
_SEVENTY: Final = ["70"]


class Message:
    """What requests and responses share: headers and body.

    `headers` maps canonical names to the values in order. `via`, `cseq`, `call_id`, `from_tag` and `to_tag` are
    parsed by `check`, so on every received message they are there.
    """

    __slots__ = ("_via", "body", "call_id", "cseq", "from_tag", "headers", "to_tag")

    def __init__(self, headers: dict[str, list[str]], body: bytes = b"") -> None:
        self.headers = headers
        self.body = body
        self.call_id = ""
        self.from_tag = ""
        self.to_tag = ""
        self.cseq: CSeq | None = None
        self._via: Via | None = None

    def get(self, name: str) -> str | None:
        """The first value of a header, by its canonical name."""
        values = self.headers.get(name)
        return values[0] if values else None

    def rows(self, name: str) -> list[str]:
        """Every row of a header, unsplit."""
        return self.headers.get(name, _NONE)

    def elements(self, name: str) -> list[str]:
        """Every element of a comma-separated header. Raises ParseError."""
        return [part for row in self.headers.get(name, _NONE) if row for part in split_list(row)]

    def tokens(self, name: str) -> set[str]:
        """The elements of a header of option tags or methods; those of Supported and Require in lower case."""
        values = self.headers.get(name)
        if not values:
            return set()
        return {token.strip(" \t") for row in values for token in row.split(",") if token}

    def addresses(self, name: str) -> list[NameAddr]:
        """The header's name-addr values: Contact, Route, Path, … Raises ParseError."""
        return parse_addresses(self.headers.get(name, _NONE))

    def address(self, name: str) -> NameAddr:
        """The single name-addr of From, To, Refer-To, … Raises ParseError where it is absent or malformed."""
        value = self.get(name)
        if value is None:
            raise ParseError(f"no {name}")
        return NameAddr.parse(value)

    def number(self, name: str, largest: int) -> int | None:
        """A numeric header, capped at `largest`; None where absent. Raises ParseError."""
        value = self.get(name)
        return None if value is None else parse_number(value, largest, name)

    @property
    def via(self) -> Via:
        """The topmost Via. Raises ParseError."""
        via = self._via
        if via is None:
            row = self.get("Via")
            if row is None:
                raise ParseError("no Via")
            via = self._via = Via.parse(split_list(row)[0] if "," in row else row)
        return via

    def put_via(self, via: Via) -> None:
        """Makes `via` the only one, above all other headers."""
        rows = [str(via)]
        if "Via" in self.headers:
            self.headers["Via"] = rows
        else:
            self.headers = {"Via": rows, **self.headers}
        self._via = via

    @property
    def content_type(self) -> str:
        """The media type in lower case, without parameters; "" where absent."""
        return (self.get("Content-Type") or "").partition(";")[0].strip(" \t").lower()

    def add(self, name: str, value: str) -> None:
        """Appends a row."""
        self.headers.setdefault(name, []).append(value)

    def set(self, name: str, value: str) -> None:
        """Makes `value` the only row of a header."""
        self.headers[name] = [value]

    def check(self) -> None:
        """Reads what every message must have (RFC 3261 §8.1.1). Raises ParseError."""
        headers = self.headers
        try:
            self.call_id = headers["Call-ID"][0]
            self.cseq = CSeq.parse(headers["CSeq"][0])
            self.from_tag = tag_of(headers["From"][0])
            self.to_tag = tag_of(headers["To"][0])
        except KeyError as missing:
            raise ParseError(f"no {missing.args[0]}") from None
        if not self.call_id:
            raise ParseError("empty Call-ID")
        self.via  # noqa: B018 - parsed here so that a malformed one is found here

    def _write(self, start_line: str) -> bytes:
        parts = [start_line]
        for name, values in self.headers.items():
            for value in values:
                parts.append("\r\n")
                parts.append(name)
                parts.append(": ")
                parts.append(value)
        parts.append(f"\r\nContent-Length: {len(self.body)}\r\n\r\n")
        return "".join(parts).encode("latin-1", "replace") + self.body


class Request(Message):
    """A request. `uri` is the Request-URI as text, `key` its `sip.transaction.keys.key_of`, "" where that has none."""

    __slots__ = ("key", "method", "uri")

    def __init__(self, method: str, uri: str, headers: dict[str, list[str]] | None = None, body: bytes = b"") -> None:
        super().__init__({} if headers is None else headers, body)
        self.method = method
        self.uri = uri
        self.key = ""

    def parsed_uri(self) -> Uri:
        """Raises ParseError."""
        return parse_uri(self.uri)

    @property
    def max_forwards(self) -> int:
        """Hops left; 70 where the header is absent (RFC 3261 §16.6). Raises ParseError above 255 (§20.22)."""
        value = self.get("Max-Forwards")
        if value is None:
            return 70
        hops = parse_number(value, 256, "Max-Forwards")
        if hops > 255:
            raise ParseError("Max-Forwards above 255")
        return hops

    def check(self) -> None:
        """As for any message, and: CSeq names our method, Max-Forwards and the Request-URI are well formed."""
        super().check()
        if self.cseq is not None and self.cseq.method != self.method:
            raise ParseError("CSeq names another method")
        if self.headers.get("Max-Forwards") != _SEVENTY:
            self.max_forwards  # noqa: B018 - read so that a malformed one is found here
        check_uri(self.uri)

    def to_bytes(self) -> bytes:
        return self._write(f"{self.method} {self.uri} SIP/2.0")

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.uri}>"


class Response(Message):
    """A response."""

    __slots__ = ("reason", "status")

    def __init__(
        self,
        status: int,
        reason: str | None = None,
        headers: dict[str, list[str]] | None = None,
        body: bytes = b"",
    ) -> None:
        super().__init__({} if headers is None else headers, body)
        self.status = status
        self.reason = reason_phrase(status) if reason is None else reason

    def to_bytes(self) -> bytes:
        return self._write(f"SIP/2.0 {self.status} {self.reason}")

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.reason}>"


def respond(
    request: Request,
    status: int,
    reason: str | None = None,
    *,
    to_tag: str = "",
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
) -> Response:
    """A response to `request` by RFC 3261 §8.2.6: Via, From, To, Call-ID and CSeq copied as they came.

    `to_tag` is added to a To that has none. A request too broken to have them all is answered with what it has.
    """
    source = request.headers
    copied: dict[str, list[str]] = {}
    for name in ("Via", "From", "To", "Call-ID", "CSeq"):
        values = source.get(name)
        if values:
            copied[name] = values
    if to_tag and not request.to_tag and "To" in copied:
        copied["To"] = [f"{copied['To'][0]};tag={to_tag}"]
    response = Response(status, reason, copied, body)
    response.call_id, response.cseq = request.call_id, request.cseq
    response.from_tag, response.to_tag = request.from_tag, request.to_tag or to_tag
    for name, value in headers:
        response.add(name, value)
    return response


class MalformedRequest(ParseError):
    """A request that can't be served but can be answered: `request` holds what was understood of it."""

    def __init__(self, error: ParseError, request: Request) -> None:
        super().__init__(str(error), error.status, error.reason)
        self.request = request


def parse(data: bytes, *, stream: bool = False) -> Request | Response:
    """Parses one message.

    `data` is a datagram, or (`stream`) exactly one message as framed by its Content-Length. Octets after the
    body in a datagram are thrown away (RFC 3261 §18.3).

    Raises MalformedRequest for a request that deserves an answer, ParseError for everything else.
    """
    return parse_text(data.decode("latin-1"), data, stream=stream)


def parse_text(text: str, data: bytes, *, stream: bool = False) -> Request | Response:
    """`parse`, for who has the octets as latin-1 `text` already."""
    end = text.find("\r\n\r\n")
    head, body = text, b""
    if end >= 0:  # the body is counted from the end, as a head may have been unfolded
        head, body = text[:end], data[len(data) - len(text) + end + 4 :]
    if len(head) > MAX_HEAD:
        raise ParseError("header section too large", 513)
    problem: ParseError | None = None
    lines = head.split("\r\n")
    regular = end >= 0 and len(lines) <= MAX_HEADERS and _are_whole(lines)
    if not regular:
        lines, problem = _irregular(_FOLD.sub(" ", head), complete=end >= 0)
    message, wrong_start = _start_line(lines[0])
    problem = wrong_start or problem
    headers = message.headers
    del lines[0]
    for line in lines:
        spelling, colon, value = line.partition(": ")
        name = spellings.get(spelling)
        if name is None or not colon:
            if regular and line.startswith((" ", "\t")):  # RFC 3261 §7.3.1: the row before goes on
                return parse_text(_FOLD.sub(" ", head) + text[end:], data, stream=stream)
            spelling, colon, value = line.partition(":")
            try:
                name = canonical_name(spelling)
                if not colon:
                    raise ParseError("header field without colon")
            except ParseError as error:
                problem = problem or error
                continue
        if name in headers:
            headers[name].append(value.strip(" \t"))
            if name in SINGLE:
                problem = problem or ParseError(f"more than one {name}")
        else:
            headers[name] = [value.strip(" \t")]
    try:
        if problem is None:
            message.body = _body(headers.pop("Content-Length", None), body, stream)
        message.check()
    except ParseError as error:
        problem = problem or error
    if problem is not None:
        try:
            if isinstance(message, Request) and message.method != "ACK" and headers.get("Via"):
                raise MalformedRequest(problem, message)
            raise problem
        finally:
            # Its traceback has this frame: together they would hold the message until a collection, which is rare.
            problem = wrong_start = None
    return message


def _are_whole(lines: list[str]) -> bool:
    """Whether every CR and LF was one of those that the lines were split at."""
    for line in lines:  # noqa: SIM110 - `all` makes a generator, and this is done for every message
        if "\n" in line or "\r" in line:
            return False
    return True


def _irregular(text: str, *, complete: bool) -> tuple[list[str], ParseError | None]:
    """The lines of a head that is cut off, too long, or has CR or LF elsewhere, and what is wrong with it."""
    problem: ParseError | None = None
    lines = text.split("\r\n")
    ends = len(lines) - 1
    if not complete:
        problem = ParseError("header section without end")
        if ends and not lines[-1]:
            lines.pop()
    if text.count("\n") > ends or text.count("\r") > ends:
        problem = ParseError("bare CR or LF")
        # What is answered repeats rows of the request: no line of it may be of the sender's making.
        lines = [line.replace("\r", " ").replace("\n", " ") for line in lines]
    if len(lines) > MAX_HEADERS:
        problem = problem or ParseError("too many header fields")
        del lines[MAX_HEADERS:]
    return lines, problem


def _start_line(line: str) -> tuple[Request | Response, ParseError | None]:
    """The message of a start line (RFC 3261 §7.1, §7.2). Raises ParseError when there is nothing to answer."""
    if line.startswith("SIP/"):
        version, _, rest = line.partition(" ")
        status, _, reason = rest.partition(" ")
        if version != "SIP/2.0" or len(status) != 3 or not status.isascii() or not status.isdecimal():
            raise ParseError("malformed status line")
        if not "100" <= status <= "699":
            raise ParseError("status code out of range")
        return Response(int(status), reason), None
    parts = line.split(" ")
    method = parts[0]
    if len(parts) == 3 and method in METHODS and parts[2] == "SIP/2.0":
        return Request(method, parts[1]), None
    if not is_token(method) or len(parts) < 3:
        raise ParseError("neither a request nor a response")
    request = Request(method, parts[1])
    version = parts[-1] or "SIP/2.0"  # trailing spaces are malformed all the same, for the reason below
    if version.upper() != "SIP/2.0":
        if re.fullmatch(r"SIP/\d+\.\d+", version, re.IGNORECASE):
            return request, ParseError("unknown SIP version", 505, "Version Not Supported")
        return request, ParseError("malformed request line")
    if len(parts) != 3:
        return request, ParseError("malformed request line")
    return request, None


def _body(lengths: list[str] | None, body: bytes, stream: bool) -> bytes:
    """The body by Content-Length (RFC 3261 §18.3, §20.14). Raises ParseError."""
    if lengths is None:
        if stream and body:
            raise ParseError("no Content-Length on a stream")
        return body
    length = parse_number(lengths[0], 2**31, "Content-Length")
    if length > len(body):
        raise ParseError("Content-Length larger than the message")
    return body[:length] if length < len(body) else body
