"""The browsers that are connected, by their Socket.IO id."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from web.auth.sessions import SignedIn
from web.pace import Allowance

BURST = 60.0  # requests that a browser may send at once
PER_SECOND = 20.0  # and in the long run; nobody types faster


@dataclass(slots=True)
class Browser:
    """One connection, and who is behind it."""

    sid: str
    user: SignedIn
    allowance: Allowance = field(default_factory=lambda: Allowance(BURST, PER_SECOND, BURST))

    def may_ask(self, now: float) -> bool:
        """Whether one more request is not too many. `now` is in seconds of any clock."""
        return not self.allowance.wait(now)


@dataclass(slots=True)
class Browsers:
    """All of them."""

    connected: dict[str, Browser] = field(default_factory=dict)
    admins: set[str] = field(default_factory=set)
    """The numbers of admins who have a browser that is connected."""
    _of_number: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def add(self, sid: str, user: SignedIn) -> Browser:
        """A browser connected."""
        browser = self.connected[sid] = Browser(sid, user)
        self._of_number[user.number].add(sid)
        if user.is_admin:
            self.admins.add(user.number)
        return browser

    def remove(self, sid: str) -> Browser | None:
        """A browser disconnected; None where it was not known."""
        browser = self.connected.pop(sid, None)
        if browser is not None:
            mine = self._of_number[browser.user.number]
            mine.discard(sid)
            if not mine:
                del self._of_number[browser.user.number]
            if not any(self.connected[one].user.is_admin for one in mine):
                self.admins.discard(browser.user.number)
        return browser

    def of(self, number: str) -> list[Browser]:
        """A user's browsers."""
        return [self.connected[sid] for sid in self._of_number.get(number, ())]

    def there(self, numbers: Iterable[str]) -> list[str]:
        """Those users who have a browser that is connected, each once."""
        return [number for number in dict.fromkeys(numbers) if number in self._of_number]

    def is_there(self, number: str) -> bool:
        """Whether a user has a browser that is connected."""
        return number in self._of_number
