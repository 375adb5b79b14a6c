"""What the processes of a server load before anybody comes: libraries that only some work needs wait for that work."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("modules", "absent"),
    [
        # It lives as long as the server and only watches the others.
        (
            "pbx.cli.program pbx.supervisor.serve",
            "sqlalchemy alembic pydantic flask cryptography asyncio ssl pbx.first_start",
        ),
        ("pbx.engine", "av pylibsrtp aioice OpenSSL cryptography.x509 flask pydantic"),
        # A thread loads FFmpeg when a call has to be transcoded, or hears a tone.
        ("pbx.media.worker", "av sqlalchemy"),
        ("web.worker", "sqlalchemy PIL flask gevent asyncio"),
        ("web.server", "requests websocket PIL av cryptography.x509"),
    ],
    ids=["supervisor", "engine", "media", "worker", "web"],
)
def test_process_does_without(modules: str, absent: str) -> None:
    code = f"import {', '.join(modules.split())}, sys; print(*(n for n in {absent.split()} if sys.modules.get(n)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
