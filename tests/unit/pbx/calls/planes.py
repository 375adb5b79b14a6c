"""A media plane that gives descriptions back as they came, late, and fails when a test says so."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from pbx.media.errors import MediaUnavailable
from pbx.media.plane import Loss, SessionStatistics
from tests.scenarios.calls.office import Office
from tests.support.clock import FakeClock

DELAY = 0.001  # s


class Plane:
    """`broken` names the verbs that fail. While it is `stuck`, nothing is answered; `resume` goes on."""

    def __init__(self, clock: FakeClock) -> None:
        self.on_lost: Callable[[Collection[str], Loss], None] = lambda sessions, why: None
        self.broken: set[str] = set()
        self.stuck = False
        self._clock = clock
        self._waiting: list[Callable[[], None]] = []

    def offer(self, session: str, sdp: bytes, *, done: Callable[[Any], None], **_: object) -> None:
        self._describe("offer", sdp, done)

    def answer(self, session: str, sdp: bytes, *, done: Callable[[Any], None], **_: object) -> None:
        self._describe("answer", sdp, done)

    def query(self, session: str, done: Callable[[Any], None]) -> None:
        self._later(lambda: done(SessionStatistics({})))

    def delete(self, session: str) -> None:
        """Nothing is held."""

    def resume(self) -> None:
        self.stuck = False
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            self._later(one)

    def _describe(self, verb: str, sdp: bytes, done: Callable[[Any], None]) -> None:
        self._later(lambda: done(MediaUnavailable("broken") if verb in self.broken else sdp))

    def _later(self, action: Callable[[], None]) -> None:
        if self.stuck:
            self._waiting.append(action)
        else:
            self._clock.call_at(self._clock.time() + DELAY, action)


def anchored(office: Office) -> Plane:
    """From now on the media of every call passes through a plane."""
    plane = Plane(office.clock)
    office.switch.media = plane  # type: ignore[assignment]  # as much of one as calls use
    plane.on_lost = office.switch._media_lost
    office.switch.anchors = lambda source, target, offer: True
    return plane
