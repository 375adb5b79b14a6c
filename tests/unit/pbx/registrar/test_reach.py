"""By which way a phone is reached."""

import pytest

from pbx.registrar.bindings import Binding
from pbx.registrar.reach import Route, route_of, targets_of
from tests.unit.pbx.registrar.phones import NOW, FakeFlow

SOURCE = ("192.0.2.10", 40_000)


def registered(
    contact: str, transport: str, *, flow: str = "open", reg_id: int | None = None, path: tuple[str, ...] = ()
) -> Binding:
    """A binding whose REGISTER came from SOURCE; `flow` is open, closed, or none (after a restart)."""
    made = None if flow == "none" else FakeFlow(transport, SOURCE, closed=flow == "closed")
    instance = None if reg_id is None else "<urn:1>"
    return Binding(
        "101", "101", contact, instance, reg_id, 1.0, path, "c", 1, NOW, NOW, transport, SOURCE, made, "", ""
    )


FLOW = "its flow"


@pytest.mark.parametrize(
    ("contact", "transport", "flow", "expected"),
    [
        pytest.param("sip:101@192.0.2.10", "UDP", "open", ("UDP", "192.0.2.10", None), id="UDP, its own address"),
        ("sip:101@192.0.2.10:40000", "UDP", "open", FLOW),
        ("sip:101@192.0.2.10:5070", "UDP", "none", ("UDP", "192.0.2.10", 5070)),
        pytest.param("sip:101@10.0.0.5:5060", "UDP", "open", FLOW, id="UDP behind NAT"),
        pytest.param("sip:101@phone.example", "UDP", "open", FLOW, id="UDP, a name that may lead anywhere"),
        pytest.param("sip:101@192.0.2.10;maddr=198.51.100.1", "UDP", "open", FLOW, id="maddr elsewhere"),
        ("sip:101@10.0.0.5:5060", "UDP", "none", None),
        pytest.param("sip:101@192.0.2.10;transport=tcp", "TCP", "open", FLOW, id="TCP while connected"),
        ("sip:101@192.0.2.10;transport=tcp", "TCP", "closed", ("TCP", "192.0.2.10", None)),
        ("sip:101@192.0.2.10:5070;transport=TCP", "TCP", "none", ("TCP", "192.0.2.10", 5070)),
        pytest.param("sip:101@10.0.0.5;transport=tcp", "TCP", "open", FLOW, id="TCP behind NAT while connected"),
        pytest.param("sip:101@10.0.0.5;transport=tcp", "TCP", "closed", None, id="TCP behind NAT, connection gone"),
        pytest.param("sip:101@192.0.2.10", "TCP", "open", FLOW, id="TCP, contact without transport"),
        ("sip:101@192.0.2.10", "TCP", "none", ("TCP", "192.0.2.10", None)),
        ("sips:101@192.0.2.10", "TLS", "open", FLOW),
        ("sips:101@192.0.2.10:5061", "TLS", "closed", ("TLS", "192.0.2.10", 5061)),
        pytest.param(
            "sip:101@192.0.2.10;transport=tcp", "UDP", "open", ("TCP", "192.0.2.10", None), id="TCP asked by UDP"
        ),
        pytest.param("sip:101@10.0.0.5;transport=tcp", "UDP", "open", FLOW, id="TCP asked by UDP behind NAT"),
        pytest.param("sip:x@abc.invalid;transport=ws", "WS", "open", FLOW, id="browser"),
        pytest.param("sip:x@192.0.2.10;transport=ws", "WSS", "closed", None, id="browser that left"),
        ("sip:x@192.0.2.10;transport=wss", "WSS", "none", None),
        pytest.param("sip:101@192.0.2.10;transport=sctp", "UDP", "open", FLOW, id="transport that we don't have"),
        ("sip:101@192.0.2.10;transport=ws", "TCP", "closed", None),
    ],
)
def test_phone_is_reached_where_it_can_be(
    contact: str, transport: str, flow: str, expected: tuple[str, str, int | None] | str | None
) -> None:
    binding = registered(contact, transport, flow=flow)
    route = route_of(binding)
    if expected == FLOW:
        assert route == Route(binding.flow, transport, *SOURCE)
    elif expected is None:
        assert route is None
    else:
        assert isinstance(expected, tuple)
        assert route == Route(None, *expected)


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_outbound_uses_its_flow_and_nothing_else(transport: str) -> None:
    contact = "sip:101@192.0.2.10:5060"
    binding = registered(contact, transport, reg_id=1)
    assert route_of(binding) == Route(binding.flow, transport, *SOURCE)
    assert route_of(registered(contact, transport, reg_id=1, flow="closed")) is None


PATH = ("sip:edge.example;lr", "sip:far.example:5070;transport=tls;lr")


@pytest.mark.parametrize(
    ("path", "transport", "flow", "expected"),
    [
        (PATH, "UDP", "open", ("UDP", "edge.example", None)),
        (PATH, "TCP", "open", FLOW),
        (PATH, "TCP", "closed", ("UDP", "edge.example", None)),
        (PATH[::-1], "TCP", "none", ("TLS", "far.example", 5070)),
        (("sips:edge.example;lr",), "UDP", "open", ("TLS", "edge.example", None)),
        (("sip:edge.example;maddr=192.0.2.77;lr",), "UDP", "open", ("UDP", "192.0.2.77", None)),
        (PATH, "WSS", "open", FLOW),
        (PATH, "WSS", "closed", None),
    ],
)
def test_path_leads_to_its_first_proxy(
    path: tuple[str, ...], transport: str, flow: str, expected: tuple[str, str, int | None] | str | None
) -> None:
    binding = registered("sip:101@10.0.0.5", transport, flow=flow, path=path, reg_id=1)
    route = route_of(binding)
    if expected == FLOW:
        assert route == Route(binding.flow, transport, *SOURCE, path)
    elif expected is None:
        assert route is None
    else:
        assert isinstance(expected, tuple)
        assert route == Route(None, *expected, path)


def test_phone_with_several_flows_is_called_on_one_that_works() -> None:
    dead = registered("sip:a@192.0.2.10", "TCP", reg_id=3, flow="closed")
    second = registered("sip:b@192.0.2.10", "TCP", reg_id=2)
    first = registered("sip:c@192.0.2.10", "TCP", reg_id=1)
    without = [registered(f"sip:{name}@10.0.0.5", "UDP") for name in "de"]
    targets = targets_of((dead, second, first, *without))
    assert [binding for binding, _ in targets] == [second, *without]
    assert [route.flow for _, route in targets] == [second.flow, *[binding.flow for binding in without]]


def test_phones_that_cannot_be_reached_are_no_targets() -> None:
    assert targets_of((registered("sip:x@abc.invalid", "WSS", flow="closed"),)) == []
