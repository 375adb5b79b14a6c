"""Messages that may be stored though nobody was told of them.

Where the database is lost at the very commit, nobody knows whether it was one. The author hears that the message is not
sent and sends it again; if it is there by then, its conversation has still to hear of it. After a restart of this
process every browser catches up anyway, so memory is enough.
"""

from collections import OrderedDict

MOST = 10_000  # messages that are remembered; one that is not is found by those who load its conversation anew


class Untold:
    """Their authors, each with the id that the author's browser gave the message."""

    def __init__(self) -> None:
        self._messages: OrderedDict[tuple[str, str], None] = OrderedDict()

    def __contains__(self, message: tuple[str, str]) -> bool:
        return message in self._messages

    def add(self, message: tuple[str, str]) -> None:
        self._messages[message] = None
        if len(self._messages) > MOST:
            self._messages.popitem(last=False)

    def discard(self, message: tuple[str, str]) -> None:
        self._messages.pop(message, None)
