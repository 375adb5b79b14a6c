"""SIP messages as a phone printed them while it sent and received them.

Only for looking at what a phone saw, so the reading is plain: no folding, no compact forms beyond the names below,
which no phone of this harness writes for the headers that tests look at.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

_START = re.compile(r"SIP/2\.0 \d{3} .*|[A-Z]+ \S+ SIP/2\.0")


class Way(StrEnum):
    """Seen from the phone."""

    SENT = ">"
    RECEIVED = "<"


@dataclass(frozen=True, slots=True)
class SipMessage:
    """One message of a phone's trace."""

    way: Way
    start: str
    fields: tuple[tuple[str, str], ...]
    body: str

    @property
    def status(self) -> int | None:
        """The status code of a response, None for a request."""
        return int(self.start.split()[1]) if self.start.startswith("SIP/2.0") else None

    @property
    def method(self) -> str:
        """The method, of a response the one in its CSeq."""
        return self.start.split()[0] if self.status is None else self.header("CSeq").split()[-1]

    def headers(self, name: str) -> tuple[str, ...]:
        """All values of a header, in their order."""
        return tuple(value for field, value in self.fields if field.lower() == name.lower())

    def header(self, name: str) -> str:
        """The first value of a header, empty if there is none."""
        return next(iter(self.headers(name)), "")

    def __str__(self) -> str:
        return f"{self.way} {self.start}  [{self.header('CSeq')}]"


class MessageAssembler:
    """Puts messages together from the lines of a program that prints them between other lines.

    The caller knows the line by which its program announces messages and says so by `expect`. From then on it offers
    every line to `feed`, as long as the assembler is `busy`: until something comes that begins no further message.
    """

    def __init__(self) -> None:
        self._way: Way | None = None
        self._start = ""
        self._fields: list[tuple[str, str]] = []
        self._body = b""
        self._length = 0
        self._in_body = False

    def expect(self, way: Way) -> None:
        """Messages begin with the next line that is not empty."""
        self._way, self._start, self._fields = way, "", []
        self._body, self._length, self._in_body = b"", 0, False

    @property
    def busy(self) -> bool:
        """Whether a message has begun or is awaited."""
        return self._way is not None

    def feed(self, line: bytes) -> SipMessage | None:
        """Take the next line (without line feed); return the message that it completes."""
        if self._way is None:
            return None
        if self._in_body:
            self._body += line + b"\n"
            return self._complete() if len(self._body) >= self._length else None
        text = line.decode(errors="replace").rstrip("\r")
        if not self._start:
            if _START.fullmatch(text):
                self._start = text
            elif text:
                self._way = None
            return None
        if text:
            name, _, value = text.partition(":")
            self._fields.append((name.strip(), value.strip()))
            return None
        lengths = [int(value) for name, value in self._fields if name.lower() in ("content-length", "l")]
        self._length = lengths[0] if lengths else 0
        self._in_body = self._length > 0
        return None if self._in_body else self._complete()

    def _complete(self) -> SipMessage:
        assert self._way is not None
        # What follows the last octet on its line is the program's own.
        body = self._body[: self._length].decode(errors="replace")
        message = SipMessage(self._way, self._start, tuple(self._fields), body)
        self.expect(self._way)  # a stream may have brought several at once
        return message


def whole_message(way: Way, octets: bytes) -> SipMessage:
    """One message that came or went as a whole. Raises AssertionError where it is none."""
    assembler = MessageAssembler()
    assembler.expect(way)
    for line in octets.split(b"\n"):
        if message := assembler.feed(line):
            return message
    raise AssertionError(f"no message: {octets!r}")
