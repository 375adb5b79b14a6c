"""Timers: one queue per duration, run in the order of time."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.timers import TimerQueues, Timers


def test_timers_run_once_when_they_are_due_the_earliest_first() -> None:
    queues, run = TimerQueues(), list[Any]()
    queues.start(0.0, 5.0, run.append, "five")
    queues.start(1.0, 0.5, run.append, "half")
    queues.start(2.0, 0.5, run.append, "later half")
    assert (len(queues), queues.next_deadline()) == (3, 1.5)
    queues.run(1.4)
    assert run == []
    queues.run(2.5)
    assert run == ["half", "later half"]
    queues.run(100.0)
    queues.run(200.0)
    assert run == ["half", "later half", "five"]
    assert (len(queues), queues.next_deadline()) == (0, None)


def test_cancelled_timer_does_not_run_and_is_forgotten() -> None:
    queues, run = TimerQueues(), list[Any]()
    first = queues.start(0.0, 1.0, run.append, "first")
    queues.start(0.5, 1.0, run.append, "second")
    first.cancel()
    assert queues.next_deadline() == 1.5
    assert len(queues) == 1
    queues.run(2.0)
    assert run == ["second"]


def test_timer_may_cancel_another_that_is_due_as_well() -> None:
    queues, run = TimerQueues(), list[Any]()
    queues.start(0.0, 1.0, lambda _: victim.cancel())
    victim = queues.start(0.0, 2.0, run.append, "victim")
    queues.run(3.0)
    assert run == []


def test_timer_may_start_another_that_runs_in_its_turn() -> None:
    queues, run = TimerQueues(), list[Any]()

    def again(argument: str) -> None:
        run.append(argument)
        if len(run) < 3:
            queues.start(1.0, 1.0, again, argument)

    queues.start(0.0, 1.0, again, "x")
    for now in (1.0, 2.0, 3.0):
        queues.run(now)
    assert (len(run), len(queues)) == (2, 0) or (len(run), queues.next_deadline()) == (3, None)


@given(
    st.lists(st.tuples(st.sampled_from([0.1, 0.5, 4.0, 5.0, 32.0]), st.floats(0, 1), st.booleans())),
    st.lists(st.floats(0, 10)),
)
def test_whatever_is_started_runs_exactly_once_unless_cancelled(
    starts: list[tuple[float, float, bool]], steps: list[float]
) -> None:
    queues, ran, now = TimerQueues(), list[Any](), 0.0
    expected = []
    for number, (seconds, pause, cancelled) in enumerate(starts):
        now += pause
        timer = queues.start(now, seconds, ran.append, (now + seconds, number))
        if cancelled:
            timer.cancel()
        else:
            expected.append((now + seconds, number))
    for step in [*steps, 50.0]:
        now += step
        before = len(ran)
        queues.run(now)
        assert ran[before:] == sorted(ran[before:], key=lambda entry: entry[0])
        assert all(deadline <= now for deadline, _ in ran)
        assert all(entry in ran for entry in expected if entry[0] <= now)
    assert sorted(ran) == sorted(expected)
    assert len(queues) == 0


@pytest.mark.parametrize(("timers", "seconds"), [(Timers(), 32.0), (Timers(t1=0.01), 0.64)])
def test_transactions_last_sixty_four_times_t1(timers: Timers, seconds: float) -> None:
    assert timers.transaction == pytest.approx(seconds)
