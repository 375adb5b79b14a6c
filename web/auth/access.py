"""Whose request it is, and whether our own pages sent it.

The cookie is `SameSite=Strict`, so other sites' requests come without it. Unsafe methods need the header
`X-Gorizont: 1` besides, which no form and no simple request of another origin can carry, and an `Origin` that is ours
where the browser says one. WebSockets know neither, so they are judged by their `Origin` alone.
"""

from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from flask import Request, g, request

from web.auth.sessions import NOTE_EVERY, SignedIn, find_session, hash_token
from web.errors import Forbidden, NotSignedIn
from web.services import Services, services

COOKIE = "__Host-gorizont"
HEADER = "X-Gorizont"
SAFE = frozenset(("GET", "HEAD", "OPTIONS"))


def signed_in() -> SignedIn:
    """The user of this request. Raises NotSignedIn."""
    found = whose_request()
    if found is None:
        raise NotSignedIn("sign in first")
    return found


def signed_in_admin() -> SignedIn:
    """The admin of this request. Raises NotSignedIn, Forbidden."""
    found = signed_in()
    if not found.is_admin:
        raise Forbidden("this is for admins")
    return found


def whose_request() -> SignedIn | None:
    """The user of this request, None where nobody is signed in."""
    if "signed_in" not in g:
        token = request.cookies.get(COOKIE)
        g.signed_in = whose_token(services(), token) if token else None
    found: SignedIn | None = g.signed_in
    return found


def whose_token(given: Services, token: str) -> SignedIn | None:
    """Whom a token shows; notes its use now and then."""
    token_hash = hash_token(token)
    now = given.now()
    found = given.read(lambda session: find_session(session, token_hash, given.limits, now))
    if found is not None and now - found.seen_at >= NOTE_EVERY:
        given.session_uses.note(token_hash)
    return found


def token_in(cookies: str) -> str | None:
    """The token in a Cookie header."""
    try:
        morsel = SimpleCookie(cookies).get(COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel is not None else None


def check_not_forged(asked: Request) -> None:
    """Raises Forbidden for an unsafe request that our own pages did not send."""
    if asked.method in SAFE:
        return
    if asked.headers.get(HEADER) != "1":
        raise Forbidden(f"requests that change something need the header {HEADER}: 1", code="forged")
    origin = asked.headers.get("Origin")
    if origin is not None and not is_own_origin(origin, asked.host):
        raise Forbidden("this request comes from another site", code="forged")


def is_own_origin(origin: str, host: str) -> bool:
    """Whether an Origin header names this server, as the Host header calls it."""
    try:
        parts = urlsplit(origin)
    except ValueError:  # as of "https://["
        return False
    return parts.scheme == "https" and parts.netloc.lower() == host.lower()
