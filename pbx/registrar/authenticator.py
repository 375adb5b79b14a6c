"""Who sends a request: digest authentication of phones (RFC 3261 §22, RFC 7616, RFC 8760).

Strangers learn nothing: an account that exists and one that doesn't are challenged, refused and delayed
alike, and the answer is computed for both.
"""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pbx.directory.snapshot import Device, Directory, User
from pbx.registrar.bindings import Bindings
from pbx.registrar.guard import Guard
from pbx.registrar.identity import ANONYMOUS, number_of, user_of, user_part
from pbx.registrar.nonces import ONCE, Nonces
from sip.digest import (
    ALGORITHMS,
    Credentials,
    format_challenge,
    ha1,
    ha2,
    parse_credentials,
    response,
    same,
)
from sip.errors import ParseError
from sip.identifiers import token
from sip.message import Request, Response, respond
from sip.transport.base import Address
from sip.uri import parse_uri

# SIPp and old phones look at the first challenge only, and know MD5 only.
OFFERED: Final = ("MD5", "SHA-256")
# libre before 2.0, which baresip 1.x is made of, takes a challenge with another algorithm than MD5 for an error of
# the whole response, wherever it stands: by RFC 7616 §3.7 it should have passed over it.
MD5_ALONE: Final = ("baresip v0", "baresip v1")
# JsSIP 3 looks at the last challenge only, SIP.js at the first one, and both know MD5 only. Both are met on WebSockets.
WEB_SOCKETS: Final = ("SIP/2.0/WS ", "SIP/2.0/WSS ")
_QOPS: Final = ("auth", "")  # without one: clients that know RFC 2069 only


FindDevice = Callable[[str], Device | None]

_NO_AGENT: Final = ("",)


@dataclass(frozen=True, slots=True)
class Account:
    """Who proved to have sent a request: a person, with one of the person's phones."""

    user: User
    device: Device


class _Secret:
    """H(A1) of one device for one algorithm, and the one before its password was changed."""

    __slots__ = ("account", "former", "ha1")

    def __init__(self, account: Account | None, secret: str, former: str) -> None:
        self.account = account
        self.ha1 = secret
        self.former = former


