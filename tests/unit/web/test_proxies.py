"""Behind a reverse proxy a request is its browser's; nobody else can say whose it is."""

from ipaddress import ip_network
from typing import Any

import pytest

from web.listening import only_https
from web.proxies import Proxies

OURS = Proxies([ip_network("10.0.0.0/24"), ip_network("2001:db8::5")])


def seen(proxies: Proxies, peer: str, forwarded: str | None = None, proto: str | None = None) -> tuple[str, str]:
    """The address and scheme that a request is taken for."""
    environ: dict[str, Any] = {"REMOTE_ADDR": peer, "REMOTE_PORT": "1", "wsgi.url_scheme": "http"}
    if forwarded is not None:
        environ["HTTP_X_FORWARDED_FOR"] = forwarded
    if proto is not None:
        environ["HTTP_X_FORWARDED_PROTO"] = proto
    proxies.apply(environ)
    return environ["REMOTE_ADDR"], environ["wsgi.url_scheme"]


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("10.0.0.7", "192.0.2.1", "192.0.2.1"),
        ("10.0.0.7", "192.0.2.1:40112", "192.0.2.1"),
        ("10.0.0.7", "2001:db8::1", "2001:db8::1"),
        ("10.0.0.7", "[2001:DB8:0::1]:40112", "2001:db8::1"),
        ("10.0.0.7", "::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::5", "192.0.2.1", "192.0.2.1"),
        # What the client made up stands before what our proxy saw.
        ("10.0.0.7", "203.0.113.9, 192.0.2.1", "192.0.2.1"),
        ("10.0.0.7", "10.0.0.9, 192.0.2.1", "192.0.2.1"),
        # Two proxies of ours in a row.
        ("10.0.0.7", "203.0.113.9,192.0.2.1,10.0.0.8", "192.0.2.1"),
        # Somebody at a machine of the proxies' network.
        ("10.0.0.7", "10.0.0.8", "10.0.0.8"),
        # No address: the last that is known.
        ("10.0.0.7", "unknown", "10.0.0.7"),
        ("10.0.0.7", "192.0.2.1, nonsense, 10.0.0.8", "10.0.0.8"),
        ("10.0.0.7", "", "10.0.0.7"),
        ("10.0.0.7", None, "10.0.0.7"),
    ],
)
def test_client_is_the_last_that_is_no_proxy_of_ours(peer: str, forwarded: str | None, address: str) -> None:
    assert seen(OURS, peer, forwarded)[0] == address


@pytest.mark.parametrize(
    ("forwarded", "proto", "scheme"),
    [
        ("192.0.2.1", "https", "https"),
        ("192.0.2.1", "HTTPS", "https"),
        ("192.0.2.1", "wss", "https"),
        ("192.0.2.1", "http", "http"),
        ("192.0.2.1", None, "http"),
        ("192.0.2.1", "https, http", "http"),  # the first is the client's own word
        ("192.0.2.1, 10.0.0.8", "https, http", "https"),  # the inner proxy got it from the outer one by HTTP
        ("192.0.2.1, 10.0.0.8", "https", "https"),
        ("192.0.2.1", "gopher", "http"),
    ],
)
def test_scheme_is_the_one_that_the_outermost_proxy_saw(forwarded: str, proto: str | None, scheme: str) -> None:
    assert seen(OURS, "10.0.0.7", forwarded, proto)[1] == scheme


@pytest.mark.parametrize("proxies", [Proxies(), OURS])
def test_strangers_are_not_believed(proxies: Proxies) -> None:
    assert seen(proxies, "203.0.113.9", "192.0.2.1", "https") == ("203.0.113.9", "http")


def test_nobody_is_believed_without_the_setting() -> None:
    assert seen(Proxies(), "127.0.0.1", "192.0.2.1", "https") == ("127.0.0.1", "http")


@pytest.mark.parametrize(
    ("environ", "location"),
    [
        ({}, "https://pbx:8443/chats"),
        ({"gorizont.proxied": True}, "https://pbx/chats"),
    ],
)
def test_browser_without_https_is_led_to_the_port_where_it_is(environ: dict[str, Any], location: str) -> None:
    answered: list[Any] = []
    asked = {"wsgi.url_scheme": "http", "HTTP_HOST": "pbx:8080", "PATH_INFO": "/chats", **environ}
    only_https(None, 8443)(asked, lambda status, headers: answered.append((status, dict(headers)["Location"])))
    assert answered == [("307 Temporary Redirect", location)]
