"""`gorizont check`: whether the server could start here, or runs well, and if not, why."""

import argparse
import errno
import socket
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import func, select

from config.kinds import Address
from pbx.bus.errors import BusError, NotRunning
from pbx.certificates import CertificateError, problem, read_certificate
from pbx.cli.answer import Answer, CliError, table
from pbx.cli.failures import EXPECTED
from pbx.cli.office import Office
from pbx.directory.models import DeviceRow
from pbx.directory.snapshot_loader import load_directory
from pbx.storage.base import utc_now

IN_USE = "in use by another program"

Listening = frozenset[tuple[str, str, int]]  # transport, host, port


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: `trouble` says what is wrong with it, `found` how it stands."""

    what: str
    found: str = ""
    trouble: str | None = None


def check(_options: argparse.Namespace, office: Office) -> Answer:
    """Looks at everything, and fails if something is wrong."""
    findings = list(_findings(office))
    bad = [finding for finding in findings if finding.trouble is not None]
    rows = [["!" if one.trouble else "ok", one.what, one.trouble or one.found] for one in findings]
    failure = None
    if bad:
        more = f", and {len(bad) - 1} more" if len(bad) > 1 else ""
        failure = f"{bad[0].what}: {bad[0].trouble}{more}"
    values = {
        "ok": not bad,
        "findings": [
            {"what": one.what, "ok": one.trouble is None, "text": one.trouble or one.found} for one in findings
        ],
    }
    return Answer(values, table(["", "what", "how it stands"], rows, ""), failure=failure)


def _findings(office: Office) -> Iterator[Finding]:
    yield _look("configuration", lambda: f"valid, domain {office.settings.sip.domain}")
    try:
        settings = office.settings
    except EXPECTED:
        return  # nothing else can be looked at
    if office.is_made:
        yield _look("database", lambda: _database(office))
        yield _certificate(office)
    else:
        yield Finding("data folder", f"{office.data.root} is made by the first start")
    running, listening = _engine(office)
    yield running
    sip = settings.sip
    for transport, addresses in (
        ("UDP", sip.udp),
        ("TCP", sip.tcp),
        ("TLS", sip.tls),
        ("WS", sip.ws),
        ("WSS", sip.wss),
    ):
        yield from _ports(transport, addresses, listening)
    for name, addresses in (("HTTPS", settings.web.https), ("HTTP", settings.web.http)):
        yield from _web_ports(name, addresses, running=listening is not None)


def _look(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, look())
    except EXPECTED as error:
        return Finding(what, trouble=str(error))


def _database(office: Office) -> str:
    with office.store.reading() as session:
        directory = load_directory(session, office.box)
        devices = session.scalars(select(func.count()).select_from(DeviceRow)).one()
    if len(directory.devices) < devices:
        raise CliError(f"{devices - len(directory.devices)} of {devices} passwords of phones do not open")
    return f"{len(directory.users)} users, {len(directory.groups)} groups; their passwords open"


def _certificate(office: Office) -> Finding:
    sip = office.settings.sip
    what = f"certificate {sip.certificate}"
    if not (sip.tls or sip.wss):
        return Finding(what, "not needed")
    try:
        trouble = problem(sip.certificate, sip.private_key, [sip.domain], utc_now())
        until = read_certificate(sip.certificate).not_valid_after_utc
    except CertificateError as error:
        return Finding(what, trouble=str(error))
    return Finding(what, f"for {sip.domain}, until {until:%Y-%m-%d}", trouble)


def _engine(office: Office) -> tuple[Finding, Listening | None]:
    """Whether the server runs, and where it listens then."""
    try:
        reply = office.ask("ready")
    except NotRunning:
        return Finding("server", "not running"), None
    except BusError as error:
        return Finding("server", trouble=str(error)), None
    places = frozenset((str(transport), str(host), int(port)) for transport, host, port in reply["listening"])
    return Finding("server", f"running, listens at {len(places)} places"), places


def _ports(transport: str, addresses: Iterable[Address], listening: Listening | None) -> Iterator[Finding]:
    for address in addresses:
        what = f"{transport} {address}"
        ours = listening is not None and (transport, address.host, address.port) in listening
        if ours or (listening is not None and address.port == 0):
            yield Finding(what, "in use by this server")
        elif (trouble := _why_not_free(transport, address)) is not None:
            yield Finding(what, trouble=trouble)
        elif listening is not None:
            yield Finding(what, trouble="the running server does not listen there: start it anew")
        else:
            yield Finding(what, "free")


def _web_ports(name: str, addresses: Iterable[Address], *, running: bool) -> Iterator[Finding]:
    """The web process tells nobody where it listens; while the server runs, a port in use is taken for its own."""
    for address in addresses:
        what = f"{name} {address}"
        trouble = _why_not_free(name, address)
        if running and trouble == IN_USE:
            yield Finding(what, "in use, the server runs")
        elif trouble is not None:
            yield Finding(what, trouble=trouble)
        elif running:
            yield Finding(what, trouble="the running server does not listen there: start it anew")
        else:
            yield Finding(what, "free")


def _why_not_free(transport: str, address: Address) -> str | None:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM if transport == "UDP" else socket.SOCK_STREAM) as probe:
        if transport != "UDP":  # else a port counts as taken for a minute after its last connection
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            probe.bind((address.host, address.port))
            if transport != "UDP":
                probe.listen(1)
        except OSError as error:
            return IN_USE if error.errno == errno.EADDRINUSE else str(error.strerror)
    return None
