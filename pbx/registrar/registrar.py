"""The registrar: what a REGISTER does (RFC 3261 §10.3, with RFC 3327, 5626 and 5627).

An account is an address-of-record of its own: a REGISTER reads and changes the registrations of the account
that it signs in as, whichever of the user's names To has. So `Contact: *` from a phone that starts anew does
not take the user's other phones away.
"""

import sys
from collections.abc import Callable, Collection, Set
from email.utils import formatdate

from pbx.directory.snapshot import Directory
from pbx.registrar.authenticator import Account, Authenticator
from pbx.registrar.bindings import Binding, Bindings
from pbx.registrar.change import Change
from pbx.registrar.contacts import Policy, Wish, lacks_outbound, path_of, wishes_of
from pbx.registrar.errors import RegistrationRefused
from pbx.registrar.events import Expired, Lost, Registered, RegistrationEvent, Unregistered
from pbx.registrar.gruu import public_gruu
from pbx.registrar.identity import number_of, user_part
from pbx.registrar.persistence import FlowMaker, Persistence
from pbx.registrar.reach import route_of
from sip.errors import ParseError
from sip.grammar import quote
from sip.identifiers import token
from sip.message import Request, Response, respond
from sip.transport.base import Flow

EXTENSIONS = frozenset(("path", "outbound", "gruu"))
RETRY_AFTER = 10  # seconds, while bindings can't be stored
LONGEST_CALL_ID = 256  # characters
LONGEST_USER_AGENT = 100  # characters that are kept

_NONE: frozenset[str] = frozenset()


