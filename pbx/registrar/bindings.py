"""What is registered now: by number, the contacts of its phones, and when each of them ends.

Made to be lean, because there is one binding for every phone and they stay in memory for hours: texts that
many bindings have in common are shared, and there is no timer but the engine's one call of `expire` a second.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from sip.transport.base import Address, Flow


@dataclass(slots=True, eq=False)
class Binding:
    """A contact of a phone, as its last REGISTER said. Never changed: a refresh makes another.

    Args:
        contact: the URI as given, which becomes the Request-URI of requests to the phone.
        instance: `+sip.instance` without its quotes (RFC 5626 §4.1).
        reg_id: which of the phone's flows this is (RFC 5626 §4.2); None without outbound.
        q: preference, 0 to 1 (RFC 3261 §20.10).
        path: URIs of the proxies on the way to the phone, ours first (RFC 3327).
        expires_at: seconds of the Unix epoch, like `updated_at`.
        transport, source: how and from where the REGISTER came.
        flow: the network path it came by; None when a restart ended it.
        gruu: the public GRUU that the phone was granted (RFC 5627), or "".
    """

    number: str
    sip_name: str
    contact: str
    instance: str | None
    reg_id: int | None
    q: float
    path: tuple[str, ...]
    call_id: str
    cseq: int
    expires_at: float
    updated_at: float
    transport: str
    source: Address
    flow: Flow | None
    user_agent: str
    gruu: str

    @property
    def row_id(self) -> str:
        """What identifies the binding in storage."""
        if self.reg_id is not None:
            return f"{self.sip_name}|{self.instance}#{self.reg_id}"
        return f"{self.sip_name}|{self.contact}"


class _Line:
    """The bindings of one number, and the second in which they are looked through (0: none)."""

    __slots__ = ("bindings", "number", "wake")

    def __init__(self, number: str) -> None:
        self.number = number
        self.bindings: tuple[Binding, ...] = ()
        self.wake = 0


class Bindings:
    """All bindings, in memory.

    A line waits in the list of one second and stays there until that second comes, whatever happens to it
    in between. So refreshing costs nothing, and lists don't grow with the number of REGISTERs.
    """

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}
        self._wakes: dict[int, list[_Line]] = {}
        self._swept = 0  # the last second that was looked through

    def of(self, number: str, now: float) -> tuple[Binding, ...]:
        """The live bindings of a number: by preference, among equals the latest first."""
        line = self._lines.get(number)
        if line is None:
            return ()
        for binding in line.bindings:
            if binding.expires_at <= now:
                return tuple([binding for binding in line.bindings if binding.expires_at > now])
        return line.bindings

    def ended(self, number: str, now: float) -> list[Binding]:
        """What has ended of a number and was not taken out yet."""
        line = self._lines.get(number)
        return [] if line is None else [binding for binding in line.bindings if binding.expires_at <= now]

    def all(self, now: float) -> Iterator[Binding]:
        """Every live binding."""
        for line in self._lines.values():
            for binding in line.bindings:
                if binding.expires_at > now:
                    yield binding

    def with_gruu(self, number: str, instance: str, now: float) -> tuple[Binding, ...]:
        """The bindings of the one phone that a public GRUU names (RFC 5627 §5.3)."""
        return tuple([held for held in self.of(number, now) if held.gruu and held.instance == instance])

    def came_from(self, number: str, sip_name: str, source: Address) -> bool:
        """Whether a phone is registered with this account, from this very address and port."""
        line = self._lines.get(number)
        if line is None:
            return False
        return any(held.source == source and held.sip_name == sip_name for held in line.bindings)

    def put(self, number: str, bindings: list[Binding]) -> None:
        """Makes these the bindings of a number."""
        line = self._lines.get(number)
        if line is None:
            if not bindings:
                return
            line = self._lines[number] = _Line(number)
        if len(bindings) > 1:
            bindings = sorted(bindings, key=_preference)
        line.bindings = tuple(bindings)
        self._set_wake(line)

    def expire(self, now: float) -> list[Binding]:
        """Takes out and returns what ended; to be called every second."""
        second = int(now)
        if second - self._swept > len(self._wakes):
            due = sorted([wake for wake in self._wakes if wake <= second])
        else:
            due = list(range(self._swept + 1, second + 1))
        self._swept = second  # also when the clock was set back: new wakes lie behind its new time
        ended: list[Binding] = []
        for wake in due:
            for line in self._wakes.pop(wake, ()):
                if line.wake == wake:  # else it was looked through earlier, when an expiry was shortened
                    ended += [binding for binding in line.bindings if binding.expires_at <= now]
                    line.bindings = self.of(line.number, now)
                    line.wake = 0
                    self._set_wake(line)
                    if not line.bindings:
                        del self._lines[line.number]
        return ended

    def _set_wake(self, line: _Line) -> None:
        if not line.bindings:
            return
        wake = ceil(min([binding.expires_at for binding in line.bindings]))
        if 0 < line.wake <= wake:
            return
        line.wake = wake = max(wake, self._swept + 1)
        waiting = self._wakes.get(wake)
        if waiting is None:
            self._wakes[wake] = [line]
        else:
            waiting.append(line)


def _preference(binding: Binding) -> tuple[float, float]:
    return -binding.q, -binding.updated_at
