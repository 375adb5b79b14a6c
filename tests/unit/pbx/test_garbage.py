"""When everything is looked through for cycles."""

import gc
import weakref

import pytest

from pbx.garbage import AT_LEAST_EVERY, AT_MOST_EVERY, LOOK_EVERY, QuietCollection


class Knot:
    """Refers to itself: only the collector frees it."""

    def __init__(self) -> None:
        self.me = self


class Clocks:
    """Time, and processor time, as the test says."""

    def __init__(self) -> None:
        self.time = self.used = 0.0

    def work(self, share: float, seconds: float = LOOK_EVERY) -> None:
        self.time += seconds
        self.used += share * seconds


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def collection(clocks: Clocks) -> QuietCollection:
    return QuietCollection(lambda: clocks.time, lambda: clocks.used)


def old_knot() -> weakref.ref[Knot]:
    knot = Knot()
    gc.collect(1)  # so that it is in the oldest generation
    return weakref.ref(knot)


def test_a_process_with_little_to_do_frees_cycles(clocks: Clocks, collection: QuietCollection) -> None:
    knot = old_knot()
    clocks.work(0.01, AT_MOST_EVERY)
    assert collection.look()
    assert knot() is None


def test_a_busy_process_is_not_stopped_for_it(clocks: Clocks, collection: QuietCollection) -> None:
    knot = old_knot()
    clocks.work(0.5, AT_MOST_EVERY)
    assert not collection.look()
    assert knot() is not None


def test_one_that_is_always_busy_collects_once_an_hour(clocks: Clocks, collection: QuietCollection) -> None:
    done = 0
    for _ in range(int(2 * AT_LEAST_EVERY / LOOK_EVERY)):
        clocks.work(0.9)
        done += collection.look()
    assert done == 2


def test_a_busy_time_is_over_when_the_last_interval_was_quiet(clocks: Clocks, collection: QuietCollection) -> None:
    clocks.work(0.9, AT_MOST_EVERY)
    assert not collection.look()
    clocks.work(0.01)
    assert collection.look()


def test_nor_does_it_collect_again_and_again_while_it_is_quiet(clocks: Clocks, collection: QuietCollection) -> None:
    done = 0
    for _ in range(int(3 * AT_MOST_EVERY / LOOK_EVERY)):
        clocks.work(0.01)
        done += collection.look()
    assert done == 3
