"""Linphone fetches its account by itself: from an address that is good once and for a few minutes.

The address is what a QR code shows, so it can't ask for a password; its token is the password. What is fetched is the
configuration of liblinphone as XML (`lpconfig`), of which these keys matter here:

- `transient_provisioning`: the application forgets the address once it has the account. Otherwise it would ask again
  at each start, and be refused.
- `overwrite`: the values take the place of those that the application has.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from xml.etree import ElementTree as ET

from config.settings import Settings
from pbx.accounts import Server, servers
from pbx.addresses import local_addresses

GOOD_FOR = timedelta(minutes=10)
MOST = 10_000  # tickets at once; the oldest give way
TOKEN_OCTETS = 32
NAMESPACE = "http://www.linphone.org/xsds/lpconfig.xsd"


@dataclass(frozen=True, slots=True)
class Ticket:
    """Whose account somebody may fetch, and until when."""

    sip_name: str
    ends_at: datetime


class Tickets:
    """Those that nobody has used yet. They are in memory only: after a restart of the process they are void."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._tickets: dict[bytes, Ticket] = {}

    def issue(self, sip_name: str) -> tuple[str, datetime]:
        """The token of a new ticket, and until when it is good."""
        now = self._now()
        self._tickets = {key: ticket for key, ticket in self._tickets.items() if ticket.ends_at > now}
        while len(self._tickets) >= MOST:
            del self._tickets[next(iter(self._tickets))]
        token = secrets.token_urlsafe(TOKEN_OCTETS)
        ticket = self._tickets[_key(token)] = Ticket(sip_name, now + GOOD_FOR)
        return token, ticket.ends_at

    def take(self, token: str) -> str | None:
        """The SIP name of the account that a token is good for; from now on it is good for nothing."""
        ticket = self._tickets.pop(_key(token), None)
        return ticket.sip_name if ticket is not None and ticket.ends_at > self._now() else None


def fetch_address(host: str, token: str) -> str:
    """Where a ticket is good: at the host by which a browser found us, unless that leads nobody else to us."""
    name, port = (host, "") if host.endswith("]") or ":" not in host else host.rsplit(":", 1)
    if name.lower() == "localhost" or name.startswith("127.") or name == "[::1]":
        others = [one for one in local_addresses() if not one.is_loopback]
        name = f"[{others[0]}]" if others and others[0].version == 6 else str(others[0]) if others else name
    return f"https://{name}{f':{port}' if port else ''}/api/v1/provisioning/{token}"


def linphone_document(settings: Settings, sip_name: str, password: str, *, name: str) -> bytes:
    """The configuration that makes a Linphone the phone of an account; `name` is shown to those who are called."""
    domain = settings.sip.domain
    root = ET.Element("config", {"xmlns": NAMESPACE})
    reached = reached_by(servers(settings.sip))
    proxy = f"sip:{_host(reached)};transport={reached.transport}" if reached is not None else f"sip:{domain}"
    shown = "".join(char for char in name if char.isprintable() and char not in '"\\')
    identity = f"<sip:{sip_name}@{domain}>"
    _section(root, "misc", transient_provisioning="1")
    _section(root, "sip", default_proxy="0")
    _section(root, "auth_info_0", username=sip_name, passwd=password, realm=domain, domain=domain)
    _section(
        root,
        "proxy_0",
        reg_proxy=f"<{proxy}>",
        reg_route=f"<{proxy};lr>",  # the domain need not be a name that phones find
        reg_identity=f'"{shown}" {identity}' if shown else identity,
        reg_expires=str(settings.sip.expires_default),
        reg_sendregister="1",
        realm=domain,
        publish="0",  # of its presence, which the server does not take
        quality_reporting_enabled="0",
    )
    document: bytes = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
    return document


def reached_by(found: Sequence[Server]) -> Server | None:
    """Where the application goes. TCP first: it carries large requests, and wakes a mobile less often than UDP.

    TLS only where there is nothing else, because applications for mobiles know no authority of an installation's own.
    """
    for transport in ("tcp", "udp", "tls"):
        for server in found:
            if server.transport == transport:
                return server
    return None


def _host(server: Server) -> str:
    return f"[{server.host}]:{server.port}" if ":" in server.host else f"{server.host}:{server.port}"


def _section(root: ET.Element, section: str, **entries: str) -> None:
    element = ET.SubElement(root, "section", name=section)
    for key, value in entries.items():
        ET.SubElement(element, "entry", name=key, overwrite="true").text = value


def _key(token: str) -> bytes:
    return sha256(token.encode()).digest()
