"""How the whole stands: one look for an admin."""

import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pbx.bus.errors import BusError
from pbx.calls.models import CallRecordRow
from pbx.directory.models import DeviceRow, GroupRow, UserRow
from web.api.calls import BROWSER_ACCOUNT
from web.api.section import Access, Section
from web.api.shapes import Moment, Shape
from web.auth.sessions import SignedIn
from web.processes import Process, listens_since, others
from web.services import Services, services

section = Section("admin_overview", title="admin: overview", prefix="/api/v1/admin")

LITTLE_SPACE = 1 << 30  # octets
EXPIRES_SOON = 14  # days


class Listening(Shape):
    """Where the server listens for one transport."""

    name: str = Field(examples=["UDP"])
    address: str = Field(examples=["0.0.0.0:5060"])


class ProcessState(Shape):
    """A process of the installation."""

    name: str = Field(examples=["engine"])
    state: Literal["running", "away"]
    since: Moment | None
    detail: str | None = Field(examples=[None], description="what it has to say")


class Disk(Shape):
    """The disk of the data folder, in octets."""

    used: int = Field(examples=[21_474_836_480])
    free: int = Field(examples=[85_899_345_920])


class CertificateState(Shape):
    """The certificate of HTTPS and SIP over TLS."""

    ends_at: Moment | None
    own_authority: bool = Field(description="it is signed by this installation's authority")


class Trouble(StrEnum):
    """What an admin should do something about."""

    TELEPHONY = "telephony"
    """The engine does not answer."""
    REFUSING = "refusing"
    """New calls are refused."""
    DISK_UNREADABLE = "disk-unreadable"
    DISK_FULL = "disk-full"
    CERTIFICATE_UNREADABLE = "certificate-unreadable"
    CERTIFICATE_ENDS = "certificate-ends"


class TroubleItem(Shape):
    """A trouble, with what is to be said of it besides: why, how much is left, until when."""

    code: Trouble
    detail: str = Field(examples=["2026-12-09"])


class Overview(Shape):
    """The state of the installation; there are no warnings while all is well."""

    warnings: list[TroubleItem]
    users: int = Field(examples=[250])
    devices: int = Field(examples=[310])
    groups: int = Field(examples=[12])
    registered: int = Field(examples=[280], description="devices by which a phone can be reached")
    browsers: int = Field(examples=[120], description="pages that are open")
    live_calls: int = Field(examples=[7])
    calls_today: int = Field(examples=[412], description="that began since midnight")
    missed_today: int = Field(examples=[31], description="of these, those that nobody answered")
    blocks: int = Field(examples=[0], description="who has to wait after wrong passwords")
    processes: list[ProcessState]
    listens: list[Listening]
    disk: Disk | None
    certificate: CertificateState
    version: str = Field(examples=["0.1.0"])
    started_at: Moment = Field(description="this web process")
    domain: str = Field(examples=["pbx.example.com"])


@dataclass(slots=True)
class _Telephony:
    """What the engine says of itself."""

    state: ProcessState
    registered: int = 0
    calls: int = 0
    blocks: int = 0
    listens: list[Listening] = field(default_factory=list)


@section.get("/overview", Access.ADMIN, answer=Overview)
def overview(user: SignedIn) -> Overview:
    """The state of the installation."""
    del user
    given = services()
    midnight = given.local_now().replace(hour=0, minute=0, second=0, microsecond=0).timestamp()

    def count(session: Session) -> list[int]:
        today = select(func.count()).select_from(CallRecordRow).where(CallRecordRow.started_at >= midnight)
        tables = (UserRow, DeviceRow, GroupRow)
        queries = [*(select(func.count()).select_from(table) for table in tables), today]
        queries.append(today.where(CallRecordRow.answered_at.is_(None)))
        return [session.scalars(query).one() for query in queries]

    users, devices, groups, calls_today, missed_today = given.read(count)
    warnings: list[TroubleItem] = []
    telephony = _engine(given, warnings)
    web = ProcessState(name="web", state="running", since=given.started_at, detail=None)
    beside = others(given.settings, given.data)
    return Overview(
        warnings=warnings,
        users=users,
        devices=devices,
        groups=groups,
        registered=telephony.registered,
        browsers=len(given.browsers.connected),
        live_calls=telephony.calls,
        calls_today=calls_today,
        missed_today=missed_today,
        blocks=telephony.blocks + len(given.sign_in.blocks()),
        processes=[telephony.state, web, *(_process(one) for one in beside)],
        listens=telephony.listens + [Listening(name="HTTPS", address=str(one)) for one in given.settings.web.https],
        disk=_disk(given, warnings),
        certificate=_certificate(given, warnings),
        version=given.version,
        started_at=given.started_at,
        domain=given.settings.sip.domain,
    )


def _engine(given: Services, warnings: list[TroubleItem]) -> _Telephony:
    try:
        state = given.ask_engine("ready", {})
        registrations = given.ask_engine("registrations", {})["registrations"]
        calls = given.ask_engine("calls.live", {})["calls"]
        blocks = given.ask_engine("blocks", {})["blocks"]
    except BusError as error:
        warnings.append(TroubleItem(code=Trouble.TELEPHONY, detail=str(error)))
        return _Telephony(ProcessState(name="engine", state="away", since=None, detail=str(error)))
    refusing = str(state["refusing"])
    if refusing:
        warnings.append(TroubleItem(code=Trouble.REFUSING, detail=refusing))
    return _Telephony(
        ProcessState(
            name="engine",
            state="running",
            since=listens_since(given.settings.bus.socket, socket.SOCK_STREAM),
            detail=refusing or None,
        ),
        registered=len({one["sip_name"] for one in registrations if _is_phone(one)}),
        calls=len(calls),
        blocks=len(blocks),
        listens=[
            Listening(name=str(transport), address=f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}")
            for transport, host, port in state["listening"]
        ],
    )


def _is_phone(registration: Mapping[str, Any]) -> bool:
    """A page is counted by its connection; one that was closed leaves a registration behind until that expires."""
    return registration["flow"] == "open" and BROWSER_ACCOUNT not in registration["sip_name"]


def _process(found: Process) -> ProcessState:
    return ProcessState(
        name=found.name, state="running" if found.since is not None else "away", since=found.since, detail=None
    )


def _disk(given: Services, warnings: list[TroubleItem]) -> Disk | None:
    try:
        usage = shutil.disk_usage(given.data.root)
    except OSError as error:
        warnings.append(TroubleItem(code=Trouble.DISK_UNREADABLE, detail=str(error.strerror)))
        return None
    if usage.free < LITTLE_SPACE:
        warnings.append(TroubleItem(code=Trouble.DISK_FULL, detail=f"{usage.free >> 20} MiB"))
    return Disk(used=usage.used, free=usage.free)


def _certificate(given: Services, warnings: list[TroubleItem]) -> CertificateState:
    # Only this page needs to read certificates, which takes 3 MB.
    from pbx.certificates import CertificateError, read_certificate

    path = given.settings.sip.certificate
    own = path == given.data.certificate
    try:
        ends = read_certificate(path).not_valid_after_utc
    except CertificateError as error:
        warnings.append(TroubleItem(code=Trouble.CERTIFICATE_UNREADABLE, detail=str(error)))
        return CertificateState(ends_at=None, own_authority=own)
    if (ends - given.now()).days < EXPIRES_SOON:
        warnings.append(TroubleItem(code=Trouble.CERTIFICATE_ENDS, detail=f"{ends:%Y-%m-%d}"))
    return CertificateState(ends_at=ends, own_authority=own)
