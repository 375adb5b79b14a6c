"""The web process behind a reverse proxy: HTTP, live events, SIP and logs know the browser, not the proxy."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
import socketio

from tests.scenarios.web.test_sip_tunnel import FakeEngine, client, read_head
from tests.support.web import COOKIE, HEADER, WebProcess, web_password

BROWSER = "192.0.2.77"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    proxies = 'trusted_proxies = ["127.0.0.1"]'
    with WebProcess(tmp_path_factory.mktemp("web"), users=["101", "102"], settings=proxies) as process:
        yield process


@contextmanager
def by_proxy(web: WebProcess, number: str) -> Iterator[requests.Session]:
    """A browser that a proxy on this machine brings by plain HTTP, as one does that ends TLS itself."""
    with requests.Session() as session:
        session.trust_env = False
        session.headers.update(
            {
                "Host": "pbx.example",
                "Origin": "https://pbx.example",
                "X-Forwarded-For": f"203.0.113.1, {BROWSER}",
                "X-Forwarded-Proto": "https",
                HEADER: "1",
            }
        )
        who = {"user": number, "password": web_password(number)}
        answer = session.post(f"http://{web.http}/api/v1/session", json=who, timeout=10)
        assert answer.status_code == 200, answer.text
        session.headers["Cookie"] = f"{COOKIE}={answer.cookies[COOKIE]}"
        yield session


def test_session_and_log_have_the_address_of_the_browser(web: WebProcess) -> None:
    with by_proxy(web, "101") as session:
        sessions = session.get(f"http://{web.http}/api/v1/me/sessions", timeout=10).json()["items"]
    assert [one["address"] for one in sessions] == [BROWSER]
    assert web.process is not None
    web.process.wait_for(f"GET /api/v1/me/sessions 200 from {BROWSER}")


def test_wrong_passwords_are_counted_by_browser(web: WebProcess) -> None:
    def guess(browser: str) -> int:
        headers = {"X-Forwarded-For": browser, "X-Forwarded-Proto": "https", HEADER: "1"}
        body = {"user": "102", "password": "wrong"}
        return requests.post(f"http://{web.http}/api/v1/session", json=body, headers=headers, timeout=10).status_code

    assert [guess("192.0.2.5") for _ in range(7)][-1] == 429
    assert guess("192.0.2.6") == 401


def test_live_events_pass_the_proxy(web: WebProcess) -> None:
    with by_proxy(web, "101") as session:
        live = socketio.Client(handle_sigint=False, http_session=session)
        headers = dict(session.headers)
        live.eio.websocket_extra_options.update(host=headers.pop("Host"), origin=headers.pop("Origin"))
        live.connect(f"http://{web.http}", transports=["websocket"], headers=headers, wait_timeout=10)
        assert live.connected
        live.disconnect()


def test_engine_hears_the_address_of_a_browser_by_proxy(web: WebProcess) -> None:
    engine = FakeEngine(web.data.sip_socket)
    try:
        with client(web, X_Forwarded_For=BROWSER, X_Forwarded_Proto="https"), engine.take() as link:
            lines = read_head(link).decode().split("\r\n")
        assert [line for line in lines if line.startswith("X-Forwarded-For")] == [f"X-Forwarded-For: {BROWSER}"]
    finally:
        engine.close()
        Path(web.data.sip_socket).unlink()


@pytest.mark.parametrize("headers", [{}, {"X-Forwarded-Proto": "http"}])
def test_browser_that_does_not_speak_https_is_led_to_it(web: WebProcess, headers: dict[str, str]) -> None:
    answer = requests.get(
        f"http://{web.http}/chats", headers={"Host": "pbx.example", **headers}, timeout=10, allow_redirects=False
    )
    assert (answer.status_code, answer.headers["Location"]) == (307, "https://pbx.example/chats")


def test_browser_that_speaks_http_gets_no_socket(web: WebProcess) -> None:
    host, port = web.http.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as link:
        link.sendall(
            b"GET /sip HTTP/1.1\r\nHost: pbx.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZQ==\r\n\r\n"
        )
        assert link.recv(100).startswith(b"HTTP/1.1 307 ")