class Registrar:
    """Registers phones.

    Args:
        authenticator: knows whom a request comes from.
        directory: gives the directory that is in force.
        domain: the domain of the GRUUs that are granted.
        on_event: is told what happened, after it did.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        bindings: Bindings,
        persistence: Persistence,
        directory: Callable[[], Directory],
        domain: str,
        on_event: Callable[[RegistrationEvent], None],
        policy: Policy | None = None,
    ) -> None:
        self._authenticator = authenticator
        self._bindings = bindings
        self._persistence = persistence
        self._directory = directory
        self._domain = domain
        self._on_event = on_event
        self._policy = Policy() if policy is None else policy
        self._connected: dict[Flow, set[str]] = {}
        self._date_second = 0
        self._date = ""

    def register(self, request: Request, flow: Flow, now: float) -> Response:
        """Does what a REGISTER asks for, if its sender may, and answers it.

        Args:
            flow: the network path that it came by.
            now: seconds of the Unix epoch.
        """
        try:
            if "Require" in request.headers:
                _check_required(request)
            account = self._authenticator.check(request, flow.remote, now)
            if isinstance(account, Response):
                return account
            return self._register(request, account, flow, now)
        except RegistrationRefused as refusal:
            return respond(request, refusal.status, refusal.reason, to_tag=token(), headers=refusal.headers)
        except ParseError as error:
            return respond(request, 400, error.reason, to_tag=token())

    def expire(self, now: float) -> list[Binding]:
        """Takes out the registrations that were not renewed in time; to be called every second."""
        ended = self._bindings.expire(now)
        for binding in ended:
            self._note_ended(binding)
        return ended

    def load(self, now: float, flow_for: FlowMaker) -> int:
        """Takes the stored registrations over at the start, before the first request. Their number."""
        found: dict[str, list[Binding]] = {}
        for binding in self._persistence.load(now, flow_for):
            device = self._authenticator.device(binding.sip_name)
            if device is None or device.number != binding.number:
                self._persistence.remove(binding)
                continue
            self._authenticator.trust(binding.source[0], now)
            found.setdefault(device.number, []).append(binding)
        for number, bindings in found.items():
            self._bindings.put(number, bindings)
        return sum([len(bindings) for bindings in found.values()])

    def flow_lost(self, flow: Flow, now: float) -> None:
        """A connection ended: tells of the phones that were registered by it."""
        for number in self._connected.pop(flow, ()):
            for binding in self._bindings.of(number, now):
                if binding.flow is flow:
                    self._on_event(Lost(number, binding.sip_name, binding.contact))

    def drop_removed(self, numbers: Collection[str], now: float) -> None:
        """Ends the registrations of accounts that the directory does not have any more.

        `numbers` are those that changed; none means that any may have.
        """
        for number in numbers or {binding.number for binding in self._bindings.all(now)}:
            kept: list[Binding] = []
            removed: list[Binding] = []
            for binding in self._bindings.of(number, now):
                device = self._authenticator.device(binding.sip_name)
                (removed if device is None or device.number != number else kept).append(binding)
            if removed:
                self._drop_ended(number, now)
                self._bindings.put(number, kept)
            for binding in removed:
                self._persistence.remove(binding)
                self._on_event(Unregistered(number, binding.sip_name, binding.contact))

    def _register(self, request: Request, account: Account, flow: Flow, now: float) -> Response:
        number = account.user.number
        self._check_to(request, number)
        supported = _option_tags(request, "Supported") if "Supported" in request.headers else _NONE
        wishes = wishes_of(request, self._policy, "outbound" in supported)
        cseq = request.cseq
        assert cseq is not None
        sip_name = account.device.sip_name
        change = Change(self._bindings.of(number, now), sip_name, request.call_id, cseq.number)
        if wishes is not None and not wishes:
            return self._accept(request, change.own(), supported, now)
        if not self._persistence.healthy:
            raise RegistrationRefused(503, "Storage Unavailable", headers=(("Retry-After", str(RETRY_AFTER)),))
        if len(request.call_id) > LONGEST_CALL_ID or "\0" in request.call_id:
            raise ParseError("Call-ID too long or with NUL")
        if wishes is None:
            change.remove_all()
        else:
            path = path_of(request, supported) if "Path" in request.headers else ()
            for wish in wishes:
                if wish.expires:
                    change.add(wish, self._binding(request, account, flow, now, wish, path, supported))
                else:
                    change.remove(wish)
            self._make_room(change)
        self._drop_ended(number, now)
        self._commit(number, change, flow)
        return self._accept(request, change.own(), supported, now)

    def _check_to(self, request: Request, number: str) -> None:
        """Raises RegistrationRefused where the registration is not the account's own (RFC 3261 §10.3 step 4, 5)."""
        part = user_part(request.headers["To"][0])
        if part == number:
            return
        directory = self._directory()
        named = number_of(part, directory)
        if named == number:
            return
        if named is None and directory.group(part) is None:
            raise RegistrationRefused(404)
        raise RegistrationRefused(403, "To Names Somebody Else")

    def _binding(
        self,
        request: Request,
        account: Account,
        flow: Flow,
        now: float,
        wish: Wish,
        path: tuple[str, ...],
        supported: Set[str],
    ) -> Binding:
        uri, expires, instance, reg_id, q = wish
        if reg_id is not None and lacks_outbound(request, path):
            raise RegistrationRefused(439)
        number = account.user.number
        cseq = request.cseq
        assert cseq is not None
        return Binding(
            number,
            account.device.sip_name,
            uri,
            instance,
            reg_id,
            q,
            path,
            request.call_id,
            cseq.number,
            now + expires,
            now,
            flow.transport,
            flow.remote,
            flow,
            _user_agent(request),
            public_gruu(number, self._domain, instance) if instance and "gruu" in supported else "",
        )

    def _make_room(self, change: Change) -> None:
        """Raises RegistrationRefused (403) where the number would have too many registrations that work."""
        excess = len(change.kept) + len(change.added) - self._policy.max_bindings
        if excess <= 0 or not change.added:
            return
        dead = [binding for binding in change.kept if route_of(binding) is None]
        if len(dead) < excess:
            raise RegistrationRefused(403, "Too Many Registrations")
        for binding in dead:
            change.kept.remove(binding)
            change.removed.append(binding)

    def _drop_ended(self, number: str, now: float) -> None:
        """What has ended since the last `expire`, before others take its place."""
        for binding in self._bindings.ended(number, now):
            self._note_ended(binding)

    def _note_ended(self, binding: Binding) -> None:
        self._persistence.remove(binding)
        self._on_event(Expired(binding.number, binding.sip_name, binding.contact))

    def _commit(self, number: str, change: Change, flow: Flow) -> None:
        for binding, before in change.added:
            # Most refreshes are told by the first two comparisons; only the last one builds texts.
            moved = before is not None and (before.contact != binding.contact or before.reg_id != binding.reg_id)
            if before is not None and moved and before.row_id != binding.row_id:
                self._persistence.remove(before)
        for binding in change.removed:
            self._persistence.remove(binding)
        for binding, _ in change.added:
            self._persistence.save(binding, flow)
        if flow.reliable and change.added:
            self._connected.setdefault(flow, set()).add(number)
        self._bindings.put(number, [*[binding for binding, _ in change.added], *change.kept])
        for binding in change.removed:
            self._on_event(Unregistered(binding.number, binding.sip_name, binding.contact))
        for binding, before in change.added:
            if before is None or before.contact != binding.contact or before.flow != binding.flow:
                self._on_event(Registered(number, binding.sip_name, binding.contact, binding.expires_at))
            if before is not None and before.contact != binding.contact:  # last, so that nobody sees the phone away
                self._on_event(Unregistered(number, before.sip_name, before.contact))

    def _accept(self, request: Request, own: list[Binding], supported: Set[str], now: float) -> Response:
        """200 with all bindings of the account (RFC 3261 §10.3 step 8)."""
        grants = "gruu" in supported
        headers = [("Contact", _contact(binding, now, grants)) for binding in own]
        headers.append(("Date", self._date_of(now)))
        for row in request.rows("Path"):
            headers.append(("Path", row))  # RFC 3327 §5.3
        if "outbound" in supported and any(binding.reg_id is not None for binding in own):
            headers.append(("Require", "outbound"))  # RFC 5626 §6
        return respond(request, 200, to_tag=token(), headers=headers)

    def _date_of(self, now: float) -> str:
        """The Date header, by which desk phones set their clocks."""
        second = int(now)
        if second != self._date_second:
            self._date_second, self._date = second, formatdate(second, usegmt=True)
        return self._date


