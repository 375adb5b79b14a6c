"""Sockets that no page of ours opens: what is begun by half or said against the rules costs the server nothing."""

import socket
import ssl
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from tests.support.web import WebProcess
from tests.unit.web.client_frames import client_frame

UPGRADE = b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
WHOLE = UPGRADE + b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    with WebProcess(tmp_path_factory.mktemp("web"), users=["101", "102"]) as process:
        yield process


@pytest.mark.parametrize(
    "headers",
    [
        b"Upgrade: websocket\r\n",
        UPGRADE,
        UPGRADE + b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: a\r\n",
        UPGRADE + b"Sec-WebSocket-Version: 99\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    ],
    ids=["no Connection", "no version", "no key", "unknown version"],
)
def test_half_a_request_for_a_websocket_is_refused_and_no_failure_of_the_server(
    web: WebProcess, headers: bytes
) -> None:
    with asked(web, headers) as link:
        status = link.recv(65536).split(b" ", 2)[1]
    assert status == b"401"
    assert not failures(web)


def test_client_that_is_gone_before_its_answer_is_no_failure(web: WebProcess) -> None:
    for _ in range(10):
        asked(web, b"").close()
    assert web.sign_in("101").get("/me").status_code == 200
    assert not failures(web)


def test_user_who_announces_binary_parts_is_let_go(web: WebProcess) -> None:
    anna = web.sign_in("101")
    with asked(web, WHOLE + f"Cookie: __Host-gorizont={anna.token}\r\n".encode()) as link:
        assert link.recv(65536).startswith(b"HTTP/1.1 101")
        link.sendall(client_frame(b"40"))
        assert b"40{" in until(link, b"40{")
        link.sendall(client_frame(b'459999999999-["send",{"_placeholder":true,"num":0}]'))
        until_end(link)
    assert anna.get("/me").status_code == 200


def test_browser_that_comes_while_the_database_is_away_loses_its_connection_and_comes_again(web: WebProcess) -> None:
    anna = web.sign_in("101")
    with web.store.engine.begin() as database:
        database.execute(text("ALTER TABLE web_sessions RENAME TO away"))
    try:
        with asked(web, WHOLE + f"Cookie: __Host-gorizont={anna.token}\r\n".encode()) as link:
            link.sendall(client_frame(b"40"))
            said = until_end(link)
    finally:
        with web.store.engine.begin() as database:
            database.execute(text("ALTER TABLE away RENAME TO web_sessions"))
    # "40" would let it in without a session, after "44" the client never tries again.
    assert b"40{" not in said
    assert b"44" not in said
    with anna.listen() as ears:
        ears.wait_for("connected")


def asked(web: WebProcess, headers: bytes) -> ssl.SSLSocket:
    host, port = web.https.split(":")
    context = ssl.create_default_context(cafile=str(web.data.authority))
    link = context.wrap_socket(socket.create_connection((host, int(port))), server_hostname=host)
    link.settimeout(10)
    link.sendall(b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n")
    return link


def failures(web: WebProcess) -> list[str]:
    assert web.process is not None
    return [line for line in web.process.lines if "a greenlet failed" in line]


def until(link: ssl.SSLSocket, words: bytes) -> bytes:
    said = b""
    while words not in said:
        said += (more := link.recv(65536))
        assert more, said
    return said


def until_end(link: ssl.SSLSocket) -> bytes:
    said = b""
    while more := link.recv(65536):
        said += more
    return said
