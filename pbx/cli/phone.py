"""What has to be typed into a phone."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from config.kinds import Address
from config.settings import Settings, Sip
from pbx.addresses import local_addresses
from pbx.cli.answer import details

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


def lines(settings: Settings, sip_name: str, password: str) -> list[str]:
    """The account for people, as phones call its parts."""
    reached = list(_by_host(server for server in servers(settings.sip) if server.transport in ("udp", "tcp", "tls")))
    pairs: list[tuple[str, object]] = [("user name", sip_name), ("password", password)]
    pairs += [("domain", f"{settings.sip.domain} (the server's address does as well)")]
    pairs += [("server" if place == 0 else "or", text) for place, text in enumerate(reached)]
    return [f"  {line}" for line in details(pairs)]


def _by_host(found: Iterable[Server]) -> Iterator[str]:
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
