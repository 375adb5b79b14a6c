"""A user's forwarding rules: read, replaced as a whole, and tried out by the function that routes real calls."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy.orm import Session

from pbx.audit.models import AuditEntry
from pbx.audit.service import entries
from pbx.directory.forwarding import (
    MAX_RULES,
    MAX_TARGETS,
    RuleWish,
    draft_rules,
    list_rules,
    replace_rules,
    rules_version,
)
from pbx.directory.snapshot import EVERY_DAY, Rule, RuleKind
from pbx.routing.explain import describe
from pbx.routing.number import normalise
from pbx.routing.outcome import Outcome
from pbx.routing.schedule import format_time, parse_time
from pbx.routing.words import Language
from pbx.simulation import moment, registered_numbers, simulate_call
from web.api.section import Access, Section
from web.api.shapes import Moment, Page, Shape, Warned
from web.auth.sessions import SignedIn
from web.errors import Invalid
from web.language import wanted_language
from web.services import Services, services

section = Section("forwarding")

Day = Annotated[int, Field(ge=0, le=6)]
Assumed = Literal["answered", "busy", "no-answer", "unreachable", "dnd"]
HISTORY = 50
ACTIONS = "forwarding."  # how those of the audit trail begin

_UNKNOWN = {Language.ENGLISH: "{} is no user or group here", Language.RUSSIAN: "здесь нет абонента или группы {}"}


class RuleShape(Shape):
    """A forwarding rule. `id` and `version` are the server's: what is sent back of them is not looked at."""

    id: int | None = Field(default=None, examples=[17])
    kind: RuleKind
    targets: list[str] = Field(
        default=[], max_length=MAX_TARGETS, examples=[["205"]], description="ring together; none for dnd"
    )
    after: int | None = Field(default=None, examples=[15], description="no-answer: seconds; null: the server's default")
    caller: str | None = Field(
        default=None, examples=[None], description="caller: a number, a prefix as 7495*, or anonymous"
    )
    start: str | None = Field(default=None, examples=[None], description="time: HH:MM, when the window begins")
    end: str | None = Field(default=None, examples=[None], description="time: HH:MM, when it ends")
    days: list[Day] | None = Field(default=None, examples=[None], description="time: on which it begins, 0 is Monday")
    version: int | None = Field(default=None, examples=[3])


class Rules(Shape):
    """All rules of a user. `version` changes with every change of them."""

    version: int = Field(examples=[193467201344375])
    rules: list[RuleShape]
    ring_seconds: int = Field(examples=[20], description="how long a phone rings where no rule says otherwise")
    changed_at: Moment | None = Field(description="null: never since the audit trail begins")
    changed_by: str | None = Field(examples=["102"], description="a number, or who typed a command as cli:root")


class NewRules(Shape):
    """What the rules shall be; `version` is that of the rules which were changed into these."""

    version: int = Field(examples=[193467201344375])
    rules: list[RuleShape] = Field(max_length=MAX_RULES)


class RulesSet(Rules, Warned):
    """The rules as they now hold."""


class Trial(Shape):
    """A call to me that nobody makes."""

    rules: list[RuleShape] = Field(max_length=MAX_RULES, description="tried out, not stored")
    caller: str | None = Field(default=None, max_length=64, examples=["101"], description="null: shows no number")
    at: str | None = Field(
        default=None, max_length=40, examples=["2026-12-01T19:30"], description="null: now; local where no zone is said"
    )
    states: dict[str, Assumed] = Field(
        default={}, examples=[{"102": "busy"}], description="by number; others as their phones are registered"
    )


class TrialResult(Shape):
    """What would happen."""

    lines: list[str] = Field(
        examples=[["1  rings 102 for 15 s, because 102 was dialled", "2  102 is busy: the call ends"]],
        description="the call as it would go",
    )
    plan: list[str] = Field(
        examples=[["1  rings 102 for 15 s, because 102 was dialled"]], description="what follows every outcome"
    )
    answered_by: str | None = Field(examples=["205"])
    warnings: list[str] = Field(examples=[["555 is no user or group here"]])


class RulesChange(Shape):
    """One change of the rules."""

    at: Moment
    actor: str = Field(examples=["102"], description="a number, or who typed a command as cli:root")
    action: str = Field(examples=["forwarding.replaced"])
    before: object
    after: object


class RulesChangePage(Page[RulesChange]):
    """The changes of my rules, the newest first."""


@section.get("/me/forwarding", Access.USER, answer=Rules)
def show_rules(user: SignedIn) -> Rules:
    """My forwarding rules."""
    return rules_of(services(), user.number)


