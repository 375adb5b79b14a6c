"""A Linphone that reads a QR code fetches its account from the server, and is a phone: nobody types anything."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pbx.directory.secrets import SecretBox
from pbx.directory.users import set_user
from tests.support.peers.available import require
from tests.support.peers.linphone import Linphone
from tests.support.processes import Process
from tests.support.server import Server
from tests.support.web import QUICK, Browser, web_password

pytestmark = pytest.mark.interop

# What somebody has who has just installed it, and set up to scan: the address, and whom to trust.
NEW = """\
[misc]
config-uri={url}
log_collection=0

[sip]
sip_port=0
sip_tcp_port=-1
sip_tls_port=0
use_ipv6=0
root_ca={authority}
verify_server_cn=0

[video]
capture=0
display=0
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path / "server", users=["101"], web=True) as server:
        yield server


@pytest.fixture
def anna(server: Server) -> Browser:
    with server.store.transaction() as tx:
        box = SecretBox.open(server.data.storage_key)
        set_user(tx, "101", box=box, actor="test", password_hash=QUICK.hash(web_password("101")))
    return Browser(server.https, server.data.authority, "101").sign_in()


def linphone(server: Server, url: str, folder: Path) -> Process:
    (folder / ".local/share/linphone").mkdir(parents=True)
    (folder / "linphonerc").write_text(NEW.format(url=url, authority=server.data.authority))
    return Process(["linphonec", "-S", "-d", "6", "-c", str(folder / "linphonerc")], name="linphone", folder=folder)


def phone_of(anna: Browser, sip_name: str) -> dict[str, Any]:
    return next(device for device in anna.get("/me/devices").json()["items"] if device["sip_name"] == sip_name)


def test_linphone_sets_itself_up_once(server: Server, anna: Browser, tmp_path: Path) -> None:
    require(Linphone)
    account = anna.post("/me/devices", label="mobile").json()
    # The page was opened at 127.0.0.1, so the address names the machine; the server listens on loopback only here.
    url = f"https://{server.https}{urlsplit(account['linphone']['url']).path}"
    with linphone(server, url, tmp_path / "mobile") as phone:
        phone.wait_for("to \\[LinphoneRegistrationOk\\]")
        found = phone_of(anna, account["sip_name"])
        assert (found["online"], found["transport"]) == (True, "TCP")
        assert found["user_agent"].startswith("Linphone")
        phone.send("quit")
        phone.wait_ended()
    kept = (tmp_path / "mobile" / "linphonerc").read_text()
    assert f'reg_identity="User 101" <sip:{account["sip_name"]}@office.test>' in kept
    assert "config-uri" not in kept  # at its next start it would be refused
    assert anna.get(urlsplit(url).path).status_code == 404
