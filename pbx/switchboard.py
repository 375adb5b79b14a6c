"""The transaction user: gives every request to the part of the PBX that it is for (RFC 3261 §8.2)."""

from __future__ import annotations

from collections.abc import Callable

from pbx.calls.admission import unsupported
from pbx.calls.manager import CallManager
from pbx.calls.switch import EXTENSIONS, METHODS
from pbx.messages.relay import MessageRelay
from pbx.registrar.registrar import Registrar
from sip.endpoint import Endpoint
from sip.message import Request, respond
from sip.transport.base import Flow
from sip.uri import OtherUri

# What a dialog or a call has, but nobody may send outside of one.
_NEED_DIALOG = frozenset(("BYE", "INFO", "PRACK", "UPDATE", "NOTIFY"))
_EVENTS = frozenset(("SUBSCRIBE", "PUBLISH"))
_ALLOW = ("Allow", METHODS + ", REGISTER")


class Switchboard:
    """`now` gives seconds of the Unix epoch."""

    def __init__(
        self,
        endpoint: Endpoint,
        registrar: Registrar,
        calls: CallManager,
        messages: MessageRelay,
        now: Callable[[], float],
    ) -> None:
        self._endpoint = endpoint
        self._registrar = registrar
        self._calls = calls
        self._messages = messages
        self._now = now

    def flow_lost(self, flow: Flow) -> None:
        """A connection ended."""
        self._registrar.flow_lost(flow, self._now())

    def request(self, request: Request, flow: Flow) -> None:
        """A new request. Raises ParseError for what turns out malformed."""
        method, endpoint = request.method, self._endpoint
        if method == "REGISTER":
            self._register(request, flow)
            return
        if method == "CANCEL":
            self._calls.cancel(request, flow)
            return
        refusal = unsupported(request)
        if refusal is not None:
            endpoint.reply(request, flow, refusal)
            return
        if request.to_tag:
            self._calls.within_dialog(request, flow)
            return
        uri = request.parsed_uri()
        if isinstance(uri, OtherUri):
            endpoint.reply(request, flow, respond(request, 416))
        elif method == "INVITE":
            self._calls.invite(request, flow, self._now(), uri)
        elif method == "MESSAGE":
            self._messages.message(request, flow, uri)
        elif method == "OPTIONS":
            self._options(request, flow)
        elif method in _NEED_DIALOG:
            endpoint.reply(request, flow, respond(request, 481))
        elif method in _EVENTS:
            endpoint.reply(request, flow, respond(request, 489, headers=[("Allow-Events", "refer")]))
        elif method == "REFER":
            endpoint.reply(request, flow, respond(request, 403, "REFER Needs a Call"))
        else:
            endpoint.reply(request, flow, respond(request, 501, headers=[_ALLOW]))

    def ack(self, ack: Request, flow: Flow) -> None:
        """The ACK of a 2xx."""
        del flow
        self._calls.ack(ack)

    def _register(self, request: Request, flow: Flow) -> None:
        response = self._registrar.register(request, flow, self._now())
        # A challenge keeps no state (§26.3.2.4); what changed the bindings is repeated, not done again.
        if response.status in (401, 403, 480):
            self._endpoint.reply(request, flow, response)
        else:
            self._endpoint.respond(self._endpoint.serve(request, flow), response)

    def _options(self, request: Request, flow: Flow) -> None:
        headers = [_ALLOW, ("Accept", "application/sdp"), ("Supported", EXTENSIONS + ", path, outbound, gruu")]
        self._endpoint.reply(request, flow, respond(request, 200, headers=headers))
