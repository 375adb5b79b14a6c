"""What phones say, for the chat: stored until chat has taken it, and told to it at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pbx.calls.models import UPSERT_SIP_INBOX
from pbx.messages.waiting import WaitingMessage, Writer


class SipInbox:
    """`publish(kind, data)` tells the other processes. Chat removes the rows that it has taken."""

    def __init__(self, writer: Writer, publish: Callable[[str, Mapping[str, object]], None]) -> None:
        self._writer = writer
        self._publish = publish

    def put(self, message: WaitingMessage) -> None:
        """A text message from a phone, on disk within 100 ms."""
        text = message.body.decode("utf-8", "replace").replace("\0", "")
        sender, receiver, at = message.from_number, message.to_number, message.received_at
        self._writer.put(UPSERT_SIP_INBOX, (message.id, sender, receiver, text, at))
        self._publish("sip.message", {"id": message.id, "from": sender, "to": receiver, "text": text, "at": at})
