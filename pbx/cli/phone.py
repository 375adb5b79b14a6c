"""What has to be typed into a phone, for people."""

from collections.abc import Iterable, Iterator

from config.settings import Settings
from pbx.accounts import Server, servers
from pbx.cli.answer import details


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
