"""The worker: the process that sees to it that what nobody waits for gets done.

    python -m web.worker [--data DIR] [--config FILE]

It waits for the bell that is rung when there is work, and looks now and then without one. The work itself is a
shift (`web.shift`): a process of its own, forked from this one, that ends when there is no more to do. It takes the
database's library and the one for pictures along when it goes, and whatever a hostile picture has done to it.
"""

from __future__ import annotations

import argparse
import logging
import os
import resource
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path

from config.data import DataFolder
from config.errors import ConfigError
from config.loader import load_settings
from config.settings import Settings
from pbx.doorbell import Doorbell, ring
from pbx.log import set_up_logging
from pbx.supervisor.child import die_with_supervisor, report_ready

logger = logging.getLogger(__name__)

LOOKS = 300.0  # seconds between shifts when nobody rings; uploads whose time is up wait as long, and the sweep at night
MEMORY = 2 << 30  # octets of address space: what a hostile picture may take at most


class Shifts:
    """Begins shifts, one after the other, until it is stopped. Signals come to the main thread, where this runs."""

    def __init__(self, settings: Settings, data: DataFolder, bell: Doorbell) -> None:
        self._settings = settings
        self._data = data
        self._bell = bell
        self._stop = threading.Event()
        self._shift = 0  # the process that works, in the one that waits for it

    def run(self) -> int:
        """The exit status: 0 once it was stopped, 1 when a shift has failed."""
        while not self._stop.is_set():
            status = self._work()
            if status:
                logger.error("! a shift has ended by %s", f"signal {-status}" if status < 0 else f"status {status}")
                return 1
            if not self._stop.is_set():
                self._bell.wait(LOOKS)
        return 0

    def end(self, _number: int, _frame: object) -> None:
        """Ends at once, with the shift; in which process it is called doesn't matter."""
        self._stop.set()
        ring(self._data.worker_bell)
        self._pass_on()

    def _work(self) -> int:
        """A shift, from its beginning to its end; its exit status, negative for a signal."""
        waiting = os.getpid()
        shift = os.fork()
        if shift == 0:
            self._be_shift(waiting)
        self._shift = shift
        if self._stop.is_set():  # between the two lines above
            self._pass_on()
        _, status = os.waitpid(shift, 0)
        self._shift = 0
        return os.waitstatus_to_exitcode(status)

    def _pass_on(self) -> None:
        if self._shift:
            with suppress(ProcessLookupError):
                os.kill(self._shift, signal.SIGTERM)

    def _be_shift(self, waiting: int) -> None:
        """What the forked process does; it never returns."""
        status = 1
        try:
            from pbx.supervisor.process import ends_with

            ends_with(waiting)()
            # What takes memory is imported here, and nowhere else.
            from web.shift import work

            work(self._settings, self._data, self._bell, self._stop)
            status = 0
        except BaseException:
            logger.exception("! a shift has failed")
        finally:
            os._exit(status)


def _limit_memory() -> None:
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def main() -> int:
    """Runs the worker; the exit status is 0 after a clean stop."""
    parser = argparse.ArgumentParser(prog="python -m web.worker", description="The worker of Gorizont.")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--config", type=Path)
    options = parser.parse_args()
    die_with_supervisor()
    data = DataFolder.locate(options.data)
    try:
        settings = load_settings(data, options.config)
        set_up_logging("worker", settings.log.level)
        _limit_memory()
        with Doorbell(data.worker_bell) as bell:
            shifts = Shifts(settings, data, bell)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, shifts.end)
            report_ready()
            return shifts.run()
    except ConfigError as error:
        print(f"worker: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        logger.error("! %s", error)
        return 1


if __name__ == "__main__":
    sys.exit(main())
