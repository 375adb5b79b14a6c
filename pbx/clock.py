"""Local time for routing and records: cheap, and right about summer time."""

from __future__ import annotations

import time
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

_ZONE_SECONDS = 60.0  # how long the machine's offset is trusted; it changes on the full hour twice a year


class LocalClock:
    """Gives aware local times in a zone, or in the machine's own when that is None."""

    def __init__(self, zone: ZoneInfo | None) -> None:
        self._fixed = zone
        self._zone: tzinfo | None = zone
        self._until = 0.0

    def now(self) -> datetime:
        """The time."""
        seconds = time.time()
        if self._fixed is None and seconds >= self._until:
            self._zone = datetime.now().astimezone().tzinfo
            self._until = (seconds // _ZONE_SECONDS + 1) * _ZONE_SECONDS
        return datetime.fromtimestamp(seconds, self._zone)
