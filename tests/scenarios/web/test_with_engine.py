"""The web process beside the real engine: accounts of browsers, presence, live calls, history, and both restarting."""

import hashlib
import os
import re
import signal
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import websocket

from pbx.directory.users import set_user
from tests.support.server import Server
from tests.support.web import QUICK, Browser, web_password


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server"), users=["101", "102"], web=True)
    for number, role in (("101", "admin"), ("102", "user")):
        with server.store.transaction() as tx:
            password_hash = QUICK.hash(web_password(number))
            set_user(tx, number, box=server._box, actor="test", role=role, password_hash=password_hash)
    with server:
        yield server


@pytest.fixture
def anna(server: Server) -> Browser:
    return Browser(server.https, server.data.authority, "101").sign_in()


@pytest.fixture
def boris(server: Server) -> Browser:
    return Browser(server.https, server.data.authority, "102").sign_in()


class Page:
    """The phone of a page, by hand: SIP over the WebSocket of the origin, with the account of `/start`."""

    def __init__(self, browser: Browser, authority: Path) -> None:
        self.account: dict[str, Any] = browser.get("/start").json()["sip"]
        self._link = websocket.create_connection(
            f"wss://{browser.place}{self.account['path']}",
            subprotocols=["sip"],
            cookie=f"__Host-gorizont={browser.token}",
            origin=browser.origin,
            sslopt={"context": ssl.create_default_context(cafile=str(authority))},
            timeout=10,
        )
        self._cseq = 0

    def register(self, expires: int = 600) -> str:
        """The status line of the last answer."""
        contact = f"Contact: <sip:{self.account['username']}@x.invalid;transport=ws>\r\nExpires: {expires}\r\n"
        return self._ask("REGISTER", f"sip:{self.account['realm']}", self.account["uri"], contact)

    def call(self, number: str) -> str:
        """The status line of the last answer to an INVITE without an offer."""
        uri = f"sip:{number}@{self.account['realm']}"
        contact = f"Contact: <sip:{self.account['username']}@x.invalid;transport=ws>\r\n"
        return self._ask("INVITE", uri, uri, contact)

    def close(self) -> None:
        self._link.close()

    def _ask(self, method: str, uri: str, to: str, headers: str) -> str:
        """Asks without and with credentials; the status line of the last answer."""
        answer = self._exchange(method, uri, to, headers)
        if answer.startswith(("SIP/2.0 401", "SIP/2.0 407")):
            answer = self._exchange(method, uri, to, headers + self._credentials(method, uri, answer))
        return answer.split("\r\n", 1)[0]

    def _exchange(self, method: str, uri: str, to: str, headers: str) -> str:
        self._cseq += 1
        branch, call_id = f"z9hG4bK{method}{self._cseq}", f"{method}-{id(self)}"
        head = (
            f"Via: SIP/2.0/WSS x.invalid;branch={branch}\r\nMax-Forwards: 70\r\n"
            f"From: <{self.account['uri']}>;tag=a\r\nCall-ID: {call_id}\r\n"
        )
        self._link.send(
            f"{method} {uri} SIP/2.0\r\n{head}To: <{to}>\r\nCSeq: {self._cseq} {method}\r\n"
            f"{headers}Content-Length: 0\r\n\r\n"
        )
        while True:
            octets = self._link.recv()
            text = octets.decode() if isinstance(octets, bytes) else octets
            if f"{self._cseq} {method}" not in text or text.startswith("SIP/2.0 1"):
                continue
            if method == "INVITE":
                answered_to = re.search(r"^To: (.*)\r$", text, re.MULTILINE)
                assert answered_to is not None
                self._link.send(
                    f"ACK {uri} SIP/2.0\r\n{head}To: {answered_to[1]}\r\nCSeq: {self._cseq} ACK\r\n"
                    "Content-Length: 0\r\n\r\n"
                )
            return text

    def _credentials(self, method: str, uri: str, challenge: str) -> str:
        header = "Authorization" if challenge.startswith("SIP/2.0 401") else "Proxy-Authorization"
        found = dict(
            re.findall(r'(\w+)="?([^",\r]+)"?', challenge.partition("Authenticate: Digest ")[2].split("\r", 1)[0])
        )
        algorithm = found.get("algorithm", "MD5")
        user, realm, nonce = self.account["username"], found["realm"], found["nonce"]

        def hashed(text: str) -> str:
            return (hashlib.md5 if algorithm == "MD5" else hashlib.sha256)(text.encode()).hexdigest()

        secret = hashed(f"{user}:{realm}:{self.account['password']}")
        response = hashed(f"{secret}:{nonce}:00000001:0a0b:auth:{hashed(f'{method}:{uri}')}")
        return (
            f'{header}: Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
            f'response="{response}", algorithm={algorithm}, qop=auth, nc=00000001, cnonce="0a0b"\r\n'
        )


