"""What is registered: in which order, until when, and how little of it stays afterwards."""

from pbx.registrar.bindings import Binding, Bindings
from tests.unit.pbx.registrar.phones import NOW, FakeFlow


def binding(
    contact: str = "sip:101@192.0.2.10",
    *,
    number: str = "101",
    expires: float = 60,
    q: float = 1.0,
    updated: float = NOW,
    instance: str | None = None,
    gruu: str = "",
) -> Binding:
    flow = FakeFlow()
    return Binding(
        number,
        number,
        contact,
        instance,
        None,
        q,
        (),
        "call",
        1,
        NOW + expires,
        updated,
        "UDP",
        flow.remote,
        flow,
        "",
        gruu,
    )


def test_preferred_contact_is_first_and_among_equals_the_latest() -> None:
    bindings = Bindings()
    low, old, new = binding("a", q=0.5, updated=NOW + 9), binding("b", updated=NOW), binding("c", updated=NOW + 1)
    bindings.put("101", [old, low, new])
    assert bindings.of("101", NOW) == (new, old, low)


def test_binding_counts_until_its_last_moment() -> None:
    bindings = Bindings()
    short, long = binding("a", expires=60), binding("b", expires=61)
    bindings.put("101", [short, long])
    assert bindings.of("101", NOW + 59.9) == (short, long)
    assert bindings.of("101", NOW + 60) == (long,)
    assert list(bindings.all(NOW + 60)) == [long]
    assert bindings.of("101", NOW + 61) == ()
    assert bindings.of("102", NOW) == ()


def test_each_binding_expires_once() -> None:
    bindings = Bindings()
    first, second, third = binding("a", expires=60), binding("b", expires=90), binding(number="102", expires=60)
    bindings.put("101", [first, second])
    bindings.put("102", [third])
    assert bindings.expire(NOW + 59) == []
    assert bindings.expire(NOW + 60) == [first, third]
    assert bindings.expire(NOW + 61) == []
    assert bindings.of("101", NOW + 61) == (second,)
    assert bindings.expire(NOW + 10_000) == [second]


def test_refreshed_binding_does_not_expire_at_its_old_time() -> None:
    bindings = Bindings()
    bindings.put("101", [binding(expires=60)])
    fresh = binding(expires=3600)
    bindings.put("101", [fresh])
    assert bindings.expire(NOW + 100) == []
    assert bindings.expire(NOW + 3600) == [fresh]


def test_shortened_binding_expires_at_its_new_time_and_only_then() -> None:
    bindings = Bindings()
    bindings.put("101", [binding(expires=3600)])
    short = binding(expires=60)
    bindings.put("101", [short])
    assert bindings.expire(NOW + 60) == [short]
    assert bindings.expire(NOW + 3600) == []


def test_removed_binding_does_not_expire() -> None:
    bindings = Bindings()
    bindings.put("101", [binding()])
    bindings.put("101", [])
    assert bindings.of("101", NOW) == ()
    assert bindings.expire(NOW + 100) == []


def test_clock_that_jumps_is_followed_at_once() -> None:
    bindings = Bindings()
    first = binding(expires=60)
    bindings.put("101", [first])
    assert bindings.expire(NOW + 1) == []
    assert bindings.expire(NOW - 1_000_000) == []
    early = binding(number="102", expires=60 - 1_000_000)
    bindings.put("102", [early])
    assert bindings.expire(NOW - 1_000_000 + 60) == [early]
    assert bindings.expire(NOW + 1_000_000_000) == [first]


def test_nothing_is_left_of_phones_that_come_and_go() -> None:
    bindings = Bindings()
    now = NOW
    for _ in range(1000):
        for number in ("101", "102", "103"):
            bindings.put(number, [binding(number=number, expires=now - NOW + 3600)])
            bindings.put(number, [binding(number=number, expires=now - NOW + 60)])
            bindings.put(number, [])
        now += 1
        bindings.expire(now)
    waiting = sum(len(lines) for lines in bindings._wakes.values())
    assert waiting <= 3 * 60
    bindings.expire(now + 4000)
    assert (bindings._lines, bindings._wakes) == ({}, {})


def test_source_is_known_by_account_address_and_port() -> None:
    bindings = Bindings()
    bindings.put("101", [binding()])
    assert bindings.came_from("101", "101", ("192.0.2.10", 5060))
    assert not bindings.came_from("101", "101", ("192.0.2.10", 5061))
    assert not bindings.came_from("101", "101-a1b2", ("192.0.2.10", 5060))
    assert not bindings.came_from("102", "102", ("192.0.2.10", 5060))


def test_gruu_finds_its_phone_only_while_it_is_granted() -> None:
    bindings = Bindings()
    granted = binding("a", instance="<urn:1>", gruu="sip:101@pbx;gr=urn:1", expires=60)
    bindings.put("101", [granted, binding("b", instance="<urn:2>"), binding("c")])
    assert bindings.with_gruu("101", "<urn:1>", NOW) == (granted,)
    assert bindings.with_gruu("101", "<urn:2>", NOW) == ()
    assert bindings.with_gruu("101", "<urn:1>", NOW + 60) == ()
