"""The web process as browsers meet it: HTTPS, redirect, Socket.IO, bad clients, restart, renewed certificate."""

import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from cryptography import x509

from pbx.addresses import local_addresses
from pbx.directory.users import set_user
from pbx.first_start import renew_certificates
from pbx.storage.base import utc_now
from tests.support.web import QUICK, Browser, WebProcess, web_password


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    with WebProcess(tmp_path_factory.mktemp("web"), users=["101", "102", "103"]) as process:
        yield process


@pytest.fixture
def anna(web: WebProcess) -> Browser:
    return web.sign_in("101")


@pytest.fixture
def boris(web: WebProcess) -> Browser:
    return web.sign_in("102")


def test_person_signs_in_over_https_with_the_certificate_of_the_local_authority(web: WebProcess) -> None:
    anna = web.sign_in("101")
    assert anna.get("/me").json()["name"] == "User 101"
    assert anna.delete("/session").status_code == 204
    assert anna.get("/me").status_code == 401


def test_plain_http_leads_to_https(web: WebProcess) -> None:
    answer = requests.get(f"http://{web.http}/sign-in?user=admin", allow_redirects=False, timeout=5)
    assert answer.status_code == 307
    assert answer.headers["Location"] == f"https://{web.https}/sign-in?user=admin"


def test_authority_can_be_downloaded(web: WebProcess) -> None:
    answer = web.browser().request("GET", "//authority.pem")
    assert answer.content == web.data.authority.read_bytes()


def test_browser_hears_who_comes_within_a_second(web: WebProcess, anna: Browser, boris: Browser) -> None:
    with anna.listen() as hers:
        hers.wait_for("connected")
        began = time.monotonic()
        with boris.listen() as his:
            hers.wait_for_presence("102", "available")
            assert his.ask("activity", {"state": "away"}) == {"ok": None}
            hers.wait_for_presence("102", "away")
            since = len(hers.events)
        hers.wait_for_presence("102", "offline", since=since)
        assert time.monotonic() - began < 3


def test_command_line_beside_the_server_ends_sessions(web: WebProcess) -> None:
    clara = web.sign_in("103")
    with clara.listen() as ears:
        ears.wait_for("connected")
        with web.store.transaction() as tx:
            set_user(tx, "103", box=web._box, actor="cli:root", password_hash=QUICK.hash(web_password("103")))
        ears.wait_for("session.revoked", timeout=3)
        ears.wait_ended()
    assert clara.get("/me").status_code == 401


def test_many_people_ask_at_once(web: WebProcess, anna: Browser) -> None:
    """The database threads and the loop get along: nobody waits for ever, nobody gets another's answer."""
    import concurrent.futures

    def ask(place: int) -> tuple[int, int]:
        answer = requests.get(
            f"{anna.origin}/api/v1/people",
            params={"limit": 1 + place % 3},
            cookies={"__Host-gorizont": anna.token},
            verify=str(anna.authority),
            timeout=20,
        )
        return answer.status_code, len(answer.json()["items"])

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        results = list(pool.map(ask, range(96)))
    assert results == [(200, 1 + place % 3) for place in range(96)]


def test_engine_that_is_away_is_said_so(anna: Browser) -> None:
    answer = anna.get("/admin/registrations")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "engine-unavailable"
    assert anna.get("/admin/overview").json()["warnings"]


def test_renewed_certificate_is_used_without_a_restart(web: WebProcess) -> None:
    before = _serial(web)
    web.data.certificate.unlink()
    renewal = renew_certificates(web.data, web.settings, utc_now(), local_addresses())
    assert renewal.certificate is not None
    assert web.process is not None
    web.process.wait_for("the certificate was renewed", timeout=20)
    assert _serial(web) != before
    assert web.sign_in("101").get("/me").status_code == 200


def test_stranger_who_only_connects_is_let_go_and_disturbs_nobody(web: WebProcess, anna: Browser) -> None:
    host, port = web.https.split(":")
    silent = [socket.create_connection((host, int(port))) for _ in range(200)]
    slow = _connected(web)
    try:
        slow.sendall(b"GET / HTTP/1.1")  # and no more
        assert anna.get("/me").status_code == 200
        for one in (silent[0], slow):
            one.settimeout(20)
            assert one.recv(1) == b""
    finally:
        for one in (*silent, slow):
            one.close()


@pytest.mark.parametrize(
    "octets",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nX-Gorizont: 1\r\nContent-Length: 99999999\r\n\r\n{}",
        b"GET /socket.io/?EIO=4 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=["negative length", "long line", "length that does not come", "half a handshake", "asterisk"],
)
def test_odd_request_is_answered_or_dropped_and_the_server_goes_on(
    web: WebProcess, anna: Browser, octets: bytes
) -> None:
    with _connected(web) as link:
        link.sendall(octets)
        link.settimeout(15)
        assert not link.recv(65536).startswith(b"HTTP/1.1 5")
    assert anna.get("/me").status_code == 200
    assert web.process is not None
    assert not any("Traceback" in line for line in web.process.lines)


def test_frame_that_announces_too_much_ends_the_connection(web: WebProcess, anna: Browser) -> None:
    with _connected(web) as link:
        link.sendall(
            b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            + f"Cookie: __Host-gorizont={anna.token}\r\n\r\n".encode()
        )
        link.settimeout(10)
        assert link.recv(65536).startswith(b"HTTP/1.1 101")
        link.sendall(b"\x81\xff" + (1 << 40).to_bytes(8, "big") + b"\x00" * 4)
        while link.recv(65536):
            pass
    assert anna.get("/me").status_code == 200


def test_secrets_stay_out_of_the_log(web: WebProcess) -> None:
    boris = web.sign_in("102")
    account = boris.post("/me/devices", label="laptop").json()
    boris.get("/people", q="a person that I search for")
    assert web.process is not None
    web.process.wait_for("GET /api/v1/people 200")
    said = "\n".join(web.process.lines)
    for secret in (boris.token, web_password("102"), account["sip_password"], "a person that I search for"):
        assert secret not in said


def test_sessions_survive_a_restart_and_the_stop_is_clean(tmp_path: Path) -> None:
    with WebProcess(tmp_path, users=["101"]) as web:
        anna = web.sign_in("101")
        with anna.listen() as ears:
            ears.wait_for("connected")
            assert web.process is not None
            began = time.monotonic()
            web.process.terminate()
            assert web.process.wait_ended() == 0
            assert time.monotonic() - began < 8
            ears.wait_ended()
        web.start()
        assert anna.get("/me").json()["number"] == "101"


def test_taken_address_is_said_in_one_line(tmp_path: Path) -> None:
    web = WebProcess(tmp_path, users=["101"])
    host, port = web.https.split(":")
    with socket.create_server((host, int(port))), pytest.raises(AssertionError, match="another program uses this"):
        web.start()
    web.stop()
    web.store.close()


def _connected(web: WebProcess) -> ssl.SSLSocket:
    host, port = web.https.split(":")
    context = ssl.create_default_context(cafile=str(web.data.authority))
    return context.wrap_socket(socket.create_connection((host, int(port))), server_hostname=host)


def _serial(web: WebProcess) -> int:
    with _connected(web) as link:
        return x509.load_der_x509_certificate(link.getpeercert(binary_form=True)).serial_number
