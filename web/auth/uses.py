"""When sessions were last used: gathered, and noted for many at once.

In the morning, and after a restart, everybody's first request is one after a while; a transaction for each would wait
for the disk, one after the other, and everybody with it.
"""

from collections.abc import Callable

from pbx.storage.unit import Transaction
from web.auth.sessions import note_uses_of

GATHER = 1.0  # seconds


class SessionUses:
    """Takes note of uses, in the loop.

    Args:
        act: runs an action as one transaction.
        after: `after(seconds, work)` does work later.
    """

    def __init__(
        self,
        act: Callable[[Callable[[Transaction], None]], None],
        after: Callable[[float, Callable[[], object]], None],
    ) -> None:
        self._act = act
        self._after = after
        self._used: set[bytes] = set()

    def note(self, token_hash: bytes) -> None:
        """The session of this token is in use; nobody waits until it is written."""
        waits = bool(self._used)
        self._used.add(token_hash)
        if not waits:
            self._after(GATHER, self._write)

    def _write(self) -> None:
        used, self._used = self._used, set()
        self._act(lambda tx: note_uses_of(tx, used))
