"""SIP over WebSocket through the web process: octet by octet, against a socket that stands for the engine's."""

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.web import WebProcess

HANDSHAKE = (
    b"GET /sip HTTP/1.1\r\nHost: %(place)s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n%(more)s"
    b"Sec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
ACCEPTED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


class FakeEngine:
    """Listens where the engine would; a test takes its connections one by one."""

    def __init__(self, path: Path) -> None:
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()
        self._listener.settimeout(10)

    def take(self) -> socket.socket:
        """The next connection."""
        link, _ = self._listener.accept()
        link.settimeout(10)
        return link

    def close(self) -> None:
        self._listener.close()


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    with WebProcess(tmp_path_factory.mktemp("web"), users=["101"]) as process:
        yield process


@pytest.fixture
def engine(web: WebProcess) -> Iterator[FakeEngine]:
    engine = FakeEngine(web.data.sip_socket)
    yield engine
    engine.close()
    web.data.sip_socket.unlink()


def client(web: WebProcess, **headers: str) -> ssl.SSLSocket:
    """A client that has sent its handshake."""
    host, port = web.https.split(":")
    context = ssl.create_default_context(cafile=str(web.data.authority))
    link = context.wrap_socket(socket.create_connection((host, int(port))), server_hostname=host)
    link.settimeout(10)
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items()).encode()
    link.sendall(HANDSHAKE % {b"place": web.https.encode(), b"more": more})
    return link


def read_head(link: socket.socket) -> bytes:
    octets = b""
    while not octets.endswith(b"\r\n\r\n"):
        octets += link.recv(1)
    return octets


def read_exactly(link: socket.socket, size: int) -> bytes:
    octets = b""
    while len(octets) < size and (piece := link.recv(65536)):
        octets += piece
    return octets


def test_engine_gets_the_request_with_the_address_of_the_client(web: WebProcess, engine: FakeEngine) -> None:
    with client(web, X_Forwarded_For="10.9.9.9", User_Agent="JsSIP 3.10"), engine.take() as link:
        lines = read_head(link).decode().split("\r\n")
        assert lines[0] == "GET /sip HTTP/1.1"
        assert "User-Agent: JsSIP 3.10" in lines
        assert "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" in lines
        assert [line for line in lines if line.startswith("X-Forwarded-For")] == ["X-Forwarded-For: 127.0.0.1"]


def test_octets_pass_both_ways_unchanged(web: WebProcess, engine: FakeEngine) -> None:
    sent = bytes(range(256)) * 4096
    with client(web) as browser, engine.take() as link:
        read_head(link)
        link.sendall(ACCEPTED)
        assert read_exactly(browser, len(ACCEPTED)) == ACCEPTED
        sender = threading.Thread(target=browser.sendall, args=(sent,))
        sender.start()
        assert read_exactly(link, len(sent)) == sent
        sender.join()
        sender = threading.Thread(target=link.sendall, args=(sent,))
        sender.start()
        assert read_exactly(browser, len(sent)) == sent
        sender.join()


def test_what_the_client_sends_with_its_handshake_is_not_lost(web: WebProcess, engine: FakeEngine) -> None:
    with client(web) as browser:
        browser.sendall(b"early")
        with engine.take() as link:
            read_head(link)
            assert read_exactly(link, 5) == b"early"


def test_each_side_ends_the_other(web: WebProcess, engine: FakeEngine) -> None:
    with client(web) as browser, engine.take() as link:
        read_head(link)
        browser.close()
        assert link.recv(1) == b""
    with client(web) as browser:
        with engine.take() as link:
            read_head(link)
        assert browser.recv(1) == b""


def test_engine_never_sees_the_session(web: WebProcess, engine: FakeEngine) -> None:
    anna = web.sign_in("101")
    with client(web, Cookie=f"__Host-gorizont={anna.token}", Origin=anna.origin), engine.take() as link:
        assert anna.token.encode() not in read_head(link)


@pytest.mark.parametrize("origin", ["https://evil.test", None])
def test_page_of_another_origin_may_not_use_a_browser_that_is_signed_in(
    web: WebProcess, engine: FakeEngine, origin: str | None
) -> None:
    anna = web.sign_in("101")
    headers = {"Cookie": f"__Host-gorizont={anna.token}"}
    if origin is not None:
        headers["Origin"] = origin
    with client(web, **headers) as browser:
        assert browser.recv(4096).startswith(b"HTTP/1.1 403")


def test_engine_that_is_away_is_answered_with_503(web: WebProcess) -> None:
    with client(web) as browser:
        assert browser.recv(4096).startswith(b"HTTP/1.1 503")
