"""The transferor has hung up, and the new party rings: nobody is there to take what the transferee asks."""

from __future__ import annotations

import pytest

from tests.scenarios.calls.office import Office, connected
from tests.support.phones import sdp
from tests.support.talks import Talk

DTMF = b"Signal=5\r\nDuration=160\r\n"


@pytest.fixture
def waiting(office: Office) -> tuple[Talk, Talk]:
    """102, who was transferred by 101 to 103, and 103, whose phone rings."""
    anna, boris, clara = office.three()
    first, transferee = connected(anna, boris)
    first.refer("103")
    ring = clara.rung()
    ring.ring()
    first.bye()
    return transferee, ring


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_offer_of_the_transferee_is_to_be_made_again_and_the_transfer_goes_on(
    waiting: tuple[Talk, Talk], method: str
) -> None:
    transferee, ring = waiting
    offer = sdp(transferee.phone.host, direction="sendonly", version=2)
    assert transferee.send(method, body=offer).status == 491
    ring.answer()
    assert ring.acks
    assert transferee.send(method, body=offer).status == 200
    assert b"sendonly" in ring.methods(method)[-1].body


def test_digit_of_the_transferee_does_not_cost_it_the_call(waiting: tuple[Talk, Talk]) -> None:
    """A phone that is answered 481 forgets the dialog (RFC 3261 §12.2.1.2)."""
    transferee, ring = waiting
    digit = transferee.send("INFO", body=DTMF, content_type="application/dtmf-relay")
    assert digit.status == 500
    assert digit.answer.get("Retry-After") == "2"
    ring.answer()
    assert transferee.send("INFO", body=DTMF, content_type="application/dtmf-relay").status == 200


def test_refresh_of_the_transferee_is_answered(waiting: tuple[Talk, Talk]) -> None:
    transferee, ring = waiting
    assert transferee.send("UPDATE").status == 200
    ring.reject(486)
    assert transferee.ended
