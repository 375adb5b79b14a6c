"""An event loop in a thread of its own, on which carriers and parties live while a test waits for them."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

import uvloop

Got = TypeVar("Got")
DEADLINE = 20.0  # seconds


class LoopThread:
    """A running loop. What a test wants done there goes through `run` and `call`."""

    def __init__(self) -> None:
        self.loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._main, name="media tests", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Got], timeout: float = DEADLINE) -> Got:
        """The result of a coroutine."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout)

    def call(self, function: Callable[[], Got], timeout: float = DEADLINE) -> Got:
        """The result of a function that has to run in the loop."""

        async def once() -> Got:
            return function()

        return self.run(once(), timeout)

    def wait(self, begin: Callable[[Callable[[Any], None]], None], timeout: float = DEADLINE) -> Any:
        """What a request gives to its `done`; a test that it is called once."""
        result: Future[Any] = Future()
        self.loop.call_soon_threadsafe(begin, result.set_result)
        return result.result(timeout)

    def close(self) -> None:
        self.run(asyncio.sleep(0.05))  # transports that were closed come to their end
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()

    def _main(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
