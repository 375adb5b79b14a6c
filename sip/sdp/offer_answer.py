"""Who may offer when: the state of offer and answer in one dialog (RFC 3264, RFC 3261 §13, RFC 6337).

     ┌────────┐   we send an offer      ┌────────────┐
     │        ├────────────────────────►│ OFFER_SENT │
     │        │◄────────────────────────┤            │
     │        │   the peer answers      └────────────┘
     │ STABLE │   or refuses
     │        │   the peer offers     ┌────────────────┐
     │        ├──────────────────────►│ OFFER_RECEIVED │
     │        │◄──────────────────────┤                │
     └────────┘   we answer or refuse └────────────────┘

Every description in a message, and every message that could have had one, is shown to the machine, which says what
it is: an offer, the answer, a preview of the answer, or nothing that counts.
"""

from enum import Enum, StrEnum

from sip.errors import InvalidTransition
from sip.sdp.errors import OfferAnswerError


class State(StrEnum):
    STABLE = "stable"
    OFFER_SENT = "offer sent"
    OFFER_RECEIVED = "offer received"


class Side(Enum):
    US = "we"
    PEER = "the peer"

    @property
    def other(self) -> "Side":
        return Side.PEER if self is Side.US else Side.US


class Carrier(StrEnum):
    """The messages that may carry a description. A reliable response is one with RSeq (RFC 3262)."""

    INVITE = "INVITE"
    PROVISIONAL = "1xx"
    RELIABLE = "reliable 1xx"
    FINAL = "2xx"
    ACK = "ACK"
    PRACK = "PRACK"
    PRACK_FINAL = "2xx to PRACK"
    UPDATE = "UPDATE"
    UPDATE_FINAL = "2xx to UPDATE"


class Meaning(StrEnum):
    """What the description in a message is. PREVIEW: as the answer will be, for early media."""

    NOTHING = "nothing"
    OFFER = "offer"
    PREVIEW = "preview"
    ANSWER = "answer"
    IGNORED = "ignored"


# RFC 6337 table 1: where the answer to an offer comes; the first of them must have it (RFC 3261 §13.2.1).
ANSWERED_IN: dict[Carrier, tuple[Carrier, ...]] = {
    Carrier.INVITE: (Carrier.FINAL, Carrier.RELIABLE),
    Carrier.RELIABLE: (Carrier.PRACK,),
    Carrier.FINAL: (Carrier.ACK,),
    Carrier.PRACK: (Carrier.PRACK_FINAL,),
    Carrier.UPDATE: (Carrier.UPDATE_FINAL,),
}

# What a request that fails takes with it: the offers made in it and in its responses.
_OFFERS_OF: dict[Carrier, tuple[Carrier, ...]] = {
    Carrier.INVITE: (Carrier.INVITE, Carrier.RELIABLE),
    Carrier.PRACK: (Carrier.PRACK,),
    Carrier.UPDATE: (Carrier.UPDATE,),
}

_REQUESTS = frozenset(_OFFERS_OF)


