"""Re-INVITEs of our own: to join two parties that had other partners before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pbx.calls.invitation import ANONYMOUS, identity
from pbx.calls.leg import Leg
from pbx.calls.states import LegState
from sip.message import Response
from sip.transaction.local import LocalResponse

_TRIES: Final = 4
DEAD: Final = frozenset((408, 481))  # RFC 3261 §12.2.1.2: the dialog is over


def introduce(leg: Leg, partner: Leg) -> None:
    """Lets a party know, by what it is sent from now on, whom it talks with."""
    switch = leg.switch
    leg.partner = ANONYMOUS if partner.private else identity(switch, partner.number, switch.name_of(partner.number))
    leg.other_host = partner.flow.remote[0]


def negotiate(
    leg: Leg,
    offer: bytes,
    agreed: Callable[[Response], None],
    refused: Callable[[Response], None],
    tries: int = _TRIES,
) -> None:
    """Sends a re-INVITE of our own with `offer`, b"" to ask for one; glare is resolved by waiting at random.

    `agreed` must acknowledge the response. Neither is called when the party leaves before it could be asked.
    """
    endpoint = leg.switch.endpoint
    if leg.state is LegState.ENDED:
        refused(Response(481))
        return

    def again() -> None:
        if tries <= 1:
            refused(Response(491))
            return
        endpoint.start_timer(leg.pause(), lambda _: negotiate(leg, offer, agreed, refused, tries - 1))

    if leg.busy:
        again()
        return

    def answered(response: Response) -> None:
        if response.status < 200:
            return
        if response.status == 491:
            again()
        elif response.status < 300:
            agreed(response)
        else:
            refused(response)
            if response.status in DEAD or isinstance(response, LocalResponse):
                leg.lost(response.status, "No answer within the dialog")

    leg.when_confirmed(lambda: again() if leg.busy else leg.offer("INVITE", offer, answered))


def restore(leg: Leg, partner: Leg) -> None:
    """Gives a party back to the partner that it had, after it was offered somebody else in vain."""
    if leg.state is not LegState.ENDED and partner.state is not LegState.ENDED:
        introduce(leg, partner)
        negotiate(leg, partner.remote_sdp, leg.acknowledge, _stays)


def _stays(_: Response) -> None:
    """Nothing more can be done: the call goes on, and whoever does not hear the other hangs up."""
