"""One address sends some 30 000 requests a second, more than can be answered: everybody else goes on."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.scenarios.hostile.attackers import PATIENCE, address_of
from tests.scenarios.hostile.victim import Engine, Office, complaints
from tests.support.messages import request

FLOODER = f"127.251.{os.getpid() // 256 % 256}.{1 + os.getpid() % 254}"
LONGEST = 20.0  # s, in case that nobody stops it
_PROGRAM = """
import socket, sys, time
data, end = sys.stdin.buffer.read(), time.monotonic() + float(sys.argv[4])
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flood:
    flood.bind((sys.argv[1], 0))
    flood.connect((sys.argv[2], int(sys.argv[3])))
    while time.monotonic() < end:
        for _ in range(100):
            try:
                flood.send(data)
            except ConnectionError:
                pass
        time.sleep(0.0025)
"""


@contextmanager
def flood(server: Engine) -> Iterator[None]:
    """REGISTERs without credentials, each of which is worth a challenge."""
    host, port = address_of(server.udp)
    register = request(
        "REGISTER", f"sip:{server.domain}", from_="<sip:999@office.test>;tag=1", to="<sip:999@office.test>"
    )
    command = [sys.executable, "-c", _PROGRAM, FLOODER, host, str(port), str(LONGEST)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(register)
        process.stdin.close()
        try:
            yield
        finally:
            process.kill()


def dropped(server: Engine) -> int:
    """What `gorizont blocks` says of the attacker, and of nobody else."""
    (block,) = server.command("blocks")["blocks"]
    assert block["what"] == FLOODER
    return int(block["attempts"])


def test_flood_from_one_address_keeps_nobody_from_calling(tmp_path: Path) -> None:
    with Engine(tmp_path / "server", users=("101", "102")) as server:
        assert server.process is not None
        office = Office(server)
        office.check()
        with flood(server):
            server.process.wait_for(f"near overload: {FLOODER} sends more than 200 messages a second", timeout=PATIENCE)
            office.telephones.network.until(lambda: server.command("ready")["refusing"] == "", "calls are taken again")
            office.check()
            office.telephones.network.until(lambda: dropped(server) > 1000, "much of the flood is dropped")
            assert server.command("ready")["transport"]["limited"] > 1000
        server.process.wait_for("nobody sends too much any more", timeout=2 * PATIENCE)
        assert server.command("blocks")["blocks"] == []
        office.check()
        office.close()
        assert complaints(server) == []
