"""What the admin has recorded is heard before the echo test begins."""

from collections.abc import Iterator

import pytest

from tests.interop.desk import Desk, kind, tone
from tests.support.peers.baresip import Baresip
from tests.support.peers.base import Phone
from tests.support.peers.linphone import Linphone
from tests.support.server import Server
from tests.support.tones import write_tone

pytestmark = pytest.mark.interop
RECORDED = 2600.0  # Hz, and no phone's tone


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    sounds = tmp_path_factory.mktemp("sounds")
    write_tone(sounds / "echo.wav", RECORDED, seconds=2.0, rate=16_000)
    folder = tmp_path_factory.mktemp("office with sounds")
    with Server(folder / "server", settings=f'sounds = "{sounds}"') as server:
        yield server


@pytest.mark.parametrize("phone", [Baresip, Linphone], ids=kind)
def test_announcement_is_heard_once_and_then_the_own_voice(desk: Desk, phone: type[Phone]) -> None:
    (caller,) = desk.phones(phone)
    call = caller.call("*43")
    caller.wait_established(call)
    caller.wait_hears(RECORDED, at_least=1.0)
    caller.wait_hears(tone(caller))
    caller.hold(call)
    caller.resume(call)
    again = caller.mark()
    caller.wait_hears(tone(caller), since=again, at_least=1.0)
    caller.hang_up(call)
