"""A person's presence, and the board that tells changes and nothing but changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbx.presence.state import Presence, PresenceBoard, PresenceChange, presence

PHONE = ("102", "102", "sip:102@10.0.0.7")


@pytest.mark.parametrize(
    ("on_the_phone", "dnd", "registered", "browsers", "expected"),
    [
        (False, False, False, [], Presence.OFFLINE),
        (False, False, True, [], Presence.AVAILABLE),
        (False, False, False, [True], Presence.AVAILABLE),
        (False, False, False, [False], Presence.AWAY),
        (False, False, True, [False], Presence.AWAY),
        (False, False, False, [False, True], Presence.AVAILABLE),
        (False, True, True, [], Presence.DND),
        (False, True, False, [False], Presence.DND),
        (False, True, False, [], Presence.OFFLINE),
        (True, False, True, [False], Presence.ON_THE_PHONE),
        (True, True, False, [], Presence.ON_THE_PHONE),
    ],
)
def test_presence_follows_from_what_is_known(
    on_the_phone: bool, dnd: bool, registered: bool, browsers: list[bool], expected: Presence
) -> None:
    found = presence(on_the_phone=on_the_phone, do_not_disturb=dnd, registered=registered, browsers=browsers)
    assert found is expected


def test_second_phone_is_no_change() -> None:
    board = PresenceBoard()
    assert board.registered(*PHONE, now=1.0) == [PresenceChange("102", Presence.AVAILABLE, 1.0)]
    assert board.registered("102", "102-k3fw", "sip:102@10.0.0.8", now=2.0) == []
    assert board.unregistered(*PHONE, now=3.0) == []
    assert board.of("102") == (Presence.AVAILABLE, 1.0)
    assert board.phones("102") == {"102-k3fw"}


def test_call_changes_all_its_parties_and_its_end_gives_them_back() -> None:
    board = PresenceBoard()
    board.registered(*PHONE, now=1.0)
    assert board.call("a", ["101"], now=2.0) == [PresenceChange("101", Presence.ON_THE_PHONE, 2.0)]
    assert board.call("a", ["101", "102"], now=3.0) == [PresenceChange("102", Presence.ON_THE_PHONE, 3.0)]
    ended = board.call("a", [], now=4.0)
    assert sorted((change.number, change.presence) for change in ended) == [
        ("101", Presence.OFFLINE),
        ("102", Presence.AVAILABLE),
    ]


def test_person_in_two_calls_is_on_the_phone_until_both_have_ended() -> None:
    board = PresenceBoard()
    board.call("a", ["101"], now=1.0)
    board.call("b", ["101"], now=2.0)
    assert board.call("a", [], now=3.0) == []
    assert board.call("b", [], now=4.0) == [PresenceChange("101", Presence.OFFLINE, 4.0)]


def test_unknown_person_is_offline_since_nobody_knows_when() -> None:
    assert PresenceBoard().of("999") == (Presence.OFFLINE, None)


numbers = st.sampled_from(["101", "102", "103"])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("registered"), numbers, st.sampled_from(["a", "b"])),
        st.tuples(st.just("unregistered"), numbers, st.sampled_from(["a", "b"])),
        st.tuples(st.just("call"), st.sampled_from(["x", "y"]), st.sets(numbers)),
        st.tuples(st.just("browser"), numbers, st.booleans()),
        st.tuples(st.just("gone"), numbers, st.just(None)),
        st.tuples(st.just("dnd"), st.sets(numbers), st.just(None)),
    ),
    max_size=30,
)


@given(steps)
def test_changes_added_to_a_snapshot_give_the_state(taken: list[tuple[str, object, object]]) -> None:
    """Whoever fetched everybody once and heard every change since knows what a new fetch would say."""
    board, known = PresenceBoard(), {}
    for place, (kind, what, more) in enumerate(taken):
        now = float(place + 1)
        match kind:
            case "registered":
                changes = board.registered(str(what), str(more), "c", now)
            case "unregistered":
                changes = board.unregistered(str(what), str(more), "c", now)
            case "call":
                changes = board.call(str(what), more, now)  # type: ignore[arg-type]
            case "browser":
                changes = board.browser(str(what), "b", active=bool(more), now=now)
            case "gone":
                changes = board.browser_gone(str(what), "b", now)
            case _:
                changes = board.do_not_disturb(what, now)  # type: ignore[arg-type]
        for change in changes:
            assert known.get(change.number, Presence.OFFLINE) is not change.presence, "no change"
            known[change.number] = change.presence
    for number in ("101", "102", "103"):
        assert board.of(number)[0] is known.get(number, Presence.OFFLINE)


@given(st.sets(numbers), st.sets(numbers), st.sets(numbers), st.sets(numbers))
def test_resync_leads_to_the_same_state_as_a_fresh_start(
    phones_before: set[str], calls_before: set[str], phones: set[str], calls: set[str]
) -> None:
    board, fresh = PresenceBoard(), PresenceBoard()
    board.resync([(number, number, "c") for number in phones_before], {"x": calls_before}, 1.0)
    board.resync([(number, number, "c") for number in phones], {"y": calls}, 2.0)
    fresh.resync([(number, number, "c") for number in phones], {"y": calls}, 2.0)
    for number in ("101", "102", "103"):
        assert board.of(number)[0] is fresh.of(number)[0]
        assert board.phones(number) == fresh.phones(number)
