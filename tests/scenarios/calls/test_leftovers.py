"""What is over is gone: nothing that a call was made of waits for the garbage collector."""

import gc
from collections import Counter
from collections.abc import Callable

import pytest

from tests.scenarios.calls.office import Office, connected


def _talks(office: Office) -> None:
    call, ring = connected(*office.two())
    office.run(1.0)
    call.bye()
    assert ring.ended


def _is_busy(office: Office) -> None:
    anna, boris = office.two()
    call = anna.call("102")
    boris.rung().reject(486)
    assert not call.live


def _gives_up(office: Office) -> None:
    anna, boris = office.two()
    call = anna.call("102")
    boris.rung().ring()
    call.cancel()
    office.run(1.0)
    assert not call.live


@pytest.mark.parametrize("story", [_talks, _is_busy, _gives_up])
def test_call_leaves_nothing_in_memory(office: Office, story: Callable[[Office], None]) -> None:
    story(office)
    office.run(70.0)
    office.phones.clear()
    gc.collect()
    gc.freeze()  # what the tests themselves and the phones leave
    gc.disable()
    try:
        story(office)
        office.run(70.0)
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        left = Counter(f"{type(one).__module__}.{type(one).__name__}" for one in gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
        gc.unfreeze()
    ours = {name: count for name, count in left.items() if name.startswith(("pbx.", "sip."))}
    assert ours == {}