class Authenticator:
    """Tells whose request it is, or what to answer.

    Args:
        directory: gives the directory that is in force.
        realm: the protection domain (RFC 3261 §22.1); a change makes phones ask for the password again.
        bindings: what is registered; phones that are come to no harm by others at their address.
        algorithms: offered, in this order.
        devices: finds a device by its SIP name; in the directory alone by default.
    """

    def __init__(
        self,
        directory: Callable[[], Directory],
        realm: str,
        nonces: Nonces,
        guard: Guard,
        bindings: Bindings,
        algorithms: tuple[str, ...] = OFFERED,
        devices: FindDevice | None = None,
    ) -> None:
        unknown = [name for name in algorithms if name not in ALGORITHMS]
        if unknown or not algorithms:
            raise ValueError(f"algorithms {algorithms} are not some of {', '.join(ALGORITHMS)}")
        if '"' in realm or "\\" in realm:
            raise ValueError("the realm cannot have quotation marks or backslashes")
        self._directory = directory
        self.device = devices or (lambda sip_name: directory().device(sip_name))
        self._realm = realm
        self._nonces = nonces
        self._guard = guard
        self._bindings = bindings
        self._algorithms = algorithms
        self._tag_key = os.urandom(16)
        # By algorithm and SIP name. Only those of the directory get in.
        self._secrets: dict[str, dict[str, _Secret]] = {name: {} for name in algorithms}
        self._nobody = _Secret(None, os.urandom(16).hex(), os.urandom(16).hex())

    def check(self, request: Request, source: Address, now: float, *, proxy: bool = False) -> Account | Response:
        """The account that `request` is proved to come from, or the response that refuses it.

        Responses: 401, with `proxy` 407, without credentials or with wrong ones; 400 for malformed ones; 403
        where From names somebody else; 480 with Retry-After after too many wrong passwords. All but the 403 may
        be sent without a transaction: a retransmission is answered with the same To tag (RFC 3261 §8.2.7).

        Args:
            source: where the request came from.
            now: seconds, of one clock for all calls.
            proxy: ask as a proxy does, by Proxy-Authenticate; for everything but REGISTER.
        """
        rows = request.headers.get("Proxy-Authorization" if proxy else "Authorization")
        if rows is None:
            return self._challenge(request, source, now, proxy)
        try:
            given = self._credentials(rows)
            if given is None:
                return self._challenge(request, source, now, proxy)
            _check_uri(given.uri, request)
            count = _count_of(given)
        except ParseError as error:
            return respond(request, 400, error.reason, to_tag=self._tag(request))
        username, algorithm = given.username, given.algorithm
        if algorithm not in self._secrets:
            algorithm = algorithm.upper()
        if algorithm not in self._secrets or given.qop not in _QOPS:
            return self._challenge(request, source, now, proxy)
        secret = self._secret(algorithm, username)
        account = secret.account
        port = self._registered_port(account, source)
        seconds = self._guard.wait(source[0], username, now, port)
        if seconds:
            return self._delay(request, seconds)
        if not self._nonces.use(given.nonce, source[0], count, now):
            # Before the answer is looked at: an old nonce must not tell whether a guess was right.
            return self._challenge(request, source, now, proxy, stale=True)
        asked = ha2(algorithm, request.method, given.uri)
        if not _answers(given, algorithm, secret.ha1, asked) or account is None:
            # The old password of a phone that was forgotten when it was changed is no guess.
            if not _answers(given, algorithm, secret.former, asked):
                self._guard.failed(source[0], username, now, port)
            return self._challenge(request, source, now, proxy)
        self._guard.succeeded(source[0], now)
        if request.method == "REGISTER":
            return account  # whose registration it is, To says
        try:
            own = self._is_own(account, request.headers["From"][0])
        except ParseError as error:
            return respond(request, 400, error.reason, to_tag=token())
        return account if own else respond(request, 403, "From Names Somebody Else", to_tag=token())

    def trust(self, host: str, now: float) -> None:
        """Notes that phones at this address knew their passwords before the start."""
        self._guard.succeeded(host, now)

    def _credentials(self, rows: list[str]) -> Credentials | None:
        """The digest for our realm; a request may carry others for other servers (RFC 3261 §22.3)."""
        for row in rows:
            credentials = parse_credentials(row)
            if credentials is not None and credentials.realm == self._realm:
                return credentials
        return None

    def _secret(self, algorithm: str, username: str) -> _Secret:
        directory = self._directory()
        device = self.device(username)
        user = None if device is None else directory.user(device.number)
        if device is None or user is None:
            return self._nobody
        secrets = self._secrets[algorithm]
        known = secrets.get(username)
        if known is not None:
            account = known.account
            if account is not None and account.device is device and account.user is user:
                return known
        computed = ha1(algorithm, username, self._realm, device.password)
        former = self._nobody.former
        if known is not None:
            former = known.former if known.ha1 == computed else known.ha1
        elif len(secrets) > 2 * len(directory.devices):
            for sip_name in [name for name in secrets if self.device(name) is None]:
                del secrets[sip_name]
        secret = secrets[device.sip_name] = _Secret(Account(user, device), computed, former)
        return secret

    def _registered_port(self, account: Account | None, source: Address) -> int | None:
        """The port of `source`, if the account is registered from there."""
        if account is None:
            return None
        device = account.device
        return source[1] if self._bindings.came_from(device.number, device.sip_name, source) else None

    def _is_own(self, account: Account, origin: str) -> bool:
        """Whether From names the account's user, one of the user's phones, or nobody. Raises ParseError."""
        part = user_part(origin)
        number = account.user.number
        return part in (number, ANONYMOUS) or number_of(part, self._directory()) == number

    def _challenge(self, request: Request, source: Address, now: float, proxy: bool, stale: bool = False) -> Response:
        nonce = self._nonces.issue(source[0], now)
        name = "Proxy-Authenticate" if proxy else "WWW-Authenticate"
        realm = self._realm
        algorithms = self._algorithms
        if "MD5" in algorithms and _takes_md5_alone(request):
            algorithms = ("MD5",)
        challenges = [(name, format_challenge(realm, nonce, each, stale)) for each in algorithms]
        return respond(request, 407 if proxy else 401, to_tag=self._tag(request), headers=challenges)

    def _delay(self, request: Request, seconds: int) -> Response:
        # A temporary failure, because phones that are told 403 don't try again for many minutes, or never,
        # and proxies that are told 503 leave the whole server alone (RFC 3261 §16.7).
        waiting = (("Retry-After", str(seconds)),)
        return respond(request, 480, "Too Many Wrong Passwords", to_tag=self._tag(request), headers=waiting)

    def _tag(self, request: Request) -> str:
        text = request.call_id + request.via.branch
        return hashlib.blake2b(text.encode("latin-1"), digest_size=8, key=self._tag_key).hexdigest()


def _takes_md5_alone(request: Request) -> bool:
    agent = request.headers.get("User-Agent", _NO_AGENT)[0]
    return agent.startswith(MD5_ALONE) or request.headers["Via"][0].startswith(WEB_SOCKETS)


def _answers(given: Credentials, algorithm: str, secret: str, asked: str) -> bool:
    expected = response(algorithm, secret, given.nonce, asked, qop=given.qop, nc=given.nc, cnonce=given.cnonce)
    return same(expected, given.response)


def _count_of(given: Credentials) -> int:
    """The nonce count; `ONCE` for an answer without one. Raises ParseError."""
    if not given.qop:
        return ONCE
    nc = given.nc
    try:
        count = int(nc, 16) if nc.isalnum() and len(nc) <= 8 else 0
    except ValueError:
        count = 0
    if not count:
        raise ParseError("malformed nonce count")
    return count


def _check_uri(uri: str, request: Request) -> None:
    """Raises ParseError where the digest was made for a request to somebody else (RFC 7616 §3.4.6).

    Hosts are not compared: every address of the server is ours. Some clients leave the user out (SIPp).
    """
    asked = request.uri
    if uri == asked or uri == "sip:" + asked.partition("@")[2]:
        return
    user = user_of(parse_uri(uri))
    if user and user != user_of(request.parsed_uri()):
        raise ParseError("digest for another URI")
