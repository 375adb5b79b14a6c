"""Changes of presence go out together: how many events, of whom, and what they say last."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from pbx.presence.state import Presence
from web.auth.sessions import SignedIn
from web.live.browsers import Browsers
from web.live.presence import GATHER, LONGEST, MOST, LivePresence
from web.live.rooms import Rooms

BEGIN = 1_800_000_000.0  # seconds of the Unix epoch
ANNA = SignedIn("101", "Anna", "user", "session", b"hash", datetime.fromtimestamp(BEGIN, UTC))


class Later:
    """Work that is due after a while: done when the test says so."""

    def __init__(self) -> None:
        self.due: list[tuple[float, Callable[[], object]]] = []

    def __call__(self, seconds: float, work: Callable[[], object]) -> None:
        self.due.append((seconds, work))

    def passes(self) -> None:
        """The time of all that is due has come."""
        due, self.due = self.due, []
        for _, work in due:
            work()


class Ears:
    """Hears what is sent to everyone."""

    def __init__(self) -> None:
        self.events: list[list[tuple[str, str, str]]] = []

    def emit(self, event: str, *args: Any, **options: Any) -> None:
        assert (args[0]["type"], options["to"]) == ("presence.changed", "everyone")
        people = args[0]["data"]["people"]
        self.events.append([(one["number"], one["presence"], one["since"]) for one in people])

    @property
    def told(self) -> list[list[tuple[str, str]]]:
        """Who has which presence, by event."""
        return [[(number, presence) for number, presence, _ in event] for event in self.events]


class Clock:
    now = BEGIN

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def later() -> Later:
    return Later()


@pytest.fixture
def ears() -> Ears:
    return Ears()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def browsers() -> Browsers:
    found = Browsers()
    found.add("a browser", ANNA)
    return found


@pytest.fixture
def presence(later: Later, ears: Ears, clock: Clock, browsers: Browsers) -> LivePresence:
    return LivePresence(Rooms(ears, browsers), clock, later)


def test_changes_of_a_moment_are_one_event(presence: LivePresence, later: Later, ears: Ears) -> None:
    for number in ("102", "103"):
        presence.browser(number, f"browser of {number}", active=True)
    presence.call("a", ["104", "105"])
    assert [seconds for seconds, _ in later.due] == [pytest.approx(GATHER, rel=0.01)]
    assert ears.events == []
    later.passes()
    (event,) = ears.told
    assert event[:2] == [("102", "available"), ("103", "available")]
    assert sorted(event[2:]) == [("104", "on-the-phone"), ("105", "on-the-phone")]
    presence.call("a", [])
    later.passes()
    assert sorted(ears.told[1]) == [("104", "offline"), ("105", "offline")]


def test_more_browsers_are_told_less_often_but_within_a_second(
    presence: LivePresence, later: Later, browsers: Browsers
) -> None:
    for place in range(20_000):
        browsers.add(str(place), ANNA)
        if place in (1_999, 19_999):
            presence.browser("102", str(place), active=True)
            presence.browser("102", str(place), active=False)
            presence.browser_gone("102", str(place))
            (seconds,) = [seconds for seconds, _ in later.due]
            assert GATHER < seconds <= LONGEST
            later.passes()
    assert seconds == LONGEST


def test_last_of_several_changes_is_told_with_its_time(
    presence: LivePresence, later: Later, ears: Ears, clock: Clock
) -> None:
    presence.browser("102", "his", active=True)
    clock.now = BEGIN + 0.25
    presence.browser("102", "his", active=False)
    later.passes()
    assert ears.told == [[("102", "away")]]
    assert datetime.fromisoformat(ears.events[0][0][2]) == datetime.fromtimestamp(BEGIN + 0.25, UTC)


def test_somebody_who_is_back_where_he_was_is_not_told_of(presence: LivePresence, later: Later, ears: Ears) -> None:
    presence.browser("102", "his", active=True)
    later.passes()
    presence.browser_gone("102", "his")
    presence.browser("102", "the same page, loaded again", active=True)
    presence.browser("103", "hers", active=True)
    presence.browser_gone("103", "hers")
    later.passes()
    assert ears.told == [[("102", "available")]]


def test_whoever_has_read_a_state_that_was_not_told_hears_what_became_of_it(
    presence: LivePresence, later: Later, ears: Ears
) -> None:
    presence.browser("102", "his", active=True)
    presence.browser("103", "hers", active=True)
    assert presence.of("102")[0] is Presence.AVAILABLE
    presence.browser_gone("102", "his")
    presence.browser_gone("103", "hers")
    later.passes()
    assert ears.told == [[("102", "offline")]]


def test_what_changes_while_nobody_is_there_is_not_told_later(
    presence: LivePresence, later: Later, ears: Ears, browsers: Browsers
) -> None:
    browsers.remove("a browser")
    presence.registered("102", "102", "sip:102@10.0.0.7")
    later.passes()
    browsers.add("another browser", ANNA)
    presence.registered("102", "102", "sip:102@10.0.0.8")
    presence.call("a", ["102"])
    presence.call("a", [])
    later.passes()
    assert ears.events == []


def test_many_changes_are_events_that_a_socket_takes_at_once(presence: LivePresence, later: Later, ears: Ears) -> None:
    numbers = [str(number) for number in range(1000, 1000 + 2 * MOST + 1)]
    presence.resync([(number, number, "sip:x@10.0.0.7") for number in numbers], {})
    later.passes()
    assert [len(event) for event in ears.events] == [MOST, MOST, 1]
    assert [number for event in ears.events for number, _, _ in event] == numbers
