"""How to reach a registered phone: on the flow that it registered by, or at an address.

Phones behind NAT name addresses in their Contact that lead nowhere, and nobody should be able to register
somebody else's. So an address of a Contact is used only where the REGISTER itself came from there.
"""

from dataclasses import dataclass

from pbx.registrar.bindings import Binding
from sip.transport.base import Flow
from sip.uri import SipUri

_CONNECTED_BY_US = ("UDP", "TCP", "TLS")  # nobody can connect to a browser (RFC 7118 §5)


@dataclass(slots=True, init=False)
class Route:
    """Send on `flow`; where it is None, to `host` and `port` over `transport` (RFC 3263 where port is None).

    `path` goes into Route headers (RFC 3327 §5.4). Never changed.
    """

    flow: Flow | None
    transport: str
    host: str
    port: int | None
    path: tuple[str, ...]

    # By hand: one that `dataclass` makes is not compiled, and every call has its route.
    def __init__(
        self, flow: Flow | None, transport: str, host: str, port: int | None, path: tuple[str, ...] = ()
    ) -> None:
        self.flow = flow
        self.transport = transport
        self.host = host
        self.port = port
        self.path = path


def targets_of(held: tuple[Binding, ...]) -> list[tuple[Binding, Route]]:
    """The phones that can be reached, in the order of their bindings, each by one way only.

    RFC 5626 §5.3: a phone with several flows is called on one of them at a time; we take the latest that works.
    """
    targets: list[tuple[Binding, Route]] = []
    phones: set[tuple[str, str | None]] = set()
    for binding in held:
        phone = (binding.sip_name, binding.instance)
        if binding.reg_id is not None and phone in phones:
            continue
        route = route_of(binding)
        if route is not None:
            targets.append((binding, route))
            if binding.reg_id is not None:
                phones.add(phone)
    return targets


def route_of(binding: Binding) -> Route | None:
    """The way to the phone, None when there is none. The Request-URI is the contact in any case."""
    flow = binding.flow
    if flow is not None and flow.closed:
        flow = None
    if binding.path:
        return _route_by_path(binding, flow)
    # RFC 5626 §5.3: a flow that failed is not replaced by another one to the same phone.
    if binding.reg_id is not None or binding.transport not in _CONNECTED_BY_US:
        return _on(flow)
    contact = SipUri.parse(binding.contact)
    host = contact.params.get("maddr", contact.host)
    transport = _transport_of(contact) or binding.transport
    if flow is not None and flow.reliable and flow.transport == transport:
        return _on(flow)
    if host == binding.source[0] and transport in _CONNECTED_BY_US:
        if flow is not None and flow.transport == transport and flow.remote == (host, contact.port or 5060):
            return _on(flow)
        return Route(None, transport, host, contact.port)
    return _on(flow)


def _route_by_path(binding: Binding, flow: Flow | None) -> Route | None:
    """To the proxy nearest to us: on its own connection while there is one, else at the address in its URI."""
    if flow is not None and flow.reliable:
        return Route(flow, flow.transport, flow.remote[0], flow.remote[1], binding.path)
    if binding.transport not in _CONNECTED_BY_US:
        return None
    proxy = SipUri.parse(binding.path[0])
    host = proxy.params.get("maddr", proxy.host)
    return Route(None, _transport_of(proxy) or "UDP", host, proxy.port, binding.path)


def _on(flow: Flow | None) -> Route | None:
    return None if flow is None else Route(flow, flow.transport, flow.remote[0], flow.remote[1])


def _transport_of(uri: SipUri) -> str:
    if uri.scheme == "sips":
        return "TLS"
    return uri.params.get("transport", "").upper()
