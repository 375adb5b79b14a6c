"""WebSockets passed on by another process through a Unix socket."""

import asyncio
import socket
import stat
from pathlib import Path

import pytest

from sip.transport.frames import FrameReader, Opcode, encode_frame
from sip.transport.layer import TransportLayer
from sip.transport.tunnel import origin_of
from tests.unit.sip.transport.conftest import Run
from tests.unit.sip.transport.peers import Recorder, message


def handshake(**headers: str) -> bytes:
    rows = {
        "Host": "pbx.example.org:8443",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Protocol": "sip",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return ("GET /sip HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in rows.items()) + "\r\n").encode()


@pytest.mark.parametrize(
    ("headers", "remote", "local"),
    [
        ({"X_Forwarded_For": "192.0.2.7"}, "192.0.2.7", ("pbx.example.org", 8443)),
        ({"X_Forwarded_For": "10.0.0.1, 2001:db8::7", "Host": "[2001:db8::1]"}, "2001:db8::7", ("2001:db8::1", 443)),
        ({"Host": "pbx>;evil"}, "127.0.0.1", ("127.0.0.1", 443)),
    ],
)
def test_flow_is_that_of_the_browser(
    run: Run, tmp_path: Path, headers: dict[str, str], remote: str, local: tuple[str, int]
) -> None:
    async def scenario() -> None:
        recorder = Recorder(answer=lambda data: b"answer to " + data)
        layer = TransportLayer(recorder)
        path = tmp_path / "sip.sock"
        try:
            await layer.listen_for_tunnel(path)
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            reader, writer = await asyncio.open_unix_connection(str(path))
            writer.write(handshake(**headers) + encode_frame(Opcode.TEXT, message(), b"mask"))
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
            data, flow = await recorder.message()
            assert data == message()
            assert (flow.transport, flow.remote[0], flow.local) == ("WSS", remote, local)
            frames = FrameReader(from_client=False)
            assert list(frames.receive(await reader.read(10_000))) == [b"answer to " + message()]
            writer.close()
        finally:
            await layer.close()

    run(scenario())


def test_socket_of_an_engine_that_was_killed_is_no_obstacle(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "sip.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))

    async def scenario() -> None:
        layer = TransportLayer(Recorder())
        await layer.listen_for_tunnel(path)
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(handshake())
        assert (await reader.readline()).startswith(b"HTTP/1.1 101 ")
        writer.close()
        await layer.close()

    run(scenario())


@pytest.mark.parametrize("host", ["", "a b", "[::1", "x" * 254, "pbx:port", 'pbx"'])
def test_host_that_is_none_is_no_origin(host: str) -> None:
    assert origin_of(host) is None
