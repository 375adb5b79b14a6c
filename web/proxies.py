"""Reverse proxies in front of the web server: who a request comes from, and whether its browser speaks HTTPS.

Behind a proxy every connection is the proxy's. It says the browser's address in `X-Forwarded-For` and the browser's
scheme in `X-Forwarded-Proto`; anybody can send these headers, so they count only on a connection of a proxy that
`[web] trusted_proxies` names. What they say is written into the request's environment before anything looks there:
everything that asks for the address of a client (`REMOTE_ADDR`) or the scheme (`wsgi.url_scheme`), be it by HTTP,
Socket.IO or SIP, gets the browser's.
"""

import ipaddress
import re
from collections.abc import Sequence
from typing import Any

from config.kinds import Network

PROXIED = "gorizont.proxied"
"""Is in the environment of a request that came by a trusted proxy."""

# "10.0.0.7", "10.0.0.7:40112", "2001:db8::7", "[2001:db8::7]:40112"
_ENTRY = re.compile(r"\[(?P<v6>[^\]]+)\](?::[0-9]+)?|(?P<v4>[0-9.]+):[0-9]+|(?P<plain>.+)")


class Proxies:
    """The proxies whose word is taken."""

    def __init__(self, networks: Sequence[Network] = ()) -> None:
        self._networks = tuple(networks)

    def trusts(self, address: str) -> bool:
        """Whether this is the address of one of them."""
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self._networks)

    def apply(self, environ: dict[str, Any]) -> None:
        """Writes the browser's address and scheme into the environment of a request, if a proxy of ours brought it."""
        if not self._networks or not self.trusts(environ.get("REMOTE_ADDR", "")):
            return
        environ[PROXIED] = True
        address, hops = self._client(environ["REMOTE_ADDR"], _values(environ, "HTTP_X_FORWARDED_FOR"))
        if address != environ["REMOTE_ADDR"]:
            environ["REMOTE_ADDR"] = address
            environ.pop("REMOTE_PORT", None)  # nobody says the browser's
        schemes = _values(environ, "HTTP_X_FORWARDED_PROTO")
        if schemes:
            # Each proxy adds one at the end, or the last one says it alone.
            said = schemes[-hops] if hops <= len(schemes) else schemes[0]
            environ["wsgi.url_scheme"] = "https" if said.lower() in ("https", "wss") else "http"

    def _client(self, peer: str, forwarded: list[str]) -> tuple[str, int]:
        """Who sent the request, and how many proxies of ours it passed.

        Each proxy adds whom it got the request from at the end. So the first from the end that is no proxy of ours is
        the client; what stands before that, the client may have made up.
        """
        address, hops = peer, 1
        for entry in reversed(forwarded):
            before = _address(entry)
            if before is None:
                break
            address = before
            if not self.trusts(before):
                break
            hops += 1
        return address, hops


def _values(environ: dict[str, Any], name: str) -> list[str]:
    """The values of a header that is a list; several headers of one name are joined already."""
    return [value.strip() for value in str(environ.get(name, "")).split(",") if value.strip()]


def _address(entry: str) -> str | None:
    """The address in an entry of X-Forwarded-For, None where there is none ("unknown", a made-up word)."""
    match = _ENTRY.fullmatch(entry)
    written = match and (match["v6"] or match["v4"] or match["plain"])
    try:
        found = ipaddress.ip_address(written or "")
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found)
