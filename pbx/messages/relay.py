"""Passes a MESSAGE to every phone of its receiver; what no phone takes waits in storage."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pbx.calls.invitation import identity
from pbx.calls.manager import dialled_number
from pbx.calls.switch import Switch
from pbx.messages.inbox import SipInbox
from pbx.messages.waiting import WaitingMessage, WaitingMessages
from pbx.registrar.accounts import is_browser
from pbx.registrar.authenticator import Account, Authenticator
from sip.errors import ParseError, TransportError
from sip.fields import CSeq
from sip.identifiers import token
from sip.message import Request, Response, respond
from sip.transaction.server import ServerTransaction
from sip.transport.base import Flow
from sip.uri import Uri

if TYPE_CHECKING:
    from pbx.registrar.bindings import Binding

LARGEST = 65_536  # octets; RFC 3428 §8 keeps to 1300 where the path is unknown, streams carry more


class MessageRelay:
    """`now` gives seconds of the Unix epoch; `inbox` is where chat takes messages from, None without chat."""

    def __init__(
        self,
        switch: Switch,
        authenticator: Authenticator,
        waiting: WaitingMessages,
        now: Callable[[], float],
        inbox: SipInbox | None = None,
    ) -> None:
        self._switch = switch
        self._authenticator = authenticator
        self._waiting = waiting
        self._now = now
        self._inbox = inbox

    def message(self, request: Request, flow: Flow, uri: Uri) -> None:
        """A MESSAGE outside any dialog. Raises ParseError."""
        endpoint, directory = self._switch.endpoint, self._switch.directory()
        now = self._now()
        account = self._authenticator.check(request, flow.remote, now, proxy=True)
        if not isinstance(account, Account):
            endpoint.reply(request, flow, account)
            return
        number = dialled_number(uri, self._switch)
        group = directory.group(number) if number is not None else None
        receivers = [one for one in group.members if directory.user(one)] if group is not None else [number or ""]
        if len(request.body) > LARGEST:
            endpoint.reply(request, flow, respond(request, 413))
        elif request.body and "Content-Type" not in request.headers:
            endpoint.reply(request, flow, respond(request, 400, "Content-Type Missing"))
        elif "\0" in (request.get("Content-Type") or ""):  # which no database takes as text
            endpoint.reply(request, flow, respond(request, 400, "Malformed Content-Type"))
        elif (request.get("Content-Encoding") or "identity").strip().lower() != "identity":
            endpoint.reply(request, flow, respond(request, 415, headers=[("Accept-Encoding", "identity")]))
        elif request.max_forwards == 0:
            endpoint.reply(request, flow, respond(request, 483))
        elif not receivers or any(directory.user(one) is None for one in receivers):
            endpoint.reply(request, flow, respond(request, 404))
        elif not self._waiting.healthy:
            endpoint.reply(request, flow, respond(request, 503, headers=[("Retry-After", "30")]))
        else:
            transaction = endpoint.serve(request, flow)
            delivery = _Delivery(self._switch, request, transaction, len(receivers))
            for receiver in receivers:
                self._send(request, account, receiver, now, delivery)

    def _send(self, request: Request, account: Account, number: str, now: float, delivery: _Delivery) -> None:
        message = WaitingMessage(
            id=token(),
            to_number=number,
            from_number=account.user.number,
            content_type=request.get("Content-Type") or "text/plain",
            body=request.body,
            received_at=now,
        )

        in_chat = False
        if self._inbox is not None and message.content_type.partition(";")[0].strip().lower() == "text/plain":
            self._inbox.put(message)
            in_chat = True

        def delivered(taken: bool) -> None:
            kept = taken or (self._is_there(number) and (self._waiting.keep(message) or in_chat))
            delivery.one(kept, waits=not taken)

        self._to_phones(message, delivered)

    def say(self, sender: str, receiver: str, text: str, message_id: str) -> int:
        """Sends what was said in chat to the phones of the receiver, whose number is returned. Nobody waits for them:
        who is offline reads it in chat."""
        message = WaitingMessage(
            id=message_id,
            to_number=receiver,
            from_number=sender,
            content_type="text/plain;charset=UTF-8",
            body=text.encode(),
            received_at=self._now(),
        )
        return self._to_phones(message, lambda _: None)

    def registered(self, number: str) -> None:
        """A phone of this number has registered: what waited for it is sent, oldest first."""
        for message in self._waiting.take(number):
            self._to_phones(message, self._settled(message))

    def _settled(self, message: WaitingMessage) -> Callable[[bool], None]:
        def settled(taken: bool) -> None:
            if taken or not self._is_there(message.to_number):
                self._waiting.forget(message)
            else:
                self._waiting.put_back(message)

        return settled

    def _is_there(self, number: str) -> bool:
        """Whether a user still has the number: trying the phones takes half a minute."""
        return self._switch.directory().user(number) is not None

    def _to_phones(self, message: WaitingMessage, done: Callable[[bool], None]) -> int:
        """Sends to every phone, and tells to how many; `done` hears whether one of them took it.

        Browsers have it in chat.
        """
        number = message.to_number
        phones = self._phones(number)

        def over(taken: bool) -> None:
            done(taken)
            if taken:
                return
            tried = {_place(binding) for binding, _ in phones}
            if any(_place(binding) not in tried for binding, _ in self._phones(number)):
                self.registered(number)  # one came while the others were tried, and was told nothing

        pending = _Pending(over)
        for binding, flow in phones:
            pending.count += 1
            self._switch.endpoint.request(self._request(message, binding), flow, pending.answered)
        pending.started()
        return len(phones)

    def _phones(self, number: str) -> list[tuple[Binding, Flow]]:
        """The phones of a number that can be reached, each with the way to it."""
        found = []
        for binding in self._switch.phones_of(number):
            if is_browser(binding.sip_name):
                continue
            try:
                flow = self._switch.route_of(binding)
            except (ParseError, TransportError):
                continue
            if flow is not None:
                found.append((binding, flow))
        return found

    def _request(self, message: WaitingMessage, binding: Binding) -> Request:
        switch = self._switch
        sender = identity(switch, message.from_number, switch.name_of(message.from_number))
        headers = {
            "Max-Forwards": ["70"],
            "From": [f"{sender};tag={token()}"],
            "To": [f"<{switch.address_of(message.to_number)}>"],
            "Call-ID": [token() + switch.call_id_suffix],
            "CSeq": ["1 MESSAGE"],
            "P-Asserted-Identity": [sender],
            "Content-Type": [message.content_type],
        }
        if binding.path:
            headers["Route"] = [f"<{path}>" for path in binding.path]
        request = Request("MESSAGE", binding.contact, headers, message.body)
        request.cseq = CSeq(1, "MESSAGE")
        return request


def _place(binding: Binding) -> tuple[str, Flow | None]:
    """What is another one once a phone has come anew."""
    return binding.contact, binding.flow


class _Pending:
    """The phones that have not answered yet; one that takes the message is enough."""

    __slots__ = ("_begun", "_done", "count", "taken")

    def __init__(self, done: Callable[[bool], None]) -> None:
        self.count = 0
        self.taken = False
        self._begun = False
        self._done = done

    def started(self) -> None:
        self._begun = True
        if self.count == 0 and not self.taken:
            self._done(False)

    def answered(self, response: Response) -> None:
        if response.status < 200 or self.taken:
            return
        self.count -= 1
        if response.status < 300:
            self.taken = True
            self._done(True)
        elif self.count == 0 and self._begun:
            self._done(False)


class _Delivery:
    """The sender's answer: 200 when a phone has it, 202 when it waits (RFC 3428 §7), 480 when it can't even wait."""

    __slots__ = ("_left", "_ok", "_request", "_switch", "_transaction", "_waits")

    def __init__(self, switch: Switch, request: Request, transaction: ServerTransaction, receivers: int) -> None:
        self._switch = switch
        self._request = request
        self._transaction = transaction
        self._left = receivers
        self._ok = True
        self._waits = False

    def one(self, kept: bool, *, waits: bool) -> None:
        """One receiver's part is done."""
        self._left -= 1
        self._ok = self._ok and kept
        self._waits = self._waits or waits
        if self._left == 0:
            status = 480 if not self._ok else 202 if self._waits else 200
            self._switch.endpoint.respond(self._transaction, respond(self._request, status, to_tag=token()))
