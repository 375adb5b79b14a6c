"""Who may offer when: each exchange of RFC 6337 table 1 from both sides, and what is refused."""

import pytest

from sip.errors import InvalidTransition
from sip.sdp.errors import OfferAnswerError
from sip.sdp.offer_answer import Carrier, Meaning, OfferAnswer, State

INVITE, PROVISIONAL, RELIABLE, FINAL, ACK, PRACK, PRACK_FINAL, UPDATE, UPDATE_FINAL = Carrier
NOTHING, OFFER, PREVIEW, ANSWER, IGNORED = Meaning

# A message: whether the one who began the exchange sends it, what it is, whether it has SDP, and what that means.
Message = tuple[bool, Carrier, bool, Meaning]


def asks(carrier: Carrier, meaning: Meaning = NOTHING) -> Message:
    return True, carrier, meaning is not NOTHING, meaning


def says(carrier: Carrier, meaning: Meaning = NOTHING) -> Message:
    return False, carrier, meaning is not NOTHING, meaning


EXCHANGES: dict[str, list[Message]] = {
    "1: INVITE, 2xx": [asks(INVITE, OFFER), says(PROVISIONAL), says(FINAL, ANSWER), asks(ACK)],
    "1 with the answer early": [
        asks(INVITE, OFFER), says(PROVISIONAL, PREVIEW), says(PROVISIONAL, PREVIEW), says(FINAL, ANSWER), asks(ACK),
    ],
    "1 with the answer early only": [asks(INVITE, OFFER), says(PROVISIONAL, PREVIEW), says(FINAL), asks(ACK)],
    "2: 2xx, ACK": [asks(INVITE), says(PROVISIONAL), says(FINAL, OFFER), asks(ACK, ANSWER)],
    "2 with the offer early": [asks(INVITE), says(PROVISIONAL, IGNORED), says(FINAL, OFFER), asks(ACK, ANSWER)],
    "3: INVITE, reliable 1xx": [
        asks(INVITE, OFFER), says(RELIABLE, ANSWER), asks(PRACK), says(PRACK_FINAL), says(FINAL), asks(ACK),
    ],
    "3 with the answer repeated": [
        asks(INVITE, OFFER), says(RELIABLE, ANSWER), asks(PRACK), says(PRACK_FINAL), says(PROVISIONAL, IGNORED),
        says(RELIABLE, IGNORED), asks(PRACK), says(PRACK_FINAL), says(FINAL, IGNORED), asks(ACK),
    ],
    "3 after a reliable 1xx without": [
        asks(INVITE, OFFER), says(RELIABLE), asks(PRACK), says(PRACK_FINAL), says(FINAL, ANSWER), asks(ACK),
    ],
    "4: reliable 1xx, PRACK": [
        asks(INVITE), says(RELIABLE, OFFER), asks(PRACK, ANSWER), says(PRACK_FINAL), says(FINAL), asks(ACK),
    ],
    "5: PRACK, its 2xx": [
        asks(INVITE, OFFER), says(RELIABLE, ANSWER), asks(PRACK, OFFER), says(PRACK_FINAL, ANSWER), says(FINAL),
        asks(ACK),
    ],
    "6: UPDATE, its 2xx": [asks(UPDATE, OFFER), says(UPDATE_FINAL, ANSWER)],
    "6 while ringing, by the caller": [
        asks(INVITE, OFFER), says(RELIABLE, ANSWER), asks(PRACK), says(PRACK_FINAL), asks(UPDATE, OFFER),
        says(UPDATE_FINAL, ANSWER), says(FINAL), asks(ACK),
    ],
    "6 while ringing, by the callee": [
        asks(INVITE, OFFER), says(RELIABLE, ANSWER), asks(PRACK), says(PRACK_FINAL), says(UPDATE, OFFER),
        asks(UPDATE_FINAL, ANSWER), says(FINAL), asks(ACK),
    ],
    "UPDATE that only refreshes": [asks(UPDATE), says(UPDATE_FINAL)],
    "ACK with a description that nobody awaits": [
        asks(INVITE, OFFER), says(FINAL, ANSWER), asks(ACK, IGNORED),
    ],
    "re-INVITE before the ACK has come": [
        asks(INVITE, OFFER), says(FINAL, ANSWER), asks(INVITE, OFFER), says(FINAL, ANSWER), asks(ACK),
    ],
}  # fmt: skip