@section.put("/me/forwarding", Access.USER, body=NewRules, answer=RulesSet)
def put_rules(user: SignedIn, body: NewRules) -> RulesSet:
    """Replace my forwarding rules; in force for the next call.

    409 `stale-version` where they were changed meanwhile, as on the phone or by an admin.
    """
    return set_rules(services(), user.number, body, actor=user.number)


@section.post("/me/forwarding/simulate", Access.USER, body=Trial, answer=TrialResult)
def simulate(user: SignedIn, body: Trial) -> TrialResult:
    """Say what would happen to a call to me, by these rules."""
    return try_out(services(), user.number, body, wanted_language())


@section.get("/me/forwarding/history", Access.USER, answer=RulesChangePage)
def show_history(user: SignedIn) -> RulesChangePage:
    """Who changed my rules, and how."""
    return history_of(services(), user.number)


def history_of(given: Services, number: str) -> RulesChangePage:
    """The changes of a user's rules, the newest first."""
    rows = given.read(lambda session: entries(session, subject=number, action=ACTIONS, limit=HISTORY))
    return RulesChangePage(
        items=[
            RulesChange(at=row.at, actor=row.actor, action=row.action, before=row.before, after=row.after)
            for row in rows
        ]
    )


def rules_of(given: Services, number: str) -> Rules:
    """The rules of a user. Raises NotFound."""

    def find(session: Session) -> tuple[tuple[Rule, ...], Sequence[AuditEntry]]:
        return list_rules(session, number), entries(session, subject=number, action=ACTIONS, limit=1)

    rules, last = given.read(find)
    return Rules(
        version=rules_version(rules),
        rules=[as_shape(rule) for rule in rules],
        ring_seconds=given.settings.calls.ring_seconds,
        changed_at=last[0].at if last else None,
        changed_by=last[0].actor if last else None,
    )


def set_rules(given: Services, number: str, wanted: NewRules, *, actor: str) -> RulesSet:
    """Replaces the rules of a user. Raises NotFound, BadValue, StaleVersion."""
    wishes = as_wishes(wanted.rules)
    warnings = given.act(lambda tx: replace_rules(tx, number, wishes, actor=actor, version=wanted.version))
    return RulesSet(**rules_of(given, number).model_dump(), warnings=list(warnings))


def try_out(given: Services, number: str, trial: Trial, language: Language) -> TrialResult:
    """A call to a user whose rules are those of the trial. Raises BadValue, Invalid."""
    directory = given.directory
    user = directory.user(number)
    if user is None:
        raise Invalid(f"{number} has no number that could be called")
    drafted = draft_rules(number, user.rules, as_wishes(trial.rules))
    tried = directory.with_changes(directory.version, users={number: replace(user, rules=drafted)})
    now = given.now().timestamp()
    registered = given.read(lambda session: registered_numbers(session, now))
    states = {normalise(target): Outcome(state) for target, state in trial.states.items()}
    at = as_moment(given, trial.at)
    result = simulate_call(
        tried, registered, caller=trial.caller, dialled=number, at=at, states=states, language=language
    )
    known = {*directory.users, *directory.groups}
    named = dict.fromkeys(target for rule in drafted for target in rule.targets)
    return TrialResult(
        lines=list(result.story),
        plan=describe(result.plan, language),
        answered_by=result.answered_by,
        warnings=[_UNKNOWN[language].format(target) for target in named if target not in known],
    )


def as_moment(given: Services, text: str | None) -> datetime:
    """The time of a trial. Raises Invalid."""
    try:
        return given.local_now() if text is None else moment(text, given.zone)
    except ValueError as error:
        raise Invalid(str(error), details={"at": [str(error)]}) from error


def as_shape(rule: Rule) -> RuleShape:
    """A rule as the API shows it."""
    return RuleShape(
        id=rule.id,
        kind=rule.kind,
        targets=list(rule.targets),
        after=rule.after,
        caller=rule.caller,
        start=format_time(rule.start) if rule.start is not None else None,
        end=format_time(rule.end) if rule.end is not None else None,
        days=sorted(rule.days) if rule.kind is RuleKind.TIME else None,
        version=rule.version,
    )


def as_wishes(rules: list[RuleShape]) -> list[RuleWish]:
    """Rules as somebody sent them. Raises ScheduleError."""
    return [
        RuleWish(
            kind=rule.kind,
            targets=tuple(rule.targets),
            after=rule.after,
            caller=rule.caller,
            start=parse_time(rule.start) if rule.start is not None else None,
            end=parse_time(rule.end) if rule.end is not None else None,
            days=_days(rule),
        )
        for rule in rules
    ]


def _days(rule: RuleShape) -> frozenset[int] | None:
    if rule.days is None:
        return EVERY_DAY if rule.kind is RuleKind.TIME else None
    return frozenset(rule.days)
