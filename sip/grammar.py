"""Lexical rules of RFC 3261 §25.1 that several header fields share.

Text is latin-1 decoded octets throughout, so that any octet survives a round trip (§7.3.1: header
values may hold octets that are no valid UTF-8).
"""

import re
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv6Address
from typing import Final

from sip.errors import ParseError

TOKEN: Final = r"[A-Za-z0-9\-.!%*_+`'~]+"  # noqa: S105 - the grammar's word for a run of characters
QUOTED: Final = r'"(?:[^"\\]|\\.)*"'

_TOKEN_RE: Final = re.compile(TOKEN)
_QUOTED_PAIR: Final = re.compile(r"\\(.)", re.DOTALL)
_HOSTNAME: Final = re.compile(r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?\.)*[A-Za-z0-9_](?:[A-Za-z0-9_-]*)\.?")
_PARAM: Final = re.compile(
    rf"[ \t]*;[ \t]*({TOKEN})(?:[ \t]*=[ \t]*({QUOTED}|\[[^\]]*\]|[A-Za-z0-9\-.!%*_+`'~:@/&?$]*))?"
)


def is_token(text: str) -> bool:
    """Whether `text` is one `token`."""
    return _TOKEN_RE.fullmatch(text) is not None


def unquote(text: str) -> str:
    """The content of a quoted-string, quoted-pairs resolved; other text as it is."""
    if len(text) >= 2 and text[0] == '"' and text[-1] == '"':
        inner = text[1:-1]
        return _QUOTED_PAIR.sub(r"\1", inner) if "\\" in inner else inner
    return text


def quote(text: str) -> str:
    """`text` as a quoted-string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def split_outside_quotes(text: str, separator: str) -> Iterator[str]:
    """Splits at `separator`, except inside quoted strings and angle brackets.

    Raises ParseError where a quote or an angle bracket is left open.
    """
    if '"' not in text and "<" not in text:
        for part in text.split(separator):
            yield part.strip(" \t")
        return
    start, quoted, bracketed, escaped = 0, False, False, False
    for position, char in enumerate(text):
        if quoted:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                quoted = False
        elif char == '"':
            quoted = True
        elif char == "<":
            bracketed = True
        elif char == ">":
            bracketed = False
        elif char == separator and not bracketed:
            yield text[start:position].strip(" \t")
            start = position + 1
    if quoted:
        raise ParseError("unterminated quoted string")
    if bracketed:
        raise ParseError("unterminated angle bracket")
    yield text[start:].strip(" \t")


def split_list(text: str) -> list[str]:
    """The elements of a comma-separated header value; an empty element is an error (§7.3.1)."""
    if "," not in text:
        return [text]
    parts = list(split_outside_quotes(text, ","))
    if not all(parts):
        raise ParseError("empty element in a list of values")
    return parts


def parse_params(text: str) -> dict[str, str]:
    """`;name=value;flag` as a dictionary: names in lower case, a flag's value is "".

    Values keep their quotes. Raises ParseError for anything that is no parameter list (§25.1 generic-param).
    """
    params: dict[str, str] = {}
    if not text:
        return params
    if '"' not in text and " " not in text and "\t" not in text and text[0] == ";":
        for part in text[1:].split(";"):
            name, _, value = part.partition("=")
            if not name or not name.isascii():
                raise ParseError("empty parameter")
            params[name.lower()] = value
        return params
    position = 0
    while position < len(text):
        match = _PARAM.match(text, position)
        if match is None:
            if text[position:].strip(" \t"):
                raise ParseError("malformed parameter")
            break
        params[match[1].lower()] = match[2] or ""
        position = match.end()
    return params


def encode_params(params: dict[str, str]) -> str:
    """The opposite of `parse_params`."""
    return "".join([f";{name}={value}" if value else f";{name}" for name, value in params.items()])


def parse_hostport(text: str) -> tuple[str, int | None]:
    """`host[:port]` as (host, port); an IPv6 reference comes without its brackets.

    RFC 5118 §4.10: three colons before an embedded IPv4 address, which an old grammar allowed, read as two.
    Raises ParseError.
    """
    if text.startswith("["):
        inner, bracket, rest = text[1:].partition("]")
        if not bracket:
            raise ParseError("IPv6 reference without closing bracket")
        host = ipv6(inner)
    else:
        host, colon, rest = text.partition(":")
        if not _HOSTNAME.fullmatch(host):
            raise ParseError("malformed host")
        rest = colon + rest
    if not rest:
        return host, None
    digits = rest[1:]
    if rest[0] != ":" or not (digits.isdecimal() and digits.isascii()) or len(digits) > 5:
        raise ParseError("malformed port")
    port = int(digits)
    if port > 65535:
        raise ParseError("port above 65535")
    return host, port


def ipv6(text: str) -> str:
    """A valid IPv6 address in its short form. Raises ParseError."""
    if "%" in text:  # zones mean something on one machine only (RFC 3261 §25.1 has none)
        raise ParseError("IPv6 address with a zone")
    try:
        return IPv6Address(text.replace(":::", "::")).compressed
    except AddressValueError:
        raise ParseError("malformed IPv6 address") from None


def bracketed(host: str) -> str:
    """`host` as it stands in a URI or a Via: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def hostport(host: str, port: int | None) -> str:
    """`host[:port]` for a URI or a Via."""
    return bracketed(host) if port is None else f"{bracketed(host)}:{port}"