def take(machine: OfferAnswer, ours: bool, carrier: Carrier, described: bool) -> Meaning:
    return (machine.sent if ours else machine.received)(carrier, described=described)


@pytest.mark.parametrize("we_begin", [True, False], ids=["we begin", "the peer begins"])
@pytest.mark.parametrize("exchange", EXCHANGES.values(), ids=EXCHANGES)
def test_an_exchange_is_understood_by_both_sides(exchange: list[Message], we_begin: bool) -> None:
    machine = OfferAnswer()
    for begins, carrier, described, meaning in exchange * 2:  # a dialog is as good for the second exchange
        ours = begins == we_begin
        assert take(machine, ours, carrier, described) is meaning
        if meaning is OFFER:
            assert machine.state is (State.OFFER_SENT if ours else State.OFFER_RECEIVED)
        if meaning is ANSWER:
            assert machine.state is State.STABLE
    assert machine.state is State.STABLE
    assert machine.may_invite


# What has happened, as (ours, carrier, described), then what the peer must not send, and the answer to that.
REFUSED: dict[str, tuple[list[tuple[bool, Carrier, bool]], Carrier, bool, int]] = {
    "re-INVITEs that cross": ([(True, INVITE, True)], INVITE, True, 491),
    "re-INVITEs without offers that cross": ([(True, INVITE, False)], INVITE, False, 491),
    "a second INVITE before the first is answered": ([(False, INVITE, True)], INVITE, True, 500),
    "a second INVITE after an early answer": ([(False, INVITE, True), (True, RELIABLE, True)], INVITE, True, 500),
    "UPDATEs that cross": ([(True, UPDATE, True)], UPDATE, True, 491),
    "UPDATE across our INVITE": ([(True, INVITE, True)], UPDATE, True, 491),
    "UPDATE across the offer in our 2xx": ([(False, INVITE, False), (True, FINAL, True)], UPDATE, True, 491),
    "INVITE across our UPDATE": ([(True, UPDATE, True)], INVITE, True, 491),
    "INVITE without offer across our UPDATE": ([(True, UPDATE, True)], INVITE, False, 491),
    "a second UPDATE before the first is answered": ([(False, UPDATE, True)], UPDATE, True, 500),
    "UPDATE before its INVITE's offer is answered": ([(False, INVITE, True)], UPDATE, True, 500),
    "UPDATE before our offer has come": ([(False, INVITE, False)], UPDATE, True, 500),
    "PRACK with an offer before the first answer": ([(False, INVITE, True), (True, RELIABLE, False)], PRACK, True, 500),
    "2xx without the answer": ([(True, INVITE, True)], FINAL, False, 488),
    "2xx without the offer": ([(True, INVITE, False)], FINAL, False, 488),
    "ACK without the answer": ([(False, INVITE, False), (True, FINAL, True)], ACK, False, 488),
    "PRACK without the answer": ([(False, INVITE, False), (True, RELIABLE, True)], PRACK, False, 488),
    "2xx to UPDATE without the answer": ([(True, UPDATE, True)], UPDATE_FINAL, False, 488),
}  # fmt: skip


@pytest.mark.parametrize(("happened", "carrier", "described", "status"), REFUSED.values(), ids=REFUSED)
def test_what_the_peer_must_not_send_has_its_answer_and_changes_nothing(
    happened: list[tuple[bool, Carrier, bool]], carrier: Carrier, described: bool, status: int
) -> None:
    machine = OfferAnswer()
    for ours, before, with_sdp in happened:
        take(machine, ours, before, with_sdp)
    state = machine.state
    for _ in range(2):
        with pytest.raises(OfferAnswerError) as caught:
            machine.received(carrier, described=described, retry_after=7)
        assert (caught.value.status, caught.value.retry_after) == (status, 7 if status == 500 else None)
    assert machine.state is state


