"""What is measured, at which rates, and what the goals are."""

from dataclasses import dataclass

PLAIN_USERS = 1000
BUSY_USERS = 100
REGISTRATIONS = 5000  # of the measurement of memory

ADDED_P50 = 3  # ms, the goal for response times under half load
ADDED_P99 = 20  # ms
KIB_PER_REGISTRATION = 2.0


@dataclass(frozen=True, slots=True)
class Case:
    """One scenario of the kit at one rate.

    Args:
        count: operations of one run; the kernel counts CPU time in steps of 10 ms, so no fewer than 1000.
        goal: CPU time of the server, in multiples of Kamailio's; None: no goal.
        goal_ms: the same in ms an operation, None likewise.
    """

    scenario: str
    rate: float
    count: int
    goal: float | None = 1.0
    goal_ms: float | None = None

    @property
    def name(self) -> str:
        return f"{self.scenario} at {self.rate:g}/s"


CASES = (
    Case("register", 1000, 3000, goal_ms=0.10),
    Case("call", 100, 1000),
    Case("call", 200, 1000),
    Case("call", 400, 2000),
    Case("forward", 200, 1000),
    Case("message", 200, 1000),
    Case("options", 1000, 3000, goal=None),
)


def choose(scenarios: list[str] | None, rate: float | None, count: int | None) -> list[Case]:
    """The cases of these scenarios (all if None), at another rate or with another count where given."""
    chosen = [case for case in CASES if scenarios is None or case.scenario in scenarios]
    if rate is not None:
        goals = {case.scenario: case for case in chosen}
        chosen = [Case(name, rate, max(1000, int(rate * 5)), case.goal) for name, case in goals.items()]
    if count is not None:
        chosen = [Case(case.scenario, case.rate, count, case.goal, case.goal_ms) for case in chosen]
    return chosen
