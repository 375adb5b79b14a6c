"""The results as tables in Markdown, and as values for JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.benchmarks.answers import Answers
from tests.benchmarks.cases import ADDED_P50, ADDED_P99, KIB_PER_REGISTRATION
from tests.benchmarks.comparison import CHUNK, REFERENCE, Series, Spread, growth
from tests.benchmarks.conditions import Conditions
from tests.benchmarks.kit import Capacity, Measurement

MOST_COMPLAINTS = 10


@dataclass(slots=True)
class Results:
    """All that one run of the benchmark found; what was not asked for is empty."""

    conditions: Conditions
    servers: list[str]
    repeat: int
    web: bool = False
    """Whether our servers had a web server too."""
    series: list[Series] = field(default_factory=list)
    registrations: dict[str, list[tuple[int, Measurement]]] = field(default_factory=dict)
    capacities: dict[str, Capacity] = field(default_factory=dict)
    endurance: dict[str, list[Measurement]] = field(default_factory=dict)
    complaints: dict[str, list[str]] = field(default_factory=dict)  # of the servers, in their logs

    def values(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @property
    def ours(self) -> list[str]:
        return [server for server in self.servers if server != REFERENCE]


def markdown(results: Results) -> str:
    """The whole page of figures."""
    web = "with a web server, to which no browser is connected" if results.web else "without a web server"
    parts = ["\n".join(f"- {line}" for line in (*results.conditions.lines(), f"our servers: {web}"))]
    if results.series:
        parts += [_cpu(results), _times(results)]
    if any(series.answers for series in results.series):
        parts.append(_answers(results))
    if results.registrations:
        parts.append(_registrations(results.registrations))
    if results.capacities:
        parts.append(_capacities(results.capacities))
    parts += [_endurance(server, runs) for server, runs in results.endurance.items()]
    parts += [_complaints(server, lines) for server, lines in results.complaints.items() if lines]
    return "\n\n".join(parts) + "\n"


def _cpu(results: Results) -> str:
    """Ratios where there is something to compare with."""
    compared = REFERENCE in results.servers
    head = ["ms of CPU an operation"]
    for server in results.servers:
        head += [server] if server == REFERENCE or not compared else [server, "ratio", "goal"]
    rows = []
    for series in results.series:
        row = [series.case.name]
        for server in results.servers:
            row.append(_failed(series, server) or _spread(series.cpu(server), 3))
            if compared and server != REFERENCE:
                row += [_spread(series.ratio(server), 2), _goal(series, server)]
        rows.append(row)
    note = f"Medians of {results.repeat} runs, least to most in brackets; ratios are those of neighbouring runs."
    return f"{note}\n\n{table(head, rows)}"


def _times(results: Results) -> str:
    head = ["ms added, p50 / p99"]
    for server in results.servers:
        head += [server, "sent again"]
    rows = []
    for series in results.series:
        row = [series.case.name]
        for server in results.servers:
            p50, p99 = series.p50(server), series.p99(server)
            row.append("–" if p50 is None or p99 is None else f"{p50.median:.0f} / {p99.median:.0f}")
            row.append(str(series.retransmissions(server)))
        rows.append(row)
    note = (
        "Response times without the callee's own ringing, in steps of 1 ms: the medians of the runs' p50 and p99. "
        f"Goal under half load: p50 under {ADDED_P50}, p99 under {ADDED_P99}."
    )
    return f"{note}\n\n{table(head, rows)}"


def _answers(results: Results) -> str:
    head = ["ms in the server, p50 / p99 / max"]
    for server in results.servers:
        head += [server] if server == REFERENCE else [server, "goal"]
    rows = []
    for series in (one for one in results.series if one.answers):
        row = [series.case.name]
        for server in results.servers:
            answers = series.answers.get(server)  # none where the benchmark came to an early end
            row.append("–" if answers is None else str(answers))
            if server != REFERENCE:
                row.append("–" if answers is None else _answer_goal(answers))
        rows.append(row)
    note = (
        "The time for which it was the server's turn, added up for each operation from its first request to its final "
        "answer, by the kernel's time of each datagram; one more run of each. "
        f"Goal under half load: p50 under {ADDED_P50}, p99 under {ADDED_P99}."
    )
    return f"{note}\n\n{table(head, rows)}"


def _answer_goal(answers: Answers) -> str:
    if answers.problem is not None or answers.p50 is None or answers.p99 is None:
        return "–"
    found = (("p50", answers.p50, ADDED_P50), ("p99", answers.p99, ADDED_P99))
    missed = [name for name, ms, goal in found if ms >= goal]
    return f"{' and '.join(missed)} **not met**" if missed else "met"


def _registrations(found: Mapping[str, Sequence[tuple[int, Measurement]]]) -> str:
    rows = []
    for server, runs in found.items():
        failed = [run.problem for _, run in runs if run.problem is not None]
        each = Spread.of((run.pss_peak - run.pss_before) / count for count, run in runs if run.problem is None)
        before = Spread.of(run.pss_before / 1024 for _, run in runs)
        rows.append([server, f"failed: {failed[0]}" if failed else _spread(each, 2), _spread(before, 1)])
    count = next(iter(found.values()))[0][0]
    head = ["server", "KiB a registration", "MiB before"]
    note = f"Memory (PSS) of {count} registrations on a fresh server; goal: {KIB_PER_REGISTRATION:g} KiB each."
    return f"{note}\n\n{table(head, rows)}"


def _capacities(capacities: Mapping[str, Capacity]) -> str:
    rows = []
    for server, capacity in capacities.items():
        best = capacity.at_most
        row = ["–", "–", "–"] if best is None else [f"{capacity.rate:g}", f"{best.cores:.2f}", f"{best.cpu:.3f}"]
        rows.append([server, *row, capacity.stopped_by])
    head = ["calls a second", "sustained", "cores then", "ms of CPU a call", "what stopped it"]
    return table(head, rows)


def _endurance(server: str, runs: Sequence[Measurement]) -> str:
    rows = []
    for number, run in enumerate(runs, 1):
        cpu = "–" if run.cpu is None else f"{run.cpu:.3f}"
        row = [f"{number * CHUNK:,}", f"{run.pss_peak / 1024:.1f}", cpu, str(run.retransmissions), run.problem or ""]
        rows.append(row)
    grown = growth(runs)
    said = "" if grown is None else f" After the first fifth it grew by {grown:.1f} octets a call."
    head = ["calls", "MiB (PSS, peak)", "ms of CPU a call", "sent again", ""]
    return f"Memory of the {server} server over many calls at {runs[0].rate:g}/s.{said}\n\n{table(head, rows)}"


def _complaints(server: str, lines: Sequence[str]) -> str:
    """Figures of a server that logs defects are those of a broken server."""
    return f"The {server} server logged:\n\n" + "\n".join(f"- {line}" for line in lines[:MOST_COMPLAINTS])


def _failed(series: Series, server: str) -> str:
    """A run in which something failed measured something else: it is told, not quoted."""
    problems = series.problems(server)
    return f"failed ({len(problems)} of {len(series.runs[server])}: {problems[0]})" if problems else ""


def _goal(series: Series, server: str) -> str:
    reached = series.reaches(server)
    if reached is None:
        return "–"
    goal = f"≤ {series.case.goal:g}"
    if series.case.goal_ms is not None:
        goal += f", {series.case.goal_ms:g} ms"
    return f"{goal}: {'met' if reached else '**not met**'}"


def _spread(spread: Spread | None, digits: int) -> str:
    if spread is None:
        return "–"
    return f"{spread.median:.{digits}f} ({spread.least:.{digits}f}–{spread.most:.{digits}f})"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown with its columns aligned."""
    widths = [max(len(line[column]) for line in (head, *rows)) for column in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
             for line in (head, *rows)]  # fmt: skip
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
