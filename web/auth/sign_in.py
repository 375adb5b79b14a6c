"""Signing in: a right password, and a growing wait for those who guess.

Wrong passwords are counted by address and account (`pbx.registrar.guard`): a few are free, each further one makes this
account wait at this address, longer each time. Others behind the same address go on, so nobody locks an office out.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from pbx.directory.checks import ADMIN
from pbx.directory.models import UserRow
from pbx.registrar.guard import FREE, Block, Guard
from pbx.routing.number import comparable
from pbx.storage.unit import Store
from web.auth.passwords import is_right
from web.errors import NotSignedIn, TooMany, Unavailable
from web.threads import Threads

MOST_WAITING = 50  # sign-ins that may wait for a core: five seconds' worth

WRONG = "the user or the password is wrong"


@dataclass(frozen=True, slots=True)
class Account:
    """A user whose password was right."""

    number: str
    password_temporary: bool


class SignIn:
    """`now` gives seconds of the Unix epoch."""

    def __init__(self, store: Store, threads: Threads, now: Callable[[], float] = time.time) -> None:
        self.guard = Guard()
        self._store = store
        self._threads = threads
        self._now = now
        self._under_way: Counter[tuple[str, str]] = Counter()

    def check(self, user: str, password: str, address: str) -> Account:
        """The account of a right password. Raises NotSignedIn, TooMany, Unavailable."""
        number = account_name(user)
        source = address, number
        seconds = self.guard.wait(address, number, self._now())
        if seconds == 0 and self._under_way[source] >= FREE:
            seconds = 1  # all at once would be counted too late
        if seconds:
            raise TooMany(f"too many wrong passwords: try again in {seconds} s", retry_after=seconds)
        if self._under_way.total() >= MOST_WAITING:
            raise Unavailable("too many people sign in at this moment", headers={"Retry-After": "5"})
        self._under_way[source] += 1
        try:
            found = self._threads.run(lambda: self._find(number))
            password_hash = found.password_hash if found is not None else None
            right = self._threads.run_slow(lambda: is_right(password_hash, password))
        finally:
            self._under_way[source] -= 1
            if not self._under_way[source]:
                del self._under_way[source]
        if found is None or not right:
            self.guard.failed(address, number, self._now())
            raise NotSignedIn(WRONG, code="wrong-password")
        self.guard.succeeded(address, self._now())
        return Account(found.number, found.password_temporary)

    def blocks(self) -> list[Block]:
        """Everybody who has to wait."""
        return self.guard.blocks(self._now())

    def _find(self, number: str) -> UserRow | None:
        with self._store.reading() as session:
            return session.get(UserRow, number)


def account_name(user: str) -> str:
    """The account that somebody means: a number in any writing, or the one without a number."""
    name = user.strip()
    return ADMIN if name.lower() == ADMIN else comparable(name)
