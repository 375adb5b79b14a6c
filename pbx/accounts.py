"""What has to be told to a phone: its account, and where it reaches us."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from config.kinds import Address
from config.settings import Settings, Sip
from pbx.addresses import local_addresses

WILDCARDS = {"0.0.0.0": 4, "::": 6}  # noqa: S104  compared, not listened on


class Server(NamedTuple):
    """A place where a phone reaches us: transport, host and port."""

    transport: str
    host: str
    port: int


def servers(sip: Sip) -> list[Server]:
    """Where phones reach us, by the addresses of this machine where we listen on all of them.

    Its loopback only where it is all that there is.
    """
    offers = (("udp", sip.udp), ("tcp", sip.tcp), ("tls", sip.tls), ("ws", sip.ws), ("wss", sip.wss))
    found = [
        Server(transport, host, address.port)
        for transport, addresses in offers
        for address in addresses
        for host in _hosts(address)
    ]
    outside = [server for server in found if not _is_loopback(server.host)]
    return list(dict.fromkeys(outside or found))


def account(settings: Settings, sip_name: str, password: str) -> dict[str, Any]:
    """The account for programs."""
    return {
        "sip_name": sip_name,
        "sip_password": password,
        "domain": settings.sip.domain,
        "servers": [server._asdict() for server in servers(settings.sip)],
    }


def account_uri(settings: Settings, sip_name: str, password: str, found: Sequence[Server]) -> str:
    """The account as one line, which a QR code carries: a SIP URI with the password (RFC 3261 §19.1.2).

    Its host is the first server of `found` that is reached without certificates, because the domain need not be a
    name that phones find; the transport is named where it is not UDP.
    """
    reached = next((server for server in found if server.transport in ("udp", "tcp")), found[0] if found else None)
    if reached is None:
        return f"sip:{quote(sip_name)}:{quote(password)}@{settings.sip.domain}"
    host = f"[{reached.host}]" if ":" in reached.host else reached.host
    transport = "" if reached.transport == "udp" else f";transport={reached.transport}"
    return f"sip:{quote(sip_name)}:{quote(password)}@{host}:{reached.port}{transport}"


def by_host(found: Iterable[Server]) -> Iterator[str]:
    """`10.0.0.7, port 5060 (UDP, TCP), port 5061 (TLS)` for each host."""
    hosts: dict[str, dict[int, list[str]]] = {}
    for server in found:
        hosts.setdefault(server.host, {}).setdefault(server.port, []).append(server.transport.upper())
    for host, ports in hosts.items():
        yield ", ".join([host, *(f"port {port} ({', '.join(names)})" for port, names in ports.items())])


def _hosts(address: Address) -> list[str]:
    version = WILDCARDS.get(address.host)
    if version is None:
        return [address.host]
    return [str(own) for own in local_addresses() if own.version == version]


def _is_loopback(host: str) -> bool:
    return host == "::1" or host.startswith("127.")
