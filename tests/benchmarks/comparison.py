"""Many measurements of several servers: in turn, repeated, and what they come to."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.answers import METHODS, Answers, add_up
from tests.benchmarks.cases import Case
from tests.benchmarks.kit import Kit, Measurement
from tests.benchmarks.packets import Capture
from tests.benchmarks.servers import Measured

REFERENCE = "Kamailio"
CHUNK = 10_000  # calls between two looks at the memory
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Spread:
    """Several values of one thing."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread | None":
        """None of no values."""
        known = sorted(values)
        return cls(statistics.median(known), known[0], known[-1]) if known else None


@dataclass(slots=True)
class Series:
    """All runs of one case, by server, in the order in which they were made; the n-th of all are neighbours in time."""

    case: Case
    runs: dict[str, list[Measurement]] = field(default_factory=dict)
    answers: dict[str, Answers] = field(default_factory=dict)

    def good(self, server: str) -> list[Measurement]:
        return [run for run in self.runs.get(server, []) if run.problem is None]

    def problems(self, server: str) -> list[str]:
        return [run.problem for run in self.runs.get(server, []) if run.problem is not None]

    def cpu(self, server: str) -> Spread | None:
        """CPU time in ms an operation."""
        return Spread.of(run.cpu for run in self.good(server) if run.cpu is not None)

    def ratio(self, server: str) -> Spread | None:
        """CPU time in multiples of the reference's: of each run and its neighbour, so that a drift cancels out."""
        pairs = zip(self.runs.get(server, []), self.runs.get(REFERENCE, []), strict=False)
        return Spread.of(
            own.cpu / other.cpu
            for own, other in pairs
            if own.problem is None and other.problem is None and own.cpu is not None and other.cpu
        )

    def p50(self, server: str) -> Spread | None:
        return Spread.of(run.p50 for run in self.good(server) if run.p50 is not None)

    def p99(self, server: str) -> Spread | None:
        return Spread.of(run.p99 for run in self.good(server) if run.p99 is not None)

    def retransmissions(self, server: str) -> int:
        return sum(run.retransmissions for run in self.good(server))

    def reaches(self, server: str) -> bool | None:
        """Whether the goal for CPU time is met; None where there is none, or nothing to tell it by."""
        cpu, ratio = self.cpu(server), self.ratio(server)
        if self.case.goal is None or cpu is None or ratio is None or self.problems(server):
            return None
        return ratio.median <= self.case.goal and (self.case.goal_ms is None or cpu.median <= self.case.goal_ms)


def compare(
    kit: Kit, servers: Sequence[Measured], users: Path, all_series: Sequence[Series], *, repeat: int, say: Say
) -> None:
    """Measures every case on every server, `repeat` times; who comes first changes from round to round.

    The scenario "register" leaves busy users with a phone that answers: no other goes with it on the same servers.
    """
    registered: set[tuple[str, str]] = set()
    for round_ in range(repeat):
        for series in all_series:
            first = round_ % len(servers)
            for server in [*servers[first:], *servers[:first]]:
                case = series.case
                run = kit.run(
                    server.target,
                    server.pid,
                    users,
                    case.scenario,
                    rate=case.rate,
                    count=case.count,
                    registered=(server.name, case.scenario) in registered,
                )
                registered.add((server.name, case.scenario))
                series.runs.setdefault(server.name, []).append(run)
                say(f"{case.name}, {server.name}: {run.problem or f'{run.cpu} ms'} {run.errors}".rstrip())


def time_answers(kit: Kit, servers: Sequence[Measured], users: Path, all_series: Sequence[Series], *, say: Say) -> None:
    """One more run of every case with a goal on every server, in which each datagram is seen.

    It is none of those whose CPU time counts: a server that sends also pays for the copy that is kept.
    """
    for series in all_series:
        case = series.case
        if case.goal is None:
            continue
        for server in servers:
            port = int(server.target.rpartition(":")[2])
            with Capture(port) as capture:
                run = kit.run(
                    server.target,
                    server.pid,
                    users,
                    case.scenario,
                    rate=case.rate,
                    count=case.count,
                    registered=bool(series.runs.get(server.name)),
                )
            turns = add_up(capture.datagrams(), port, METHODS[case.scenario])
            answers = series.answers[server.name] = Answers.of(turns, lost=capture.lost, problem=run.problem)
            say(f"{case.name}, {server.name}: {answers} {run.errors}".rstrip())


def endure(
    kit: Kit, server: Measured, users: Path, runs: list[Measurement], *, calls: int, rate: float, say: Say
) -> None:
    """Memory over many calls: adds one measurement to `runs` for each 10,000 of them."""
    while len(runs) * CHUNK < calls:
        run = kit.run(
            server.target, server.pid, users, "call", rate=rate, count=min(CHUNK, calls), registered=bool(runs)
        )
        runs.append(run)
        say(f"{len(runs) * CHUNK} calls, {server.name}: {run.problem or f'{run.pss_peak} KiB'} {run.errors}".rstrip())


def growth(runs: Sequence[Measurement]) -> float | None:
    """Octets that memory grew by for each call, by the line through the peaks; None of fewer than four runs.

    The first fifth is left out: while transactions and queues reach their steady length, memory has to grow.
    """
    if len(runs) < 4:
        return None
    steady = [run.pss_peak for run in runs[max(1, len(runs) // 5) :]]
    return statistics.linear_regression(range(len(steady)), steady).slope * 1024 / CHUNK
