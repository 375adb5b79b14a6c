"""The phones of pages: short-lived SIP accounts, each of one session and ended with it.

The engine makes them without noting them, and forgets at its next start which of them have ended. So what was issued is
remembered here, to be ended with a session that has no connection; and what has ended, to be said again.
"""

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from pbx.bus.errors import BusError
from pbx.bus.lines import Values
from pbx.registrar.accounts import LIFE
from web.auth.sessions import SignedIn

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BrowserPhone:
    """The newest account of a session; `until` in seconds of the Unix epoch."""

    number: str
    session: str
    token_hash: bytes
    sip_name: str
    until: float


class BrowserPhones:
    """Used in the loop.

    Args:
        ask: gives a command to the engine.
        now: seconds of the Unix epoch.
        after: `after(seconds, work)` does work later.
    """

    def __init__(
        self,
        ask: Callable[[str, Mapping[str, object]], Values],
        now: Callable[[], float],
        after: Callable[[float, Callable[[], object]], None],
    ) -> None:
        self._ask = ask
        self._now = now
        self._after = after
        self._issued: dict[str, BrowserPhone] = {}  # by their session
        self._ended: dict[str, tuple[str, float]] = {}  # sessions: whose, and until when theirs would hold

    def issue(self, user: SignedIn) -> Values:
        """An account for the page of a session. Raises BusError."""
        issued = self._ask("credentials.issue", {"number": user.number, "session": user.session})
        now = self._now()
        self._issued = {session: one for session, one in self._issued.items() if one.until > now}
        self._issued[user.session] = BrowserPhone(
            user.number, user.session, user.token_hash, str(issued["username"]), float(issued["expires_at"])
        )
        return issued

    def sip_name(self, session: str) -> str | None:
        """By which the page of a session is registered."""
        found = self._issued.get(session)
        return found.sip_name if found is not None else None

    @property
    def has_ended(self) -> bool:
        """Whether there is something to repeat."""
        return bool(self._ended)

    def sessions(self) -> set[bytes]:
        """The hashes of the tokens of all sessions that have a phone."""
        return {one.token_hash for one in self._issued.values()}

    def end_without(self, holding: Collection[bytes]) -> None:
        """Ends the phones of all sessions but these."""
        for one in [one for one in self._issued.values() if one.token_hash not in holding]:
            self.end(one.number, one.session)

    def end(self, number: str, session: str) -> None:
        """Ends the phone of a session, whether it was issued by this process or the one before."""
        now = self._now()
        self._issued.pop(session, None)
        self._ended = {one: ended for one, ended in self._ended.items() if ended[1] > now}
        self._ended[session] = number, now + LIFE
        # Who ends sessions also tells of chat: nobody waits there for an engine that takes its time.
        self._after(0.0, lambda: self._tell(number, session))

    def repeat(self) -> None:
        """The engine is there, or there again: it is told what has ended."""
        for session, (number, _) in list(self._ended.items()):
            if not self._tell(number, session):
                return

    def _tell(self, number: str, session: str) -> bool:
        try:
            self._ask("credentials.revoke", {"number": number, "session": session})
        except BusError as error:
            logger.warning("! the phone of a page of %s is ended when the engine is there: %s", number, error)
            return False
        return True
