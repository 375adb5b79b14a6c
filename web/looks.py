"""Looks at what is somebody else's: each leaves a line in the audit, before what was asked for is shown.

One who scrolls, or comes back after a while, has looked once: the same look is one line in an hour, so that the audit
grows by what people do, not by how pages are cut.
"""

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from pbx.audit.models import Json
from pbx.storage.unit import Transaction

ONE_LOOK = timedelta(hours=1)
SUBJECT_LENGTH = 200  # as the audit has room for
MOST = 10_000  # looks that are remembered; after those, and after a restart, the same one is a second line

CALL_VIEWED = "call.viewed"
CALLS_SEARCHED = "call.searched"
CALLS_WATCHED = "call.watched"
RULES_VIEWED = "user.rules.viewed"  # not forwarding.*, which is the history of the rules

ALL_CALLS = "calls"  # the subject where no number was asked for


class Looks:
    """Takes note of them. `act` runs an action as one transaction, `now` gives the time."""

    def __init__(self, act: Callable[[Callable[[Transaction], None]], None], now: Callable[[], datetime]) -> None:
        self._act = act
        self._now = now
        self._noted: OrderedDict[tuple[str, str, str, str], datetime] = OrderedDict()

    def note(self, actor: str, action: str, subject: str, what: Mapping[str, Json] | None = None) -> None:
        """Somebody is about to see what is another's; to be called before it is shown. Raises DatabaseRefused.

        Args:
            subject: whose it is, or the id of the call.
            what: of it, as of a search its filter.
        """
        subject = subject[:SUBJECT_LENGTH]
        look = actor, action, subject, json.dumps(what, sort_keys=True)
        now, noted = self._now(), self._noted.get(look)
        if noted is not None and timedelta() <= now - noted < ONE_LOOK:
            return
        self._act(lambda tx: tx.audit(actor, action, subject, after=what))
        self._noted[look] = now
        self._noted.move_to_end(look)
        if len(self._noted) > MOST:
            self._noted.popitem(last=False)
