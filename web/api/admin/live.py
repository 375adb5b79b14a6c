"""What only running processes know: registrations, calls in progress, and who has to wait after wrong passwords."""

from dataclasses import asdict
from typing import Literal

from pydantic import Field

from pbx.bus.errors import CommandError, NotRunning
from pbx.directory.uses import uses_of
from pbx.storage.unit import Transaction
from web.api.calls import BROWSER_ACCOUNT, LiveCalls, live_call
from web.api.section import Access, Section
from web.api.shapes import Moment, Page, Shape, from_seconds
from web.auth.sessions import SignedIn
from web.errors import Missing
from web.live.events import BlocksChanged
from web.looks import ALL_CALLS, CALLS_WATCHED
from web.services import Services, services

section = Section("admin_live", title="admin: live", prefix="/api/v1/admin")


class RegistrationsQuery(Shape):
    """Which phones."""

    q: str = Field(default="", max_length=100, examples=["102"], description="a part of number, name, phone or address")


class Registration(Shape):
    """A phone that is registered."""

    number: str = Field(examples=["102"])
    name: str = Field(examples=["Boris Petrov"])
    sip_name: str = Field(examples=["102-k3fw"])
    contact: str = Field(examples=["sip:102-k3fw@10.0.0.7:5060"])
    transport: str = Field(examples=["UDP"])
    address: str = Field(examples=["10.0.0.7"])
    user_agent: str | None = Field(examples=["Yealink SIP-T54W 96.86.0.100"])
    registered_at: Moment | None = Field(description="since when; null for the phone of a page")
    expires_at: Moment
    reachable: bool = Field(description="the way to it is open")


class RegistrationPage(Page[Registration]):
    """The phones that are registered."""


class BlockItem(Shape):
    """One who has to wait after wrong passwords."""

    what: str = Field(examples=["102@10.0.0.66"], description="account@address, or an address that tried many accounts")
    where: Literal["sip", "web"]
    account: str | None = Field(examples=["102"], description="null: the address as a whole")
    address: str = Field(examples=["10.0.0.66"])
    reason: str = Field(examples=["7 wrong passwords"])
    since: Moment
    until: Moment
    attempts: int = Field(examples=[12])


class BlockPage(Page[BlockItem]):
    """Everybody who has to wait."""


@section.get("/registrations", Access.ADMIN, query=RegistrationsQuery, answer=RegistrationPage)
def show_registrations(user: SignedIn, query: RegistrationsQuery) -> RegistrationPage:
    """The phones that are registered now, and those of pages that are open.

    A page that is closed leaves its registration behind until it expires; nobody could be called by it.
    """
    del user
    given = services()
    found = [
        one
        for one in given.ask_engine("registrations", {})["registrations"]
        if one["flow"] == "open" or BROWSER_ACCOUNT not in one["sip_name"]
    ]
    uses = given.read(lambda session: uses_of(session, list({str(one["sip_name"]) for one in found})))
    now = given.now().timestamp()
    wanted = query.q.strip().casefold()
    items = [
        Registration(
            number=one["number"],
            name=given.name_of(one["number"]),
            sip_name=one["sip_name"],
            contact=one["contact"],
            transport=one["transport"],
            address=str(one["source"]).partition(" ")[0],
            user_agent=one["user_agent"],
            registered_at=uses[one["sip_name"]].registered_at if one["sip_name"] in uses else None,
            expires_at=from_seconds(now + one["expires_in"]),
            reachable=one["flow"] == "open",
        )
        for one in found
    ]
    return RegistrationPage(items=[item for item in items if wanted in _searched(item)])


@section.get("/calls/live", Access.ADMIN, answer=LiveCalls)
def show_live_calls(user: SignedIn) -> LiveCalls:
    """All calls in progress; audited."""
    given = services()
    given.looks.note(user.number, CALLS_WATCHED, ALL_CALLS)
    return LiveCalls(items=[live_call(given, view, None) for view in given.ask_engine("calls.live", {})["calls"]])


@section.delete("/calls/live/<call>", Access.ADMIN)
def hang_up(user: SignedIn, call: str) -> None:
    """End a call in progress."""
    given = services()
    given.ask_engine("calls.hangup", {"call": call})
    given.act(lambda tx: _audit(tx, user, "call.ended", call))


@section.get("/blocks", Access.ADMIN, answer=BlockPage)
def show_blocks(user: SignedIn) -> BlockPage:
    """Who has to wait after wrong passwords, on the phone and in the browser."""
    del user
    given = services()
    return BlockPage(items=_blocks(given))


@section.delete("/blocks/<path:what>", Access.ADMIN)
def release(user: SignedIn, what: str) -> None:
    """Let somebody try again: `account@address` as shown, an account or an address."""
    given = services()
    released = given.sign_in.guard.release(what)
    try:
        given.ask_engine("blocks.release", {"what": what})
    except CommandError as error:
        if error.code != "not-found":
            raise
        if not released:
            raise Missing(f"nothing is known against {what}") from error
    except NotRunning:
        if not released:
            raise
    given.act(lambda tx: _audit(tx, user, "block.released", what))
    given.rooms.to_admins(BlocksChanged())


def _searched(item: Registration) -> str:
    return " ".join((item.number, item.name, item.sip_name, item.user_agent or "", item.address)).casefold()


def _blocks(given: Services) -> list[BlockItem]:
    found = [_block("sip", **one) for one in given.ask_engine("blocks", {})["blocks"]]
    return found + [_block("web", **asdict(one)) for one in given.sign_in.blocks()]


def _block(
    where: Literal["sip", "web"], *, what: str, why: str, since: float, until: float, attempts: int
) -> BlockItem:
    account, at, address = what.rpartition("@")
    return BlockItem(
        what=what,
        where=where,
        account=account if at else None,
        address=address,
        reason=why,
        since=from_seconds(since),
        until=from_seconds(until),
        attempts=attempts,
    )


def _audit(tx: Transaction, user: SignedIn, action: str, subject: str) -> None:
    tx.audit(user.number, action, subject[:200])
