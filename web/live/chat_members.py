"""Who is in which conversation, remembered for the fan-out: it would ask the database for every message otherwise."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from messaging.views import Facts, load_facts

MOST = 5000  # conversations that are remembered


class ChatMembers:
    """The members as of the last event that was told. `read` is that of the services."""

    def __init__(self, read: Callable[[Callable[[Any], dict[int, Facts]]], dict[int, Facts]]) -> None:
        self._read = read
        self._facts: OrderedDict[int, Facts] = OrderedDict()
        self.told = 0
        """The number of the last change that browsers were told of."""

    def facts(self, conversation: int) -> Facts | None:
        """What is known of a conversation; None where there is none. Its read marks may be old."""
        found = self._facts.get(conversation)
        if found is not None:
            self._facts.move_to_end(conversation)
            return found
        found = self._read(lambda session: load_facts(session, [conversation])).get(conversation)
        if found is not None and conversation not in self._facts:  # an event may have been faster
            self.take(found)
        return self._facts.get(conversation)

    def take(self, facts: Facts) -> None:
        """Remembers what a conversation is now."""
        self._facts[facts.id] = facts
        self._facts.move_to_end(facts.id)
        while len(self._facts) > MOST:
            self._facts.popitem(last=False)

    def of(self, conversation: int) -> tuple[str, ...]:
        """The numbers of its members."""
        facts = self.facts(conversation)
        return facts.members if facts is not None else ()
