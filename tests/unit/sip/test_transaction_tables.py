"""The four transaction machines: every state with every input, on a transport that loses and on one that does not."""

import pytest

from sip.transaction.client import InviteClient, NonInviteClient
from sip.transaction.effects import StartTimer
from sip.transaction.server import InviteServer, NonInviteServer
from sip.transaction.tables import TIMER_INPUTS, Input, Machine, State
from tests.unit.sip.machines import MACHINES, give, in_words, machine

S, I = State, Input  # noqa: E741 - the table is to be read as a table

Row = tuple[State, Input, State, list[str]]

INVITE_CLIENT: list[Row] = [
    (S.CALLING, I.RESPONSE_1XX, S.PROCEEDING, ["up 180"]),
    (S.CALLING, I.RESPONSE_2XX, S.ACCEPTED, ["timer M 32", "up 200"]),
    (S.CALLING, I.RESPONSE_3XX_6XX, S.COMPLETED, ["send ACK", "timer D 32", "up 486"]),
    (S.CALLING, I.TIMER_A, S.CALLING, ["send INVITE", "timer A 1"]),
    (S.CALLING, I.TIMER_B, S.TERMINATED, ["end timeout"]),
    (S.CALLING, I.TRANSPORT_ERROR, S.TERMINATED, ["end transport"]),
    (S.PROCEEDING, I.RESPONSE_1XX, S.PROCEEDING, ["up 180"]),
    (S.PROCEEDING, I.RESPONSE_2XX, S.ACCEPTED, ["timer M 32", "up 200"]),
    (S.PROCEEDING, I.RESPONSE_3XX_6XX, S.COMPLETED, ["send ACK", "timer D 32", "up 486"]),
    (S.PROCEEDING, I.ABANDONED, S.TERMINATED, ["end timeout"]),
    (S.PROCEEDING, I.TRANSPORT_ERROR, S.TERMINATED, ["end transport"]),
    (S.COMPLETED, I.RESPONSE_3XX_6XX, S.COMPLETED, ["send ACK"]),
    (S.COMPLETED, I.TIMER_D, S.TERMINATED, ["end"]),
    (S.COMPLETED, I.TRANSPORT_ERROR, S.TERMINATED, ["end"]),
    (S.ACCEPTED, I.RESPONSE_2XX, S.ACCEPTED, ["up 200"]),
    (S.ACCEPTED, I.TIMER_M, S.TERMINATED, ["end"]),
]

NON_INVITE_CLIENT: list[Row] = [
    (S.TRYING, I.RESPONSE_1XX, S.PROCEEDING, ["up 180"]),
    (S.TRYING, I.RESPONSE_2XX, S.COMPLETED, ["up 200", "timer K 5"]),
    (S.TRYING, I.RESPONSE_3XX_6XX, S.COMPLETED, ["up 486", "timer K 5"]),
    (S.TRYING, I.TIMER_E, S.TRYING, ["send OPTIONS", "timer E 1"]),
    (S.TRYING, I.TIMER_F, S.TERMINATED, ["end timeout"]),
    (S.TRYING, I.TRANSPORT_ERROR, S.TERMINATED, ["end transport"]),
    (S.PROCEEDING, I.RESPONSE_1XX, S.PROCEEDING, ["up 180"]),
    (S.PROCEEDING, I.RESPONSE_2XX, S.COMPLETED, ["up 200", "timer K 5"]),
    (S.PROCEEDING, I.RESPONSE_3XX_6XX, S.COMPLETED, ["up 486", "timer K 5"]),
    (S.PROCEEDING, I.TIMER_E, S.PROCEEDING, ["send OPTIONS", "timer E 4"]),
    (S.PROCEEDING, I.TIMER_F, S.TERMINATED, ["end timeout"]),
    (S.PROCEEDING, I.TRANSPORT_ERROR, S.TERMINATED, ["end transport"]),
    (S.COMPLETED, I.TIMER_K, S.TERMINATED, ["end"]),
]

INVITE_SERVER: list[Row] = [
    (S.PROCEEDING, I.REQUEST, S.PROCEEDING, ["send 100"]),
    (S.PROCEEDING, I.RESPONSE_1XX, S.PROCEEDING, ["send 180"]),
    (S.PROCEEDING, I.RESPONSE_2XX, S.ACCEPTED, ["send 200", "timer L 32"]),
    (S.PROCEEDING, I.RESPONSE_3XX_6XX, S.COMPLETED, ["send 486", "timer G 0.5", "timer H 32"]),
    (S.PROCEEDING, I.TRANSPORT_ERROR, S.TERMINATED, ["end transport"]),
    (S.COMPLETED, I.REQUEST, S.COMPLETED, ["send 100"]),
    (S.COMPLETED, I.TIMER_G, S.COMPLETED, ["send 100", "timer G 1"]),
    (S.COMPLETED, I.TIMER_H, S.TERMINATED, ["end timeout"]),
    (S.COMPLETED, I.ACK, S.CONFIRMED, ["timer I 5"]),
    (S.COMPLETED, I.TRANSPORT_ERROR, S.TERMINATED, ["end transport"]),
    (S.CONFIRMED, I.TIMER_I, S.TERMINATED, ["end"]),
    (S.ACCEPTED, I.RESPONSE_2XX, S.ACCEPTED, ["send 200"]),
    (S.ACCEPTED, I.ACK, S.ACCEPTED, ["up ACK"]),
    (S.ACCEPTED, I.TIMER_L, S.TERMINATED, ["end"]),
]

