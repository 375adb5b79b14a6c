"""The engine takes up what an earlier one left, whatever else stands in the database."""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, text

from config.data import DataFolder
from config.loader import load_settings
from config.settings import Settings
from pbx.calls.models import LiveCallRow, StoredMessageRow
from pbx.calls.records import live_state
from pbx.directory.secrets import KEY_OCTETS, SecretBox
from pbx.directory.users import add_user, remove_user
from pbx.engine import Engine
from pbx.first_start import renew_certificates
from pbx.storage.base import utc_now
from pbx.storage.engine import open_database
from pbx.storage.unit import Store
from tests.unit.pbx.calls.test_restoring import a_call, switch


class Installation:
    """A data folder whose engine can be started, on ports that are free."""

    def __init__(self, root: Path, template: Path) -> None:
        self.data = DataFolder(root)
        self.data.create()
        shutil.copy(template, self.data.database)
        self.data.storage_key.write_bytes(os.urandom(KEY_OCTETS))
        self.box = SecretBox.open(self.data.storage_key)
        lines = ["[sip]", 'udp = "127.0.0.1:0"', *(f'{name} = ""' for name in ("tcp", "tls", "ws", "wss"))]
        self.data.config_file.write_text("\n".join([*lines, "[web]", 'https = ""', 'http = ""']))
        self.settings: Settings = load_settings(self.data, environ={})
        renew_certificates(self.data, self.settings, utc_now(), ())
        self.store = Store(open_database(self.settings.database.url))

    def add(self, number: str) -> None:
        with self.store.transaction() as tx:
            add_user(tx, number, box=self.box, actor="test")

    def remove(self, number: str) -> None:
        with self.store.transaction() as tx:
            remove_user(tx, number, actor="test")

    def put(self, model: type[LiveCallRow] | type[StoredMessageRow], **values: object) -> None:
        with self.store.transaction() as tx:
            tx.session.execute(insert(model), [values])

    def texts(self, query: str) -> list[str]:
        with self.store.reading() as session:
            return list(session.scalars(text(query)))

    def started(self, then: Callable[[Engine], Awaitable[object]]) -> None:
        """Starts the engine, does something with it, and stops it."""

        async def main() -> None:
            engine = Engine(self.settings, self.data, asyncio.get_running_loop())
            try:
                await engine.start()
                await then(engine)
            finally:
                await engine.close()

        asyncio.run(main())


@pytest.fixture
def installation(tmp_path: Path, sqlite_template: Path) -> Any:
    installation = Installation(tmp_path / "data", sqlite_template)
    yield installation
    installation.store.close()


def damaged(change: Callable[[dict[str, Any]], object]) -> str:
    state = json.loads(json.dumps(live_state(a_call(switch()))))
    change(state)
    return json.dumps(state)


def whole(state: dict[str, Any]) -> None:
    """A call whose media go from phone to phone: here is nobody who has them."""
    state.update(id="whole")
    for leg in state["legs"]:
        leg["edge"] = None


DAMAGES = {
    "no JSON": "{",
    "no object": "[]",
    "nothing": "{}",
    "no legs": damaged(lambda state: state.update(legs=[])),
    "a leg without a description": damaged(lambda state: state["legs"][1].update(local_sdp=None)),
    "a leg without a dialog": damaged(lambda state: state["legs"][1].update(dialog={})),
    "a step that is not in the plan": damaged(lambda state: state.update(step=99)),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_call_that_cannot_be_taken_up_does_not_stop_the_start(installation: Installation, damage: str) -> None:
    installation.put(LiveCallRow, call_id="damaged", state=DAMAGES[damage], updated_at=1.0)
    installation.put(LiveCallRow, call_id="whole", state=damaged(whole), updated_at=2.0)

    async def look(engine: Engine) -> None:
        assert list(engine.switch.calls) == ["whole"]
        assert all(leg.owner is engine.switch.calls["whole"] for leg in engine.switch.legs.values())
        assert len(engine.switch.legs) == 2
        assert engine.switch.edges == {}

    installation.started(look)
    assert installation.texts("SELECT call_id FROM live_calls") == ["whole"], "the next start would meet it again"


def stored_message(message_id: str, receiver: str) -> dict[str, object]:
    now = utc_now().timestamp()
    return {
        "id": message_id,
        "to_number": receiver,
        "from_number": "101",
        "content_type": "text/plain",
        "body": b"for your eyes only",
        "received_at": now,
        "expires_at": now + 3600,
    }


def test_messages_for_a_user_who_was_removed_while_the_engine_was_away_are_gone(installation: Installation) -> None:
    installation.add("102")
    for message_id, receiver in (("a", "102"), ("b", "103")):
        installation.put(StoredMessageRow, **stored_message(message_id, receiver))

    async def look(engine: Engine) -> None:
        assert [message.id for message in engine.waiting.take("102")] == ["a"]
        assert engine.waiting.take("103") == []

    installation.started(look)
    assert installation.texts("SELECT id FROM stored_messages") == ["a"]


def test_messages_for_a_removed_user_are_gone_though_nobody_has_told_the_engine(installation: Installation) -> None:
    """Who gets the number next shall not read them."""
    for number in ("102", "103"):
        installation.add(number)
        installation.put(StoredMessageRow, **stored_message(number, number))

    async def remove(engine: Engine) -> None:
        installation.remove("103")
        await asyncio.to_thread(engine.directory.check)
        await asyncio.sleep(0)

    installation.started(remove)
    assert installation.texts("SELECT id FROM stored_messages") == ["102"]


def test_start_without_the_key_of_the_passwords_ends_with_one_clear_line(installation: Installation) -> None:
    installation.data.storage_key.unlink()
    assert_ends_with(installation, f"! cannot read the storage key {installation.data.storage_key}: No such file")


def test_start_with_the_key_of_another_installation_ends_with_one_clear_line(installation: Installation) -> None:
    installation.add("101")
    installation.data.storage_key.write_bytes(os.urandom(KEY_OCTETS))
    assert_ends_with(installation, "! the password of device 101 does not open: the storage key is not the one ")


def test_second_engine_of_an_installation_ends_with_one_clear_line(installation: Installation) -> None:
    bus, browsers = installation.settings.bus.socket, installation.data.sip_socket
    with socket.socket(socket.AF_UNIX) as first, socket.socket(socket.AF_UNIX) as tunnel:
        for listening, path in ((first, bus), (tunnel, browsers)):
            listening.bind(str(path))
            listening.listen()
        assert_ends_with(installation, f"! another engine already listens on {bus}")
        with socket.socket(socket.AF_UNIX) as browser:
            browser.connect(str(browsers))  # the first one goes on undisturbed


def assert_ends_with(installation: Installation, said: str) -> None:
    program = [sys.executable, "-m", "pbx.engine", "--data", str(installation.data.root)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    *_, line = done.stderr.splitlines()
    assert f" engine {said}" in line
    assert ".py:" not in line, "that is for faults of the program"
