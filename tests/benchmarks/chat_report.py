"""What a run of the chat's benchmark found, and the tables that tell it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.benchmarks.answers import percentile
from tests.benchmarks.chat_clients import Tally
from tests.benchmarks.comparison import Spread
from tests.benchmarks.conditions import Conditions
from tests.benchmarks.kit import Measurement
from tests.benchmarks.report import table

GOAL_CPU = 0.13  # ms for each message that is stored and delivered to one client
GOAL_P99 = 150.0  # ms
GOAL_MEMORY = 400.0  # MB, of 10^6 octets, of all processes with 5000 clients
MOST_LATE = 50.0  # ms at p99 by which messages were sent after their time; beyond it the load was another one
MEBIBYTE = 2**20 / 10**6  # in MB


@dataclass(frozen=True, slots=True)
class ChatRun:
    """One load on the chat. Delays in ms, `used` in seconds of processor by part of the server."""

    rate: float
    seconds: float
    sent: int
    stored: int
    expected: int  # deliveries, if each message comes once to each client of its room
    delivered: int
    refused: tuple[str, ...]
    ends: tuple[str, ...]
    used: dict[str, float]
    p50: float | None
    p99: float | None
    most: float | None
    late: float | None
    generator: float  # cores that the load took
    load: float  # the system's load average at the end

    @classmethod
    def of(
        cls,
        tally: Tally,
        *,
        rate: float,
        seconds: float,
        room: int,
        ends: Sequence[str],
        used: dict[str, float],
        generator: float,
        load: float,
    ) -> "ChatRun":
        """From what the clients counted."""
        delays = [1000 * delay for delay in tally.delays]
        late = percentile(tally.late, 0.99)
        return cls(
            rate=rate,
            seconds=seconds,
            sent=len(tally.sent),
            stored=tally.stored,
            expected=len(tally.sent) * room,
            delivered=len(delays),
            refused=tuple(tally.refused),
            ends=tuple(ends),
            used=used,
            p50=percentile(delays, 0.50),
            p99=percentile(delays, 0.99),
            most=max(delays, default=None),
            late=None if late is None else 1000 * late,
            generator=generator,
            load=load,
        )

    @property
    def problem(self) -> str | None:
        """Why its figures mean nothing, or None if they do."""
        if self.ends:
            return f"{len(self.ends)} connections ended: {self.ends[0]}"
        if self.refused:
            return f"{len(self.refused)} messages were refused: {self.refused[0]}"
        if self.stored != self.sent:
            return f"{self.sent - self.stored} of {self.sent} messages had no answer"
        if self.delivered != self.expected:
            return f"{self.delivered} deliveries instead of {self.expected}"
        if not self.delivered:
            return "nothing was sent"
        if self.late is not None and self.late > MOST_LATE:
            return f"the load was {self.late:.0f} ms behind its time at p99"
        return None

    def cpu(self, part: str = "all") -> float:
        """ms of processor for each delivery."""
        return 1000 * self.used.get(part, 0.0) / self.delivered


@dataclass(frozen=True, slots=True)
class Memory:
    """PSS in MiB by part of the server: before anybody connected, with all connected, and after the load."""

    clients: int
    before: dict[str, float]
    connected: dict[str, float]
    after: dict[str, float]
    connect_seconds: float
    connect_cpu: float  # seconds of processor, all processes


@dataclass(slots=True)
class ChatResults:
    """All that one call of the benchmark found."""

    conditions: Conditions
    clients: int
    users: int
    room: int
    by: str
    runs: list[ChatRun] = field(default_factory=list)
    memory: Memory | None = None
    calls_alone: list[Measurement] = field(default_factory=list)
    calls_beside: list[Measurement] = field(default_factory=list)  # with the chat's load in `runs`, in this order
    complaints: list[str] = field(default_factory=list)


def markdown(results: ChatResults) -> str:
    """The whole page."""
    facts = results.conditions
    place = "all share the processors" if facts.server_cpu is None else (
        f"server on processor {facts.server_cpu} (`taskset -c`), load on {facts.generator_cpu}"
    )  # fmt: skip
    lines = [
        f"{facts.processor}, {facts.processors} processors, {facts.memory_gib:.0f} GiB; {facts.system}",
        f"{facts.python}; {facts.libraries}",
        f"{place}; {facts.priority}; load average when it began: {facts.load:.2f}",
        f"{results.clients} clients of {results.users} users, rooms of {results.room} clients, sent by {results.by}",
        f"`{facts.command}`",
    ]
    parts = ["\n".join(f"- {line}" for line in lines)]
    if results.runs:
        parts.append(_runs(results.runs))
    if results.memory is not None:
        parts.append(_memory(results.memory))
    if results.calls_alone or results.calls_beside:
        parts.append(_calls(results))
    if results.complaints:
        parts.append("The server logged:\n\n" + "\n".join(f"- {line}" for line in results.complaints[:10]))
    return "\n\n".join(parts) + "\n"


def _runs(runs: Sequence[ChatRun]) -> str:
    head = ["run", "messages", "deliveries", "ms of CPU a delivery", "of it web", "ms p50 / p99 / most", "load"]
    rows = []
    for number, run in enumerate(runs, 1):
        counts = [str(number), f"{run.sent} at {run.rate:g}/s", str(run.delivered)]
        if run.problem is not None:
            rows.append([*counts, f"failed: {run.problem}", "–", "–", f"{run.load:.1f}"])
            continue
        times = f"{run.p50:.1f} / {run.p99:.1f} / {run.most:.0f}"
        rows.append([*counts, f"{run.cpu():.3f}", f"{run.cpu('web'):.3f}", times, f"{run.load:.1f}"])
    good = [run for run in runs if run.problem is None]
    said = [f"Goals: {GOAL_CPU:g} ms of CPU a delivery, p99 under {GOAL_P99:g} ms."]
    if good:
        cpu = Spread.of(run.cpu() for run in good)
        p99 = Spread.of(run.p99 for run in good if run.p99 is not None)
        if cpu is not None and p99 is not None:
            met = [_met(cpu.median <= GOAL_CPU), _met(p99.median < GOAL_P99)]
            said.append(f"Medians: {cpu.median:.3f} ms ({met[0]}), p99 {p99.median:.1f} ms ({met[1]}).")
    return f"{' '.join(said)}\n\n{table(head, rows)}"


def _memory(memory: Memory) -> str:
    parts = sorted({*memory.before, *memory.connected} - {"all"})
    rows = []
    for part in ("all", *parts):
        before, connected, after = (
            one.get(part, 0.0) * MEBIBYTE for one in (memory.before, memory.connected, memory.after)
        )
        each = 1000 * (connected - before) / memory.clients
        rows.append([part, f"{before:.0f}", f"{connected:.0f}", f"{after:.0f}", f"{each:.1f}"])
    head = ["MB (PSS)", "before", f"{memory.clients} clients", "after the load", "kB a client"]
    note = (
        f"{memory.clients} clients connected in {memory.connect_seconds:.0f} s, for "
        f"{1000 * memory.connect_cpu / memory.clients:.1f} ms of CPU each. Goal: {GOAL_MEMORY:g} MB with 5000 clients."
    )
    return f"{note}\n\n{table(head, rows)}"


def _calls(results: ChatResults) -> str:
    rows = []
    for name, runs in (("alone", results.calls_alone), ("beside the chat", results.calls_beside)):
        good = [run for run in runs if run.problem is None]
        cpu = Spread.of(run.cpu for run in good if run.cpu is not None)
        p50 = Spread.of(run.p50 for run in good if run.p50 is not None)
        p99 = Spread.of(run.p99 for run in good if run.p99 is not None)
        failed = "; ".join(f"{run.problem}" for run in runs if run.problem is not None)
        shown = "–" if cpu is None else f"{cpu.median:.3f} ({cpu.least:.3f}–{cpu.most:.3f})"
        times = "–" if p50 is None or p99 is None else f"{p50.median:.0f} / {p99.median:.0f}"
        rows.append(
            [name, str(len(runs)), shown, times, str(sum(run.retransmissions for run in good)), failed or "none"]
        )
    head = ["calls", "runs", "ms of the engine's CPU a call", "ms added, p50 / p99", "sent again", "failed runs"]
    rate = (results.calls_alone or results.calls_beside)[0].rate
    return f"The SIP kit's calls at {rate:g}/s, alone and beside the chat, in turns.\n\n{table(head, rows)}"


def _met(met: bool) -> str:
    return "met" if met else "**not met**"