def test_page_registers_through_the_origin_and_everybody_sees_it(server: Server, anna: Browser, boris: Browser) -> None:
    with anna.listen() as ears:
        ears.wait_for("connected")
        page = Page(boris, server.data.authority)
        assert page.account["username"].startswith("102-web-")
        assert page.register() == "SIP/2.0 200 OK"
        ears.wait_for("registration.changed", number="102", timeout=1.0)
        (found,) = [one for one in anna.get("/admin/registrations").json()["items"] if one["number"] == "102"]
        assert found["sip_name"] == page.account["username"]
        since = len(ears.events)
        assert page.register(expires=0) == "SIP/2.0 200 OK"
        ears.wait_for("registration.changed", number="102", timeout=1.0, since=since)
        with boris.listen():
            ears.wait_for_presence("102", "available", timeout=1.0)
            since = len(ears.events)
        ears.wait_for_presence("102", "offline", timeout=1.0, since=since)
        page.close()


def test_account_of_a_page_ends_with_its_session(server: Server, anna: Browser, boris: Browser) -> None:
    page = Page(boris, server.data.authority)
    assert page.register() == "SIP/2.0 200 OK"
    assert boris.delete("/session").status_code == 204
    assert [one for one in anna.get("/admin/registrations").json()["items"] if one["number"] == "102"] == []
    assert page.register().startswith(("SIP/2.0 401", "SIP/2.0 403"))
    page.close()


def test_overview_knows_the_engine(server: Server, anna: Browser) -> None:
    view = anna.get("/admin/overview").json()
    assert view["warnings"] == []
    assert {one["name"] for one in view["listens"]} >= {"UDP", "TCP", "HTTPS"}
    assert anna.request("GET", "//readyz").status_code == 200
    assert "gorizont_engine_up 1" in anna.request("GET", "//metrics").text


def test_user_made_in_the_panel_can_register_at_once(server: Server, anna: Browser) -> None:
    made = anna.post("/admin/users", number="103", name="Clara").json()
    clara = Browser(server.https, server.data.authority, "103")
    clara.sign_in(made["password"], new_password="her own words")
    page = Page(clara, server.data.authority)
    assert page.register() == "SIP/2.0 200 OK"
    page.close()


def test_call_is_heard_live_recorded_and_explained(server: Server, anna: Browser, boris: Browser) -> None:
    """A call to somebody without a phone: it ends at once, and both find it in their history."""
    page = Page(anna, server.data.authority)
    assert page.register() == "SIP/2.0 200 OK"
    with anna.listen() as hers, boris.listen() as his:
        his.wait_for("connected")
        hers.wait_for("connected")
        assert page.call("102").startswith("SIP/2.0 480")
        missed = his.wait_for("call.recorded", timeout=2.0)["data"]["call"]
        assert (missed["direction"], missed["missed"], missed["other"]["number"]) == ("in", True, "101")
        made = hers.wait_for("call.recorded", timeout=2.0)["data"]["call"]
        assert (made["id"], made["direction"]) == (missed["id"], "out")
    page.close()
    assert boris.get("/me/calls").json()["items"][0]["id"] == missed["id"]
    story = boris.get(f"/calls/{missed['id']}").json()["explanation"]
    assert story[0].startswith("call from 101 to 102")
    assert any("not reachable" in line or "not registered" in line for line in story)


def test_engine_that_is_killed_comes_back_and_presence_is_true_again(
    server: Server, anna: Browser, boris: Browser
) -> None:
    with boris.listen(), anna.listen() as ears:
        ears.wait_for("connected")
        since = len(ears.events)
        _kill_engine(server)
        ears.wait_for("calls.reset", since=since, timeout=20)
        assert anna.get("/people/102").json()["presence"] == "available"
        assert anna.get("/admin/overview").json()["processes"][0]["state"] == "running"
        page = Page(boris, server.data.authority)
        assert page.register() == "SIP/2.0 200 OK"
        page.close()


def _kill_engine(server: Server) -> None:
    """`kill -9`, as only the supervisor notices."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:  # it has ended meanwhile
            continue
        if b"pbx.engine" in arguments and str(server.data.root).encode() in arguments:
            os.kill(int(folder.name), signal.SIGKILL)
            return
    raise AssertionError("there is no engine")