def _contact(binding: Binding, now: float, grants_gruu: bool) -> str:
    parts = [f"<{binding.contact}>;expires={max(1, round(binding.expires_at - now))}"]
    if binding.q != 1.0:
        parts.append(f"q={binding.q:g}")
    if binding.instance is not None:
        parts.append(f"+sip.instance={quote(binding.instance)}")
    if binding.reg_id is not None:
        parts.append(f"reg-id={binding.reg_id}")
    if binding.gruu and grants_gruu:
        parts.append(f"pub-gruu={quote(binding.gruu)}")
    return ";".join(parts)


def _user_agent(request: Request) -> str:
    """The phone's name, one object for all phones of a make."""
    text = request.get("User-Agent")
    if not text:
        return ""
    if not text.isprintable():
        text = "".join([char for char in text if char.isprintable()])
    return sys.intern(text[:LONGEST_USER_AGENT])


def _check_required(request: Request) -> None:
    """Raises RegistrationRefused (420) where an extension is required that we don't have (RFC 3261 §8.2.2.3)."""
    unknown = sorted(_option_tags(request, "Require") - EXTENSIONS)
    if unknown:
        raise RegistrationRefused(420, headers=(("Unsupported", ", ".join(unknown)),))


def _option_tags(request: Request, name: str) -> set[str]:
    return {tag.lower() for tag in request.tokens(name)}
