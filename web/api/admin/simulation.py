"""The admin's preview: where any call would go, by the function that routes real calls."""

from pydantic import Field

from pbx.routing.explain import describe
from pbx.routing.number import normalise
from pbx.routing.outcome import Outcome
from pbx.simulation import registered_numbers, simulate_call
from web.api.forwarding import Assumed, TrialResult, as_moment
from web.api.section import Access, Section
from web.api.shapes import Shape
from web.auth.sessions import SignedIn
from web.language import wanted_language
from web.looks import RULES_VIEWED
from web.services import services

section = Section("admin_simulation", title="admin: simulation", prefix="/api/v1/admin")


class CallTrial(Shape):
    """A call that nobody makes."""

    caller: str | None = Field(default=None, max_length=64, examples=["101"], description="null: shows no number")
    dialled: str = Field(min_length=1, max_length=64, examples=["102"])
    at: str | None = Field(
        default=None, max_length=40, examples=["2026-12-01T19:30"], description="null: now; local where no zone is said"
    )
    states: dict[str, Assumed] = Field(
        default={}, examples=[{"102": "busy"}], description="by number; others as their phones are registered"
    )


@section.post("/simulate", Access.ADMIN, body=CallTrial, answer=TrialResult)
def simulate(user: SignedIn, body: CallTrial) -> TrialResult:
    """Say where a call would go, and why; a look at the rules of whom it is for, and audited as such."""
    given, language = services(), wanted_language()
    called = normalise(body.dialled)
    if called != user.number and given.directory.user(called) is not None:
        given.looks.note(user.number, RULES_VIEWED, called)
    now = given.now().timestamp()
    result = simulate_call(
        given.directory,
        given.read(lambda session: registered_numbers(session, now)),
        caller=body.caller,
        dialled=body.dialled,
        at=as_moment(given, body.at),
        states={normalise(number): Outcome(state) for number, state in body.states.items()},
        language=language,
    )
    return TrialResult(
        lines=list(result.story), plan=describe(result.plan, language), answered_by=result.answered_by, warnings=[]
    )