@pytest.mark.parametrize(("happened", "carrier", "described", "status"), REFUSED.values(), ids=REFUSED)
def test_what_the_peer_must_not_send_we_must_not_either(
    happened: list[tuple[bool, Carrier, bool]], carrier: Carrier, described: bool, status: int
) -> None:
    machine = OfferAnswer()
    for ours, before, with_sdp in happened:
        take(machine, not ours, before, with_sdp)
    with pytest.raises(InvalidTransition, match=str(carrier)):
        machine.sent(carrier, described=described)


@pytest.mark.parametrize(
    ("happened", "may_offer", "may_invite"),
    [
        ([], True, True),
        ([(True, UPDATE, True)], False, False),
        ([(False, UPDATE, True)], False, False),
        ([(True, INVITE, True)], False, False),
        ([(True, INVITE, False)], False, False),
        ([(False, INVITE, True), (True, RELIABLE, True)], True, False),
        ([(True, INVITE, True), (False, FINAL, True)], True, True),
    ],
)
def test_the_machine_tells_whether_we_may_ask(
    happened: list[tuple[bool, Carrier, bool]], may_offer: bool, may_invite: bool
) -> None:
    machine = OfferAnswer()
    for ours, carrier, described in happened:
        take(machine, ours, carrier, described)
    assert (machine.may_offer, machine.may_invite) == (may_offer, may_invite)


@pytest.mark.parametrize(
    ("happened", "request_", "with_offer"),
    [
        ([(True, INVITE, True)], INVITE, True),
        ([(True, INVITE, True), (False, PROVISIONAL, True)], INVITE, True),
        ([(True, INVITE, False)], INVITE, False),
        ([(False, INVITE, False), (True, RELIABLE, True)], INVITE, True),
        ([(True, INVITE, True), (False, RELIABLE, True)], INVITE, False),
        ([(False, UPDATE, True)], UPDATE, True),
        ([(False, UPDATE, False)], UPDATE, False),
    ],
)
def test_a_refused_request_takes_its_offer_with_it(
    happened: list[tuple[bool, Carrier, bool]], request_: Carrier, with_offer: bool
) -> None:
    machine = OfferAnswer()
    for ours, carrier, described in happened:
        take(machine, ours, carrier, described)
    assert machine.refused(request_) is with_offer
    assert machine.may_invite
    # The preview of an offer that is gone is no answer to the next one.
    machine.sent(INVITE, described=True)
    with pytest.raises(OfferAnswerError):
        machine.received(FINAL, described=False)


def test_a_refused_prack_leaves_the_invite_to_go_on() -> None:
    machine = OfferAnswer()
    machine.sent(INVITE, described=True)
    machine.received(RELIABLE, described=True)
    machine.sent(PRACK, described=True)
    assert machine.refused(PRACK)
    assert (machine.may_offer, machine.may_invite) == (True, False)
    machine.received(FINAL, described=False)
    assert machine.may_invite


@pytest.mark.parametrize("carrier", [one for one in Carrier if one not in (INVITE, PRACK, UPDATE)])
def test_only_a_request_can_be_refused(carrier: Carrier) -> None:
    with pytest.raises(InvalidTransition):
        OfferAnswer().refused(carrier)


def test_each_dialog_of_a_forked_invite_has_an_exchange_of_its_own() -> None:
    invited = OfferAnswer()
    invited.sent(INVITE, described=True)
    first, second = invited.fork(), invited.fork()
    assert first.received(RELIABLE, described=True) is ANSWER
    assert first.state is State.STABLE
    assert second.state is State.OFFER_SENT
    assert second.received(PROVISIONAL, described=True) is PREVIEW
    assert second.received(FINAL, described=True) is ANSWER
