"""What a REGISTER asks for: its contacts, how long each shall hold, on which way (RFC 3261 §10.3)."""

from collections.abc import Set
from dataclasses import dataclass
from typing import NamedTuple

from pbx.registrar.errors import RegistrationRefused
from sip.errors import ParseError
from sip.fields import NameAddr
from sip.grammar import unquote
from sip.message import Request
from sip.uri import SipUri

LONGEST_CONTACT = 1024  # characters; Kamailio's usrloc table holds 2048
MOST_CONTACTS = 100  # in one REGISTER: each is compared with the others
LONGEST_INSTANCE = 256
LONGEST_PATH = 2048
MALFORMED_EXPIRES = 3600  # RFC 3261 §20.10


@dataclass(frozen=True, slots=True)
class Policy:
    """What the registrar grants: seconds of a registration, and registrations of one number."""

    min_expires: int = 60
    default_expires: int = 3600
    max_expires: int = 3600
    max_bindings: int = 10


class Wish(NamedTuple):
    """One Contact of a REGISTER; `expires` 0 asks for its removal."""

    uri: str
    expires: int
    instance: str | None
    reg_id: int | None
    q: float


def wishes_of(request: Request, policy: Policy, outbound: bool) -> list[Wish] | None:
    """The contacts of a REGISTER; None for `*`, which asks for the removal of all.

    `outbound`: whether both sides speak RFC 5626; otherwise `reg-id` means nothing.

    Raises ParseError, RegistrationRefused (423, 403).
    """
    rows = request.headers.get("Contact")
    if not rows:
        return []
    if "*" in rows:
        # RFC 3261 §10.2.2: only alone, and only with an Expires of 0.
        if len(rows) > 1 or request.number("Expires", 1) != 0:
            raise ParseError("Contact * needs Expires 0 and no other Contact")
        return None
    addresses = request.addresses("Contact")
    if len(addresses) > MOST_CONTACTS:
        raise RegistrationRefused(403, "Too Many Contacts")
    default = request.number("Expires", policy.max_expires)
    if default is None:
        default = policy.default_expires
    wishes = [_wish(address, default, policy, outbound) for address in addresses]
    if len(wishes) > 1 and any(wish.reg_id is not None and wish.expires for wish in wishes):
        raise ParseError("reg-id with more than one Contact")  # RFC 5626 §4.2
    return wishes


def _wish(address: NameAddr, default: int, policy: Policy, outbound: bool) -> Wish:
    uri, params = address.uri, address.params
    if len(uri) > LONGEST_CONTACT:
        raise ParseError("Contact too long")
    if not params:
        return Wish(uri, _granted(default, policy), None, None, 1.0)
    expires = default
    text = params.get("expires")
    if text is not None:
        plain = text.isascii() and text.isdecimal() and len(text) < 20
        expires = int(text) if plain else MALFORMED_EXPIRES
    instance = unquote(params.get("+sip.instance", "")) or None
    if instance is not None and (len(instance) > LONGEST_INSTANCE or not instance.isprintable()):
        raise ParseError("malformed +sip.instance")
    reg_id = None
    if outbound and instance is not None and "reg-id" in params:
        reg_id = _reg_id(params["reg-id"])
    return Wish(uri, _granted(expires, policy), instance, reg_id, _preference(params.get("q", "1")))


def _granted(expires: int, policy: Policy) -> int:
    if expires >= policy.max_expires:
        return policy.max_expires
    if 0 < expires < policy.min_expires:
        raise RegistrationRefused(423, headers=(("Min-Expires", str(policy.min_expires)),))
    return expires


def _reg_id(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 10) or not 0 < int(text) < 2**31:
        raise ParseError("malformed reg-id")
    return int(text)


def _preference(text: str) -> float:
    whole, _, fraction = text.partition(".")
    if whole in ("0", "1") and len(fraction) <= 3 and (not fraction or (fraction.isascii() and fraction.isdecimal())):
        q = float(text)
        if q <= 1.0:
            return q
    raise ParseError("malformed q")


def path_of(request: Request, supported: Set[str]) -> tuple[str, ...]:
    """The URIs of the proxies that want to stay on the way to the phone, nearest to us first (RFC 3327 §5.3).

    Raises ParseError, RegistrationRefused (421) where the phone does not know that proxies do so.
    """
    if "Path" not in request.headers:
        return ()
    path = tuple([address.uri for address in request.addresses("Path")])
    if sum([len(uri) for uri in path]) > LONGEST_PATH:
        raise ParseError("Path too long")
    for uri in path:
        SipUri.parse(uri)
    if path and "path" not in supported:
        raise RegistrationRefused(421, headers=(("Require", "path"),))
    return path


def lacks_outbound(request: Request, path: tuple[str, ...]) -> bool:
    """Whether a proxy stands between the phone and us that does not keep the phone's flow (RFC 5626 §6)."""
    if path:
        return "ob" not in SipUri.parse(path[-1]).params
    return len(request.elements("Via")) > 1
