"""Digest authentication (RFC 7616; its algorithms in SIP: RFC 8760; its place in SIP: RFC 3261 §22).

Pure text in, text out: who may use which algorithm, and which nonces hold, is for the caller to say. Header
texts are latin-1 decoded octets like everything from a message, and hashed as the octets that they were;
names and passwords of our own are hashed as UTF-8 (RFC 7616 §3.4).
"""

import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Final, NamedTuple

from sip.errors import ParseError
from sip.grammar import QUOTED, TOKEN, quote, unquote

_PARAM: Final = re.compile(rf'[ \t,]*({TOKEN})[ \t]*=[ \t]*({QUOTED}|[^\s,"]*)[ \t]*(?:,[ \t,]*|$)', re.DOTALL)


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _sha_256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _sha_512_256(data: bytes) -> str:
    return hashlib.new("sha512_256", data).hexdigest()


_HASHES: Final[dict[str, Callable[[bytes], str]]] = {
    "MD5": _md5,
    "SHA-256": _sha_256,
    "SHA-512-256": _sha_512_256,
}
ALGORITHMS: Final = tuple(_HASHES)


class Credentials(NamedTuple):
    """What Authorization or Proxy-Authorization says (RFC 7616 §3.4), quotes and escapes resolved.

    `nc` and `cnonce` are "" without `qop`: such a client follows RFC 2069. `response` may be anything: it is
    compared, not understood.
    """

    username: str
    realm: str
    nonce: str
    uri: str
    response: str
    algorithm: str
    qop: str
    nc: str
    cnonce: str


class Challenge(NamedTuple):
    """What WWW-Authenticate or Proxy-Authenticate says (RFC 7616 §3.3); `qop` lists the offers."""

    realm: str
    nonce: str
    algorithm: str
    qop: tuple[str, ...]
    stale: bool
    opaque: str


def parse_credentials(text: str) -> Credentials | None:
    """The Digest credentials of one header row, None for another scheme.

    Raises ParseError where the row is malformed, lacks what every digest has, or has a qop without the
    counter and the client's nonce that belong to it.
    """
    params = _digest_params(text)
    if params is None:
        return None
    get = params.get
    qop = get("qop", "")
    try:
        credentials = Credentials(
            params["username"],
            params["realm"],
            params["nonce"],
            params["uri"],
            params["response"],
            get("algorithm", "MD5"),
            qop,
            params["nc"] if qop else "",
            params["cnonce"] if qop else "",
        )
    except KeyError as missing:
        raise ParseError(f"credentials without {missing.args[0]}") from None
    return credentials


def parse_challenge(text: str) -> Challenge | None:
    """The Digest challenge of one header row, None for another scheme. Raises ParseError."""
    params = _digest_params(text)
    if params is None:
        return None
    if "realm" not in params or "nonce" not in params:
        raise ParseError("challenge without realm or nonce")
    qop = tuple([offer.strip(" \t") for offer in params.get("qop", "").split(",") if offer])
    stale = params.get("stale", "").lower() == "true"
    return Challenge(
        params["realm"], params["nonce"], params.get("algorithm", "MD5"), qop, stale, params.get("opaque", "")
    )


def format_challenge(realm: str, nonce: str, algorithm: str, stale: bool) -> str:
    """A challenge that offers qop "auth"; `realm` and `nonce` need no escapes."""
    # RFC 7616 §3.3: algorithm and stale are tokens, all others quoted.
    ending = ", stale=true" if stale else ""
    return f'Digest realm="{realm}", nonce="{nonce}", algorithm={algorithm}, qop="auth"{ending}'


def format_credentials(credentials: Credentials) -> str:
    """The opposite of `parse_credentials`."""
    username, realm, nonce, uri, response, algorithm, qop, nc, cnonce = credentials
    counted = f", qop={qop}, nc={nc}, cnonce={quote(cnonce)}" if qop else ""
    return (
        f"Digest username={quote(username)}, realm={quote(realm)}, nonce={quote(nonce)}, uri={quote(uri)}, "
        f'response="{response}", algorithm={algorithm}{counted}'
    )


def ha1(algorithm: str, username: str, realm: str, password: str) -> str:
    """H(A1), the only secret of the scheme, for MD5, SHA-256 or SHA-512-256 (RFC 7616 §3.4.2)."""
    return _HASHES[algorithm](f"{username}:{realm}:{password}".encode())


def session_ha1(algorithm: str, secret: str, nonce: str, cnonce: str) -> str:
    """H(A1) of the algorithm's "-sess" variant, from the plain one."""
    return _HASHES[algorithm](f"{secret}:{nonce}:{cnonce}".encode("latin-1"))


def ha2(algorithm: str, method: str, uri: str) -> str:
    """H(A2) for qop "auth" and for none (RFC 7616 §3.4.3)."""
    return _HASHES[algorithm](f"{method}:{uri}".encode("latin-1"))


def ha2_with_body(algorithm: str, method: str, uri: str, body: bytes) -> str:
    """H(A2) for qop "auth-int"."""
    digest = _HASHES[algorithm]
    return digest(f"{method}:{uri}:{digest(body)}".encode("latin-1"))


def response(
    algorithm: str, secret: str, nonce: str, request_hash: str, *, qop: str = "", nc: str = "", cnonce: str = ""
) -> str:
    """The answer to a challenge, from H(A1) and H(A2) (RFC 7616 §3.4.1; RFC 2069 §2.1.2 without `qop`)."""
    if qop:
        text = f"{secret}:{nonce}:{nc}:{cnonce}:{qop}:{request_hash}"
    else:
        text = f"{secret}:{nonce}:{request_hash}"
    return _HASHES[algorithm](text.encode("latin-1"))


def same(expected: str, given: str) -> bool:
    """Whether two answers are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(expected.encode("latin-1"), given.encode("latin-1"))


def _digest_params(text: str) -> dict[str, str] | None:
    """The parameters behind "Digest", names in lower case, values unquoted. Raises ParseError."""
    scheme, space, rest = text.partition(" ")
    if scheme != "Digest" and scheme.lower() != "digest":
        return None
    if not space:
        raise ParseError("digest without parameters")
    params: dict[str, str] = {}
    if "\\" in rest:
        return _params_by_grammar(rest)
    quotes = 0
    parts = rest.split(",")
    for part in parts:
        name, equals, value = part.partition("=")
        name = name.strip(" \t").lower()
        if value[:1] == '"':
            # A comma inside the quotes, or a blank behind them: the grammar must tell.
            if value[-1] != '"' or len(value) < 2:
                return _params_by_grammar(rest)
            quotes += 2
            value = value[1:-1]
        elif not equals or not name or " " in value or "\t" in value:
            return _params_by_grammar(rest)
        params[name] = value
    if len(params) != len(parts) or rest.count('"') != quotes:
        return _params_by_grammar(rest)
    return params


def _params_by_grammar(text: str) -> dict[str, str]:
    """Every legal spelling of a list of auth-params (RFC 7235 §2.1). Raises ParseError."""
    params: dict[str, str] = {}
    position = 0
    while position < len(text):
        match = _PARAM.match(text, position)
        if match is None:
            raise ParseError("malformed digest parameters")
        name = match[1].lower()
        if name in params:
            raise ParseError("digest parameter given twice")
        params[name] = unquote(match[2])
        position = match.end()
    return params
