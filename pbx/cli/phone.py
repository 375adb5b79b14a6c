"""What has to be typed into a phone, for people."""

from config.settings import Settings
from pbx.accounts import by_host, servers
from pbx.cli.answer import details


def lines(settings: Settings, sip_name: str, password: str) -> list[str]:
    """The account for people, as phones call its parts."""
    reached = list(by_host(server for server in servers(settings.sip) if server.transport in ("udp", "tcp", "tls")))
    pairs: list[tuple[str, object]] = [("user name", sip_name), ("password", password)]
    pairs += [("domain", f"{settings.sip.domain} (the server's address does as well)")]
    pairs += [("server" if place == 0 else "or", text) for place, text in enumerate(reached)]
    return [f"  {line}" for line in details(pairs)]
