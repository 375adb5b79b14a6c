"""What the record of a call says about its end is what happened."""

from __future__ import annotations

import pytest

from tests.scenarios.calls.office import Office, connected


def _end(office: Office) -> None:
    (call,) = office.switch.calls.values()
    call.hang_up('SIP;cause=200;text="Ended by an administrator"', "ended by an administrator")
    office.run(0.1)


@pytest.mark.parametrize("rings", [1, 2])
def test_call_that_an_admin_ended_while_it_rang_was_not_given_up_by_its_caller(office: Office, rings: int) -> None:
    anna = office.phone("101")
    phones = [office.phone(name) for name in ("102", "102-b")[:rings]]
    anna.call("102")
    for phone in phones:
        phone.rung().ring()
    office.run(7.0)
    _end(office)
    record = office.record
    assert record.story[-1] == "2  102 was no longer called (7 s)"
    assert record.cause == "ended by an administrator"


def test_target_of_a_transfer_that_hung_up_before_it_was_joined_is_the_one_who_hung_up(office: Office) -> None:
    anna, boris, clara = office.three()
    call, ring = connected(anna, boris)
    del boris.auto["INVITE"]
    call.refer("103")
    target = clara.rung()
    target.answer()
    target.bye()
    ring.reply(ring.methods("INVITE")[0], 488)
    assert (office.record.caller, office.record.dialled, office.record.cause) == ("102", "103", "callee hung up")
