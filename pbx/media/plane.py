"""The media plane as calls see it: rtpengine's verbs, session descriptions in and out.

A session is the media of one call, under a name that the caller chooses; its legs are told apart by tags. `offer`
takes the description of one party and gives the one to send to the other; `answer` takes the other's answer and
gives the one to send back. A further offer or answer of the same session is a re-negotiation, whichever side it
comes from: ports, ICE credentials and keys stay unless the remote party restarts them. The streams keep their
order. The o= line goes through as it came; whoever sends the description on makes it his own.

Requests are made from the engine's event loop and answered there by `done`, once each, never before the request has
returned.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from pbx.media.errors import MediaError


class MediaProfile(StrEnum):
    """How a party's media travels."""

    RTP = "rtp"
    SRTP = "srtp"  # keys in the description (SDES, RFC 4568); a party that can't is refused
    SRTP_OPTIONAL = "srtp-optional"  # RTP/AVP with keys beside it: encrypted if the party takes them up
    WEBRTC = "webrtc"  # ICE, DTLS-SRTP, BUNDLE


class Loss(StrEnum):
    """Why a session ended without being asked to."""

    WORKER = "the media process ended"
    CONSENT = "the browser has not been heard of for 30 s (RFC 7675)"
    SETUP = "the browser did not set up its media within 30 s"
    FINGERPRINT = "the certificate is not the one that was signalled"


@dataclass(frozen=True, slots=True)
class StreamStatistics:
    """One stream of one leg, as we received it from its party and sent to it.

    `lost` and `jitter` (milliseconds) are of what came to us. `round_trip` is in milliseconds, None while no RTCP
    has told. `mos` is what the other party probably thinks of the speech that came from here (1 to 4.5, E-model,
    ITU-T G.107); None for video and while nothing has come. `remote_lost` is what the party says it has not got.
    """

    kind: str
    codec: str
    packets: int
    octets: int
    lost: int
    jitter: float
    round_trip: float | None
    mos: float | None
    sent_packets: int
    sent_octets: int
    remote_lost: int


@dataclass(frozen=True, slots=True)
class SessionStatistics:
    """The streams of each leg by its tag."""

    legs: dict[str, tuple[StreamStatistics, ...]]


Described = Callable[[bytes | MediaError], None]
Measured = Callable[[SessionStatistics | MediaError], None]
Played = Callable[[MediaError | None], None]
Lost = Callable[[Collection[str], Loss], None]


class MediaPlane(Protocol):
    """What a carrier of media does.

    `source` and `target` are the tags of legs. `source_host` and `target_host` are the IP addresses from which the
    two parties' signalling comes, "" where nobody knows: they tell whether a party is behind NAT, and by which
    address of ours it reaches us.
    """

    on_lost: Lost
    """Called with sessions that have ended by themselves, and why. They need not be deleted any more."""

    def offer(
        self,
        session: str,
        sdp: bytes,
        *,
        source: str,
        target: str,
        profile: MediaProfile,
        done: Described,
        source_host: str = "",
        target_host: str = "",
    ) -> None:
        """The description to offer to `target`, whose media shall be of `profile`. Makes what isn't there."""

    def answer(
        self, session: str, sdp: bytes, *, source: str, target: str, done: Described, source_host: str = ""
    ) -> None:
        """The answer to send to `target`, whose offer `source` has answered. Provisional answers count too."""

    def echo(self, session: str, sdp: bytes, *, source: str, done: Described, source_host: str = "") -> None:
        """The answer to an offer, after which the party hears and sees itself."""

    def attend(self, session: str, sdp: bytes, *, source: str, done: Described, source_host: str = "") -> None:
        """The answer to an offer, after which the party hears only what `play` plays."""

    def play(self, session: str, *, target: str, prompt: str, repeat: bool, done: Played) -> None:
        """Plays to `target`, in place of what the other party says. `done` comes at the end of it, however it ends."""

    def stop_play(self, session: str, *, target: str) -> None:
        """Ends what `play` has begun, if it still goes on."""

    def drop(self, session: str, *, leg: str) -> None:
        """Lets go of one leg: a phone that rang and did not get the call, a party that was replaced."""

    def delete(self, session: str) -> None:
        """Ends a session, if there is one."""

    def query(self, session: str, done: Measured) -> None:
        """How the session's streams have been so far."""

    def keep(self, sessions: Collection[str]) -> None:
        """After a restart of the engine: these sessions are wanted, all others are deleted.

        Those of them that are gone are reported by `on_lost`.
        """