class OfferAnswer:
    """The exchange of one dialog. A new one is stable, as is that of a dialog restored after a restart.

    `sent` and `received` take every INVITE, UPDATE, PRACK, ACK and the responses to them that are 1xx or 2xx, each
    once (no retransmissions); `refused` takes the final responses of 300 and above.
    """

    __slots__ = ("_inviter", "_offer_in", "_offerer", "_previewed", "_wanted")

    def __init__(self) -> None:
        self._offerer: Side | None = None
        self._offer_in: Carrier | None = None
        # Whose INVITE has no final response yet, and whether it came without an offer and waits for one.
        self._inviter: Side | None = None
        self._wanted = False
        self._previewed = False

    @property
    def state(self) -> State:
        if self._offerer is None:
            return State.STABLE
        return State.OFFER_SENT if self._offerer is Side.US else State.OFFER_RECEIVED

    @property
    def may_offer(self) -> bool:
        """Whether we may send an UPDATE with an offer now; a re-INVITE also wants no INVITE to be under way."""
        return self._offerer is None and not self._wanted

    @property
    def may_invite(self) -> bool:
        """Whether we may send an INVITE now (RFC 3261 §14.1)."""
        return self.may_offer and self._inviter is None

    def fork(self) -> "OfferAnswer":
        """The exchange of a further dialog that the same INVITE of ours has made (RFC 3261 §12.1.2).

        To be taken from the machine that has seen the INVITE and nothing else.
        """
        other = OfferAnswer()
        other._offerer, other._offer_in = self._offerer, self._offer_in
        other._inviter, other._wanted = self._inviter, self._wanted
        return other

    def sent(self, carrier: Carrier, *, described: bool) -> Meaning:
        """We send this, with or without a description. Raises InvalidTransition where we must not."""
        problem = self._problem(Side.US, carrier, described)
        if problem is not None:
            raise InvalidTransition(f"{carrier} {'with' if described else 'without'} SDP: {problem[1]}")
        return self._take(Side.US, carrier, described)

    def received(self, carrier: Carrier, *, described: bool, retry_after: int = 2) -> Meaning:
        """The peer sent this. Raises OfferAnswerError, and changes nothing, where it must not.

        A request is then answered with the error's status: 491, or 500 with `retry_after`, for which RFC 3261
        §14.2 wants a random number of seconds from 0 to 10. Of a response or an ACK only 488 is said: there is
        nothing to answer, and the dialog is to be ended (RFC 3261 §13.2.2.4: acknowledge, then BYE).
        """
        problem = self._problem(Side.PEER, carrier, described)
        if problem is not None:
            status, reason = problem
            raise OfferAnswerError(status, reason, retry_after if status == 500 else None)
        return self._take(Side.PEER, carrier, described)

    def refused(self, request: Carrier) -> bool:
        """An INVITE, PRACK or UPDATE has failed, whoever sent it; whether an offer went with it.

        Not for one at which `received` has raised: it never counted. What was agreed before stays as it was
        (RFC 3261 §14.1); where a reliable 1xx had already brought the answer, a new exchange must set the session
        right (RFC 6141 §3).
        """
        if request not in _REQUESTS:
            raise InvalidTransition(f"{request} is no request that can be refused")
        if request is Carrier.INVITE:
            self._inviter = None
            self._wanted = False
        if self._offer_in not in _OFFERS_OF[request]:
            return False
        self._settle()
        return True

    def _problem(self, side: Side, carrier: Carrier, described: bool) -> tuple[int, str] | None:
        """Why `side` must not send this now, with the status for it; None when it may."""
        if carrier is Carrier.INVITE and self._inviter is not None:
            # RFC 3261 §14.2: 500 to a second INVITE of the peer's, 491 when they cross.
            return (500, "Previous INVITE Pending") if self._inviter is side else (491, "Request Pending")
        if carrier is Carrier.INVITE or (carrier in _REQUESTS and described):
            if self._offerer is not None and not self._answers(side, carrier):
                # RFC 3311 §5.2 for UPDATE, RFC 3261 §14.2 for INVITE.
                return (500, "Previous Offer Pending") if self._offerer is side else (491, "Request Pending")
            if self._wanted:
                return 500, "Offer Awaited"
        if described:
            return None
        if carrier is Carrier.FINAL and self._wanted:
            return 488, "No Offer In 2xx"
        if self._must_answer(side, carrier) and not self._previewed:
            return 488, f"No Answer In {carrier}"
        return None

    def _answers(self, side: Side, carrier: Carrier) -> bool:
        """Whether a description in this message is the answer to the open offer."""
        return self._offer_in is not None and self._offerer is not side and carrier in ANSWERED_IN[self._offer_in]

    def _must_answer(self, side: Side, carrier: Carrier) -> bool:
        return self._answers(side, carrier) and self._offer_in is not None and carrier is ANSWERED_IN[self._offer_in][0]

    def _take(self, side: Side, carrier: Carrier, described: bool) -> Meaning:
        meaning = self._meaning(side, carrier, described)
        if carrier is Carrier.INVITE:
            self._inviter = side
            self._wanted = not described
        elif carrier is Carrier.FINAL:
            self._inviter = None
        if meaning is Meaning.OFFER:
            self._offerer, self._offer_in = side, carrier
            self._wanted = False
        elif meaning is Meaning.ANSWER or self._must_answer(side, carrier):
            self._settle()
        elif meaning is Meaning.PREVIEW:
            self._previewed = True
        return meaning

    def _meaning(self, side: Side, carrier: Carrier, described: bool) -> Meaning:
        if not described:
            return Meaning.NOTHING
        if self._answers(side, carrier):
            return Meaning.ANSWER
        if self._offerer is not None:
            # RFC 3261 §13.2.1: the same answer may already stand in provisional responses.
            early = carrier is Carrier.PROVISIONAL and self._offer_in is Carrier.INVITE and self._offerer is not side
            return Meaning.PREVIEW if early else Meaning.IGNORED
        if carrier in _REQUESTS or (self._wanted and carrier in (Carrier.RELIABLE, Carrier.FINAL)):
            return Meaning.OFFER
        # RFC 3261 §13.2.1: the first answer counts, what later responses repeat must be ignored.
        return Meaning.IGNORED

    def _settle(self) -> None:
        self._offerer = self._offer_in = None
        self._previewed = False
