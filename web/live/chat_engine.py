"""Chat and telephony: messages of phones come into the timeline, what browsers say goes to softphones.

The bus says that something is there, the database what it is; whatever was missed, because either process was
away, is found when the engine is heard again.
"""

import logging
from collections import deque
from collections.abc import Sequence
from functools import partial

from sqlalchemy import delete, select

from messaging.events import MessageSent
from messaging.models import MessageKind
from messaging.sip_gateway import ForPhones, SipMessage, for_phones, take_message
from pbx.bus.errors import BusError
from pbx.bus.lines import Values
from pbx.calls.models import SipInboxRow
from pbx.storage.errors import DatabaseRefused
from pbx.storage.unit import Transaction
from web.services import Services

logger = logging.getLogger(__name__)

BATCH = 200
AFTER = 2.0  # seconds after a message in which the engine has written it; many come in them
AGAIN = (10.0, 60.0, 300.0, 600.0)
MOST_FOR_PHONES = 1000  # messages that wait for the engine; it is away if there are more


def connect(given: Services) -> None:
    """Registers what is heard on the bus, and what the bus is told."""
    inbox, phones = Inbox(given), Phones(given)
    bus = given.engine_events
    bus.on("sip.message", lambda data: inbox.arrived(data))
    bus.on("snapshot", lambda _: inbox.look_soon(0.0))
    given.events.on(MessageSent, phones.said)


class Inbox:
    """Takes what phones have said to each other."""

    def __init__(self, given: Services) -> None:
        self._given = given
        self._looks = False

    def arrived(self, data: Values) -> None:
        """A phone said something; its row in the database may be a moment late."""
        message = SipMessage(str(data["id"]), str(data["from"]), str(data["to"]), str(data["text"]), float(data["at"]))
        self._given.chat.later(lambda tx: take_message(tx, message))
        self.look_soon(AFTER)

    def look_soon(self, seconds: float, again: Sequence[float] = AGAIN) -> None:
        """Looks into the inbox after so many seconds; again after these, while the database refuses.

        What lies there longer would outlive its own deletion, and come anew when it was removed long ago.
        """
        if not self._looks:
            self._looks = True
            self._given.chat.after(seconds, lambda: self._look(again))

    def _look(self, again: Sequence[float]) -> None:
        self._looks = False
        try:
            self.catch_up()
        except DatabaseRefused as error:
            logger.warning("! messages of phones are not in chat yet: %s", error)
            if again:
                self.look_soon(again[0], again[1:])

    def catch_up(self) -> None:
        """Takes all that lies in the inbox, and empties it."""
        query = select(SipInboxRow).order_by(SipInboxRow.at).limit(BATCH)
        while rows := self._given.read(lambda session: list(session.scalars(query))):
            self._given.chat.act(partial(_take_all, rows=rows))


class Phones:
    """Tells softphones what was said in a conversation of two."""

    def __init__(self, given: Services) -> None:
        self._given = given
        self._waiting: deque[ForPhones] = deque(maxlen=MOST_FOR_PHONES)
        self._telling = False

    def said(self, event: MessageSent) -> None:
        """A message was sent."""
        if event.message.kind is not MessageKind.TEXT:  # nothing for phones, so nobody need know whose it is
            return
        facts = self._given.chat_members.facts(event.conversation)
        told = for_phones(event.message, facts) if facts is not None else None
        if told is None or not self._given.presence.phones_of(told.to):
            return
        self._waiting.append(told)
        if not self._telling:
            self._telling = True
            self._given.chat.after(0.0, self._tell_all)

    def _tell_all(self) -> None:
        while self._waiting:
            self._tell(self._waiting.popleft())
        self._telling = False

    def _tell(self, told: ForPhones) -> None:
        try:
            data = {"from": told.sender, "to": told.to, "text": told.text, "id": told.id}
            self._given.ask_engine("messages.send", data)
        except BusError as error:
            logger.warning("! the phones of %s were not told of a message: %s", told.to, error)


def _take_all(tx: Transaction, rows: list[SipInboxRow]) -> None:
    for row in rows:
        take_message(tx, SipMessage(row.id, row.sender, row.receiver, row.text, row.at))
    tx.session.execute(delete(SipInboxRow).where(SipInboxRow.id.in_([row.id for row in rows])))
