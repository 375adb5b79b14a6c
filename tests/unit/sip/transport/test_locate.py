"""From URIs to addresses."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from sip.errors import TransportError
from sip.transport import locate
from sip.transport.locate import FAILURE_KEPT_SECONDS, KEPT_SECONDS, Locator, Target
from sip.uri import SipUri
from tests.unit.sip.transport.peers import FakeClock


class Names:
    """A resolver with a table, which notes what it was asked."""

    def __init__(self, **table: list[str]) -> None:
        self.table = {name.replace("_", "."): addresses for name, addresses in table.items()}
        self.asked: list[str] = []

    async def __call__(self, name: str) -> list[str]:
        self.asked.append(name)
        if name not in self.table:
            raise OSError("no such name")
        return self.table[name]


def find(locator: Locator, uri: str) -> list[tuple[str, str, int]]:
    return [(t.transport, t.host, t.port) for t in asyncio.run(locator.find(SipUri.parse(uri)))]


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("sip:192.0.2.1", ("UDP", "192.0.2.1", 5060)),
        ("sip:101@192.0.2.1:5070", ("UDP", "192.0.2.1", 5070)),
        ("sip:[2001:DB8:0::1]", ("UDP", "2001:db8::1", 5060)),
        ("sip:192.0.2.1;transport=tcp", ("TCP", "192.0.2.1", 5060)),
        ("sip:192.0.2.1;transport=TLS", ("TLS", "192.0.2.1", 5061)),
        ("sip:192.0.2.1;transport=ws", ("WS", "192.0.2.1", 80)),
        ("sips:192.0.2.1", ("TLS", "192.0.2.1", 5061)),
        ("sips:192.0.2.1;transport=tcp", ("TLS", "192.0.2.1", 5061)),
        ("sips:192.0.2.1;transport=ws", ("WSS", "192.0.2.1", 443)),
        ("sips:192.0.2.1:5060", ("TLS", "192.0.2.1", 5060)),
        ("sip:example.org;maddr=192.0.2.7", ("UDP", "192.0.2.7", 5060)),
        ("sip:example.org;maddr=[2001:db8::7];transport=tcp", ("TCP", "2001:db8::7", 5060)),
    ],
)
def test_numeric_hosts_need_nobody_asked(uri: str, expected: tuple[str, str, int]) -> None:
    names = Names()
    locator = Locator(names, FakeClock())
    target = locator.at_once(SipUri.parse(uri))
    assert target == Target(*expected, name=SipUri.parse(uri).host)
    assert find(locator, uri) == [expected]
    assert names.asked == []


@pytest.mark.parametrize("uri", ["sip:192.0.2.1;transport=sctp", "sips:192.0.2.1;transport=udp", "sip:h;transport=x"])
def test_transport_that_we_do_not_have_is_an_error(uri: str) -> None:
    locator = Locator(Names(), FakeClock())
    with pytest.raises(TransportError, match=r"no .* transport"):
        locator.at_once(SipUri.parse(uri))
    with pytest.raises(TransportError, match=r"no .* transport"):
        find(locator, uri)


def test_name_gives_all_its_addresses_in_order() -> None:
    locator = Locator(Names(trunk_example_org=["2001:db8::1", "192.0.2.1"]), FakeClock())
    assert locator.at_once(SipUri.parse("sip:trunk.example.org")) is None
    assert find(locator, "sip:Trunk.Example.ORG.;transport=tcp") == [
        ("TCP", "2001:db8::1", 5060),
        ("TCP", "192.0.2.1", 5060),
    ]


def test_target_keeps_the_name_that_a_certificate_must_have() -> None:
    locator = Locator(Names(trunk_example_org=["192.0.2.1"]), FakeClock())
    (target,) = asyncio.run(locator.find(SipUri.parse("sips:trunk.example.org")))
    assert target == Target("TLS", "192.0.2.1", 5061, "trunk.example.org")


def test_answer_is_remembered_and_asked_for_again_when_it_is_old() -> None:
    clock, names = FakeClock(), Names(a_example=["192.0.2.1"])
    locator = Locator(names, clock)
    for _ in range(3):
        find(locator, "sip:a.example")
    clock.now += KEPT_SECONDS - 1
    find(locator, "sip:a.example")
    assert len(names.asked) == 1
    clock.now += 1
    names.table["a.example"] = ["192.0.2.2"]
    assert find(locator, "sip:a.example") == [("UDP", "192.0.2.2", 5060)]


def test_unknown_name_is_an_error_and_not_asked_for_at_once_again() -> None:
    clock, names = FakeClock(), Names()
    locator = Locator(names, clock)
    for _ in range(3):
        with pytest.raises(TransportError, match=r"a\.example has no address"):
            find(locator, "sip:a.example")
    assert len(names.asked) == 1
    clock.now += FAILURE_KEPT_SECONDS
    names.table["a.example"] = ["192.0.2.1"]
    assert find(locator, "sip:a.example") == [("UDP", "192.0.2.1", 5060)]


def test_memory_of_names_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locate, "MOST_KEPT", 3)
    names = Names(**{f"n{number}": ["192.0.2.1"] for number in range(5)})
    locator = Locator(names, FakeClock())
    for number in (0, 1, 2, 3, 4, 4, 0):
        find(locator, f"sip:n{number}")
    assert names.asked == ["n0", "n1", "n2", "n3", "n4", "n0"]


class SlowNames:
    """A resolver that answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer = asyncio.Event()

    async def __call__(self, name: str) -> list[str]:
        self.asked.append(name)
        await self.answer.wait()
        return ["192.0.2.1"]


def waiting(scenario: Callable[[Locator, SlowNames], Awaitable[None]]) -> None:
    async def run() -> None:
        names = SlowNames()
        await scenario(Locator(names, FakeClock()), names)

    asyncio.run(run())


def test_several_who_ask_for_one_name_share_one_lookup() -> None:
    async def scenario(locator: Locator, names: SlowNames) -> None:
        uri = SipUri.parse("sip:a.example")
        impatient, *others = [asyncio.ensure_future(locator.find(uri)) for _ in range(3)]
        await asyncio.sleep(0)
        impatient.cancel()
        names.answer.set()
        assert [len(await other) for other in others] == [1, 1]
        assert names.asked == ["a.example"]

    waiting(scenario)


def test_lookups_at_once_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locate, "MOST_LOOKUPS", 2)

    async def scenario(locator: Locator, names: SlowNames) -> None:
        pending = [asyncio.ensure_future(locator.find(SipUri.parse(f"sip:n{number}"))) for number in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(TransportError, match="too many names"):
            await locator.find(SipUri.parse("sip:n3"))
        names.answer.set()
        await asyncio.gather(*pending)
        assert len(await locator.find(SipUri.parse("sip:n3"))) == 1

    waiting(scenario)


def test_resolver_that_does_not_answer_counts_as_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locate, "LOOKUP_SECONDS", 0.01)

    async def scenario(locator: Locator, names: SlowNames) -> None:
        with pytest.raises(TransportError, match="has no address"):
            await locator.find(SipUri.parse("sip:a.example"))

    waiting(scenario)


@pytest.mark.parametrize("name", ["a" * 64 + ".example", "localhost"])
def test_system_resolver_is_asked_by_default(name: str) -> None:
    locator = Locator()
    if name == "localhost":
        hosts = {host for _, host, _ in find(locator, "sip:localhost")}
        assert hosts <= {"127.0.0.1", "::1"}
        assert hosts
    else:
        with pytest.raises(TransportError, match="has no address"):
            find(locator, f"sip:{name}")
