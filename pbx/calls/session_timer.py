"""Session timers (RFC 4028): a call whose party is silently gone ends all the same.

Each leg has its own. Where the party knows session timers, one side refreshes at half the interval, by UPDATE
or re-INVITE; where it does not, we ask it by OPTIONS at the same pace, which a living dialog answers and a dead
one does not. There are no timers behind this: the engine looks at all legs every few seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sip.errors import ParseError
from sip.fields import parse_number
from sip.grammar import parse_params
from sip.identifiers import token
from sip.message import Request, Response
from sip.transaction.local import LocalResponse

if TYPE_CHECKING:
    from pbx.calls.incoming import Incoming
from pbx.calls.leg import Leg

LARGEST = 86_400  # s
_DEAD = frozenset((404, 408, 410, 481))


def session_expires(message: Request | Response) -> tuple[int, str] | None:
    """The (interval in s, refresher or "") of Session-Expires. Raises ParseError."""
    value = message.get("Session-Expires")
    if value is None:
        return None
    seconds, semicolon, params = value.partition(";")
    refresher = parse_params(semicolon + params).get("refresher", "").lower()
    return parse_number(seconds, LARGEST, "Session-Expires"), refresher


class SessionTimer:
    """The session timer of one leg.

    `interval` in seconds; `supported`: whether the party knows session timers; `refreshing`: whether it is on us.
    `least` is the Min-SE that the party has asked for by a 422, 0 where it has not.
    """

    __slots__ = ("interval", "least", "leg", "refresh_at", "refreshing", "supported", "until")

    def __init__(self, leg: Leg, interval: int, *, supported: bool, refreshing: bool) -> None:
        self.leg = leg
        self.interval = interval
        self.supported = supported
        self.refreshing = refreshing
        self.least = 0
        self.refresh_at = 0.0
        self.until = 0.0
        self._restart()

    @classmethod
    def offered(cls, leg: Leg, request: Request) -> SessionTimer:
        """As the server of an INVITE whose interval was found acceptable. Raises ParseError."""
        asked = session_expires(request)
        interval, refresher = asked or (leg.switch.settings.session_expires, "")
        if "Min-SE" in request.headers:  # §9: never below what the caller's side wants at least
            interval = max(interval, request.number("Min-SE", LARGEST) or 0)
        interval = max(interval, leg.switch.settings.min_se)
        supported = "timer" in leg.supports
        # RFC 4028 §9: the refresher is the caller's choice; else the caller, if it can.
        return cls(leg, interval, supported=supported, refreshing=not supported or refresher == "uas")

    @classmethod
    def granted(cls, leg: Leg, response: Response) -> SessionTimer:
        """As the client of an INVITE, from its 2xx. Raises ParseError."""
        answer = session_expires(response)
        if answer is None:
            return cls(leg, leg.switch.settings.session_expires, supported=False, refreshing=True)
        return cls(leg, max(answer[0], 90), supported=True, refreshing=answer[1] != "uas")

    def _restart(self) -> None:
        now = self.leg.switch.endpoint.now()
        self.refresh_at = now + self.interval / 2
        # RFC 4028 §10: BYE min(32 s, a third of the interval) before the session expires.
        self.until = now + self.interval - min(32.0, self.interval / 3)

    @classmethod
    def restored(cls, leg: Leg, stored: list[int]) -> SessionTimer:
        """As `to_list` has kept it: nobody knows how old the session is, so it is refreshed soon, and not all at once.

        It may be half the interval old. The party then gives it up after a sixth of the interval or more (§10).
        """
        interval, supported, refreshing = stored[:3]
        timer = cls(leg, interval, supported=bool(supported), refreshing=bool(refreshing))
        timer.least = stored[3] if len(stored) > 3 else 0  # an earlier version kept three
        chance = int(token()[:4], 16) / 0xFFFF
        timer.refresh_at = leg.switch.endpoint.now() + chance * interval / 12
        return timer

    def to_list(self) -> list[int]:
        """What a restarted engine needs to go on with the session."""
        return [self.interval, self.supported, self.refreshing, self.least]

    def dress(self, message: Request | Response) -> None:
        """Adds Session-Expires to an INVITE or UPDATE of ours, or to the 2xx to one of the party's."""
        if not self.supported:
            return
        ours, theirs = ("uac", "uas") if isinstance(message, Request) else ("uas", "uac")
        message.set("Session-Expires", f"{self.interval};refresher={ours if self.refreshing else theirs}")
        if isinstance(message, Response):
            if not self.refreshing:
                message.set("Require", "timer")
        elif self.least:
            message.set("Min-SE", str(self.least))

    def asked(self, incoming: Incoming) -> bool:
        """The party refreshes by INVITE or UPDATE; False when that was refused 422 or 400."""
        least = self.leg.switch.settings.min_se
        try:
            asked = session_expires(incoming.request)
        except ParseError as error:
            incoming.answer(error.status, error.reason)
            return False
        if asked is not None:
            interval, refresher = asked
            if interval < least:
                incoming.answer(422, headers=[("Min-SE", str(least))])
                return False
            self.interval, self.supported = interval, True
            self.refreshing = refresher == "uas"
        self._restart()
        return True

    def answered(self, response: Response) -> None:
        """The party accepted an INVITE or UPDATE of ours. Raises ParseError."""
        granted = session_expires(response)
        if granted is not None:
            self.interval, self.supported = max(granted[0], 90), True
            self.refreshing = granted[1] != "uas"
        self._restart()

    def tick(self, now: float) -> None:
        """Refreshes, or ends a leg whose party did not."""
        leg = self.leg
        if now >= self.until:
            leg.lost(408, "Session expired")
        elif self.refreshing and now >= self.refresh_at and not leg.busy:
            self.refresh_at = self.until  # not again before the answer is here
            if not self.supported:
                leg.send("OPTIONS", self._refreshed)
            elif "UPDATE" in leg.allows:
                leg.offer("UPDATE", b"", self._refreshed)
            else:
                leg.offer("INVITE", leg.sdp_source, self._refreshed)

    def _refreshed(self, response: Response) -> None:
        if response.status < 200:
            return
        leg = self.leg
        if response.status < 300 and response.cseq is not None and response.cseq.method == "INVITE":
            leg.acknowledge(response)
        if response.status in _DEAD:
            leg.lost(408, "Session refresh failed")
        elif response.status == 491 or isinstance(response, LocalResponse):
            # The party is asking itself, or its connection is gone and it may come back before the session is over.
            self.refresh_at = leg.switch.endpoint.now() + leg.pause()
        elif response.status == 422 and not self.least and self._lengthen(response):
            self.refresh_at = 0.0
        else:
            self._restart()

    def _lengthen(self, response: Response) -> bool:
        """Takes the longer interval that the party wants (§7.4)."""
        try:
            self.least = response.number("Min-SE", LARGEST) or 0
        except ParseError:
            return False
        self.interval = max(self.interval, self.least)
        return self.least > 0