NON_INVITE_SERVER: list[Row] = [
    (S.TRYING, I.RESPONSE_1XX, S.PROCEEDING, ["send 180"]),
    (S.TRYING, I.RESPONSE_2XX, S.COMPLETED, ["send 200", "timer J 32"]),
    (S.TRYING, I.RESPONSE_3XX_6XX, S.COMPLETED, ["send 486", "timer J 32"]),
    (S.TRYING, I.TRANSPORT_ERROR, S.TERMINATED, ["end transport"]),
    (S.PROCEEDING, I.REQUEST, S.PROCEEDING, ["send 100"]),
    (S.PROCEEDING, I.RESPONSE_1XX, S.PROCEEDING, ["send 180"]),
    (S.PROCEEDING, I.RESPONSE_2XX, S.COMPLETED, ["send 200", "timer J 32"]),
    (S.PROCEEDING, I.RESPONSE_3XX_6XX, S.COMPLETED, ["send 486", "timer J 32"]),
    (S.PROCEEDING, I.TRANSPORT_ERROR, S.TERMINATED, ["end transport"]),
    (S.COMPLETED, I.REQUEST, S.COMPLETED, ["send 100"]),
    (S.COMPLETED, I.TIMER_J, S.TERMINATED, ["end"]),
    (S.COMPLETED, I.TRANSPORT_ERROR, S.TERMINATED, ["end"]),
]

# What differs where the transport retransmits by itself (RFC 3261 §17: timers of zero, none of A, E and G).
RELIABLE = {
    "timer D 32": "timer D 0",
    "timer K 5": "timer K 0",
    "timer I 5": "timer I 0",
    "timer J 32": "timer J 0",
    "timer G 0.5": "",
}

TABLES: dict[type[Machine], list[Row]] = {
    InviteClient: INVITE_CLIENT,
    NonInviteClient: NON_INVITE_CLIENT,
    InviteServer: INVITE_SERVER,
    NonInviteServer: NON_INVITE_SERVER,
}
ROWS = [(kind, *row) for kind, rows in TABLES.items() for row in rows]
ABSENT = [
    (kind, state, happened)
    for kind, rows in TABLES.items()
    for state in State
    for happened in Input
    if (state, happened) not in {row[:2] for row in rows}
]

# States that no timer of theirs ends: they last until our own side answers, or until the TU gives up (§17.1.1.2).
WAIT_FOR_THE_USER = {
    (InviteClient, S.PROCEEDING),
    (InviteServer, S.PROCEEDING),
    (NonInviteServer, S.TRYING),
    (NonInviteServer, S.PROCEEDING),
}


def _name(value: object) -> str:
    if isinstance(value, type):
        return value.__name__
    return value.name if isinstance(value, State | Input) else ""


@pytest.mark.parametrize(("kind", "state", "happened", "follows", "effects"), ROWS, ids=_name)
def test_input_moves_the_machine_and_has_its_effects(
    kind: type[Machine], state: State, happened: Input, follows: State, effects: list[str]
) -> None:
    transaction = machine(kind, state)
    assert in_words(give(transaction, happened)) == effects
    assert transaction.state is follows


@pytest.mark.parametrize(("kind", "state", "happened", "follows", "effects"), ROWS, ids=_name)
def test_reliable_transport_needs_no_retransmission(
    kind: type[Machine], state: State, happened: Input, follows: State, effects: list[str]
) -> None:
    transaction = machine(kind, state, reliable=True)
    expected = [words for effect in effects if (words := RELIABLE.get(effect, effect))]
    assert in_words(give(transaction, happened)) == expected
    assert transaction.state is follows


@pytest.mark.parametrize(("kind", "state", "happened"), ABSENT, ids=_name)
def test_input_that_the_state_does_not_know_has_no_effect(kind: type[Machine], state: State, happened: Input) -> None:
    transaction = machine(kind, state)
    before = getattr(transaction, "last", b"")
    assert give(transaction, happened) == []
    assert transaction.state is state
    assert getattr(transaction, "last", b"") == before


@pytest.mark.parametrize("kind", MACHINES, ids=_name)
def test_every_state_is_reached_from_the_first_and_reaches_the_end(kind: type[Machine]) -> None:
    steps = {(state, step.state) for (state, _), step in kind.table.items()}
    first = machine(kind, State.TERMINATED).first_state
    states = {state for state, _ in steps}
    assert _closure(first, steps) == states | {State.TERMINATED}
    for state in states:
        assert State.TERMINATED in _closure(state, steps)


@pytest.mark.parametrize("kind", MACHINES, ids=_name)
def test_every_state_that_waits_for_the_peer_is_ended_by_a_timer_that_runs(kind: type[Machine]) -> None:
    running: dict[State, set[Input]] = {}
    for (state, happened), step in kind.table.items():
        effects = give(machine(kind, state), happened)
        started = {TIMER_INPUTS[effect.name] for effect in effects if isinstance(effect, StartTimer)}
        for timer in started:  # none is started for a state that takes no notice of it
            assert (step.state, timer) in kind.table
        running.setdefault(step.state, set()).update(started)
    first = machine(kind, State.TERMINATED)
    if isinstance(first, InviteClient | NonInviteClient):
        running.setdefault(first.first_state, set()).add(TIMER_INPUTS[first.give_up])
        running.setdefault(State.PROCEEDING, set()).add(TIMER_INPUTS[first.give_up])  # goes on running
    for state in {state for state, _ in kind.table}:
        ends = any((state, timer) in kind.table and kind.table[state, timer].state is State.TERMINATED
                   for timer in running.get(state, ()))  # fmt: skip
        assert ends is ((kind, state) not in WAIT_FOR_THE_USER), state


def _closure(start: State, steps: set[tuple[State, State]]) -> set[State]:
    reached, fresh = {start}, {start}
    while fresh:
        fresh = {after for before, after in steps if before in fresh} - reached
        reached |= fresh
    return reached
