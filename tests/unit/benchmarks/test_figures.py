"""What the benchmark makes of the kit's results. The benchmark itself is no test."""

from dataclasses import replace
from typing import Any

import pytest

from tests.benchmarks.answers import Answers, Turns
from tests.benchmarks.cases import CASES, Case, choose
from tests.benchmarks.comparison import CHUNK, REFERENCE, Series, Spread, growth
from tests.benchmarks.conditions import Conditions
from tests.benchmarks.kit import Capacity, Measurement, User
from tests.benchmarks.report import Results, markdown

CALL: dict[str, Any] = {  # as the kit prints it, with what nobody here asks for left out
    "scenario": "call",
    "asked_rate": 400.0,
    "failed": 0,
    "achieved_rate": 399.6,
    "retransmissions": 2,
    "response_ms_p50": 52.0,
    "response_ms_p99": 61.0,
    "server_cpu_ms_per_op": 0.5,
    "server_cores_used": 0.2,
    "server_idle_cores": 0.0,
    "server_pss_kib_before": 60_000,
    "server_pss_kib_peak": 70_000,
    "called_side": {"uas": {"completed": 1000, "failed": 0}},
    "ends_agree": True,
}


def series(**cpu: list[float]) -> Series:
    """Runs of a call at 400/s with these costs, by server."""
    run = Measurement.read(CALL)
    return Series(
        Case("call", 400, 1000), {server: [replace(run, cpu=one) for one in costs] for server, costs in cpu.items()}
    )


def test_result_of_the_kit_is_read_and_the_callees_own_ringing_taken_off() -> None:
    run = Measurement.read(CALL)
    assert (run.cpu, run.p50, run.p99, run.retransmissions, run.problem) == (0.5, 2.0, 11.0, 2, None)


def test_scenario_with_one_end_has_nothing_to_agree_on() -> None:
    one_end = {name: value for name, value in CALL.items() if name not in ("ends_agree", "called_side")}
    run = Measurement.read({**one_end, "scenario": "register", "response_ms_p50": 1.0})
    assert (run.p50, run.problem) == (1.0, None)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"failed": 3}, "3 operations failed"),
        ({"ends_agree": False}, "caller and callee counted different numbers of operations"),
        ({"server_cpu_ms_per_op": None}, "no operation succeeded"),
    ],
)
def test_run_that_measured_something_else_is_told_and_not_quoted(change: dict[str, Any], problem: str) -> None:
    bad = Measurement.read({**CALL, **change})
    assert bad.problem == problem
    runs = series(Kamailio=[1.0, 1.0], ours=[2.0, 2.0])
    runs.runs["ours"][0] = bad
    assert runs.cpu("ours") == Spread(2.0, 2.0, 2.0)
    assert runs.reaches("ours") is None


def test_ratio_is_the_median_of_neighbouring_runs() -> None:
    runs = series(Kamailio=[1.0, 2.0, 4.0], ours=[0.9, 2.0, 6.0])  # the machine became slower, for both
    assert runs.ratio("ours") == Spread(1.0, 0.9, 1.5)
    assert runs.cpu("ours") == Spread(2.0, 0.9, 6.0)
    assert runs.reaches("ours") is True
    assert series(Kamailio=[1.0], ours=[1.1]).reaches("ours") is False


def test_goal_in_ms_holds_beside_the_ratio() -> None:
    runs = series(Kamailio=[0.2], ours=[0.15])
    assert runs.reaches("ours") is True
    runs.case = replace(runs.case, goal_ms=0.10)
    assert runs.reaches("ours") is False


def test_another_rate_takes_each_scenario_once() -> None:
    assert [case.name for case in choose(["call", "forward"], 50, None)] == ["call at 50/s", "forward at 50/s"]
    assert choose(None, None, None) == list(CASES)


def test_growth_is_in_octets_a_call_and_leaves_the_beginning_out() -> None:
    run = Measurement.read(CALL)
    peaks = [10_000, 60_000, 60_100, 60_200, 60_300]
    runs = [replace(run, pss_peak=peak) for peak in peaks]
    assert growth(runs) == pytest.approx(100 * 1024 / CHUNK)
    assert growth(runs[:3]) is None


def test_users_of_the_kit_are_read() -> None:
    assert User.read("100000;pw100000") == User("100000", "pw100000")
    assert User.read("100010;pw100010;100005") == User("100010", "pw100010", "100005")


def test_page_quotes_medians_ratios_and_what_failed() -> None:
    failed = series(Kamailio=[1.0], ours=[1.0])
    failed.runs["ours"] = [Measurement.read({**CALL, "failed": 7})]
    ramp = Capacity.read({"max_sustained_rate": 1350.0, "at_max": CALL, "stopped_by": ["failures", "rate not reached"]})
    facts = Conditions(
        "CPU", 2, 24.0, "Linux", "Python", "5.6.3", "3.6.1", "uvloop", 0, 1, "niceness 0", 0.5, "python -m ..."
    )
    page = markdown(
        Results(
            conditions=facts,
            servers=[REFERENCE, "ours"],
            repeat=1,
            series=[series(Kamailio=[0.4], ours=[0.5]), failed],
            registrations={"ours": [(5000, Measurement.read(CALL))]},
            capacities={"ours": ramp},
            endurance={"ours": [Measurement.read(CALL)] * 5},
        )
    )
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| ")]
    assert rows[1][2:] == ["0.500 (0.500–0.500)", "1.25 (1.25–1.25)", "≤ 1: **not met**"]
    assert rows[2][2] == "failed (1 of 1: 7 operations failed)"
    assert ["ours", "2.00 (2.00–2.00)", "58.6 (58.6–58.6)"] in rows
    assert ["ours", "1350", "0.20", "0.500", "failures, rate not reached"] in rows
    assert ["50,000", "68.4", "0.500", "2", ""] in rows
    assert "grew by 0.0 octets a call" in page
    assert "our servers: without a web server" in page


def test_page_says_that_there_was_a_web_server() -> None:
    facts = Conditions("CPU", 2, 24.0, "Linux", "Python", "5.6.3", "3.6.1", "uvloop", 0, 1, "niceness 0", 0.5, "...")
    page = markdown(Results(conditions=facts, servers=["ours"], repeat=1, web=True))
    assert "our servers: with a web server" in page


def test_page_and_values_have_the_times_in_the_server_beside_their_goals() -> None:
    facts = Conditions("CPU", 2, 24.0, "Linux", "Python", "5.6.3", "3.6.1", "uvloop", 0, 1, "niceness 0", 0.5, "...")
    runs = series(Kamailio=[0.4], quick=[0.5], slow=[0.5], broken=[0.5])
    for server, ms in (("Kamailio", 0.5), ("quick", 2.9), ("slow", 3.0)):
        runs.answers[server] = Answers.of(Turns([ms] * 98 + [20.0] * 2 * (server == "slow")), lost=0, problem=None)
    runs.answers["broken"] = Answers.of(Turns([1.0]), lost=3, problem=None)
    results = Results(conditions=facts, servers=list(runs.runs), repeat=1, series=[runs, series(Kamailio=[0.4])])
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in markdown(results).splitlines()]
    assert [row for row in rows if row and row[0] == "call at 400/s"][-1][1:] == [
        "0.50 / 0.50 / 0.50",
        *("2.90 / 2.90 / 2.90", "met"),
        *("3.00 / 20.00 / 20.00", "p50 and p99 **not met**"),
        *("failed (3 packets were not seen)", "–"),
    ]
    assert results.values()["series"][0]["answers"]["slow"]["p99"] == 20.0
    runs.answers.clear()
    assert "in the server" not in markdown(results)
