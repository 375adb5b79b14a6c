"""What the worker has done to chat, for browsers that are connected: thumbnails made, old messages removed."""

import logging

from messaging.attachments import has_news_of_thumbnails
from messaging.messages import show_thumbnails
from messaging.sync import purged_at
from pbx.doorbell import Doorbell
from pbx.storage.errors import DatabaseRefused
from web.live.chat_events import ChatReset
from web.services import Services

logger = logging.getLogger(__name__)

LOOKS = 10.0  # seconds between looks when nobody rings


class WorkerNews:
    """Looks what is new."""

    def __init__(self, given: Services) -> None:
        self._given = given
        self._purged: int | None = None

    def look(self) -> None:
        """Tells of what is new since the last look; the first one only learns how things stand."""
        given = self._given
        if given.read(has_news_of_thumbnails):
            given.chat.act(show_thumbnails)
        purged = given.read(purged_at)
        if self._purged is not None and purged > self._purged:
            given.rooms.to_everyone(ChatReset())
        self._purged = purged

    def follow(self) -> None:
        """Looks whenever the worker rings, for as long as the process lives. Runs in a greenlet of its own."""
        with Doorbell(self._given.data.chat_bell) as bell:
            while True:
                try:
                    self.look()
                except DatabaseRefused as error:
                    logger.warning("! %s", error)
                except Exception:
                    # Whatever was wrong with one picture must not end the news of all others.
                    logger.exception("! the worker's news could not be told")
                bell.wait(LOOKS)
