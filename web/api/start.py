"""The first thing that the web client asks: everything that it needs to begin."""

from typing import Any

from pydantic import Field

from pbx.bus.errors import BusError
from web.api.section import Access, Section
from web.api.session import Me, me
from web.api.shapes import Moment, Shape, from_seconds
from web.auth.sessions import SignedIn
from web.chat_position import chat_position
from web.errors import Conflict
from web.services import Services, services

section = Section("start")

SIP_PATH = "/sip"


class ServerFacts(Shape):
    """Whose server this is."""

    name: str = Field(examples=["pbx.example.com"])
    domain: str = Field(examples=["pbx.example.com"])
    version: str = Field(examples=["0.1.0"])


class SipAccount(Shape):
    """A short-lived account of this browser, for SIP over WebSocket at `path` of this origin."""

    uri: str = Field(examples=["sip:101@pbx.example.com"])
    username: str = Field(examples=["101-web-7f3a"])
    password: str = Field(examples=["…"])
    realm: str = Field(examples=["pbx.example.com"])
    path: str = Field(examples=[SIP_PATH])
    expires_at: Moment


class Start(Shape):
    """The snapshot of the signed-in browser."""

    user: Me
    server: ServerFacts
    sip: SipAccount | None = Field(description="null where the user has no number, or the engine does not answer")
    ice: dict[str, Any] = Field(
        examples=[{}], description="for RTCPeerConnection; empty: the server is reached directly"
    )
    seq: int = Field(examples=[4711], description="how far the chat has come: `GET /sync?since=`")
    features: dict[str, bool] = Field(examples=[{"video": True, "chat": True}])


@section.get("/start", Access.USER, answer=Start)
def start(user: SignedIn) -> Start:
    """Everything to begin with.

    Fetched once after signing in and after a reload. Everything else comes by the lists and by events.
    """
    given = services()
    position = chat_position(given, user.number)
    try:
        sip = _sip_account(given, user)
    except BusError:
        sip = None  # chat and settings work without the engine; the client asks again by /start/sip
    return Start(
        user=me(given, user),
        server=ServerFacts(name=given.settings.sip.domain, domain=given.settings.sip.domain, version=given.version),
        sip=sip,
        ice={},
        seq=position or 0,
        features={"video": True, "chat": position is not None},
    )


@section.get("/start/sip", Access.USER, answer=SipAccount)
def renew(user: SignedIn) -> SipAccount:
    """A new short-lived SIP account, before the old one ends.

    409 `no-phone` where the user has no number; 503 `engine-unavailable` while there is no engine.
    """
    account = _sip_account(services(), user)
    if account is None:
        raise Conflict(f"{user.number} has no number, so no phone", code="no-phone")
    return account


def _sip_account(given: Services, user: SignedIn) -> SipAccount | None:
    """Raises BusError."""
    if not user.number.isdigit():
        return None
    issued = given.browser_phones.issue(user)
    domain = given.settings.sip.domain
    return SipAccount(
        uri=f"sip:{user.number}@{domain}",
        username=str(issued["username"]),
        password=str(issued["password"]),
        realm=domain,
        path=SIP_PATH,
        expires_at=from_seconds(float(issued["expires_at"])),
    )
