"""What a relayed call costs, beside rtpengine: `python -m tests.benchmarks.rtp [--calls 100,300] [--seconds 10]`.

The kit's `rtpbench.py` makes the load. It speaks rtpengine's ng protocol, which a small server here translates for
a media process of ours; what is measured is that process alone, its processor time for each call and second. Each
relay runs alone, one after the other, round by round. With `--delay` the time that packets take through the relay is
measured instead, from before they are sent until the kernel has them for who receives them. With `--workers 1,2,4` so
many media processes share the calls, and rtpengine stays out of it.
"""

import argparse
import asyncio
import contextlib
import json
import os
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from pbx.media import bencode
from pbx.media.embedded import EmbeddedMedia
from pbx.media.errors import MediaError
from pbx.media.plane import MediaProfile
from pbx.media.relay.ports import bound
from tests.scenarios.media.carriers import RtpengineProcess, WorkerProcess
from tests.support.ports import free_port
from tests.support.processes import Process
from tests.support.shared import shared_data

SO_TIMESTAMPNS = 35  # <asm-generic/socket.h>; Python has no name for it
LAST_PORT = 29_999  # below those that the system gives out
PROFILES = {b"RTP/AVP": MediaProfile.RTP, b"RTP/SAVP": MediaProfile.SRTP}


class NgServer(asyncio.DatagramProtocol):
    """As much of the ng protocol as the kit speaks, in front of a media plane."""

    def __init__(self, plane: EmbeddedMedia) -> None:
        self._plane = plane
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        cookie, _, body = data.partition(b" ")
        request: Any = bencode.decode(body)

        def reply(result: bytes | MediaError) -> None:
            assert self._transport is not None
            answer: dict[str, bencode.Value] = {"result": "ok"}
            if isinstance(result, MediaError):
                answer = {"result": "error", "error-reason": str(result)}
            elif result:
                answer["sdp"] = result
            self._transport.sendto(cookie + b" " + bencode.encode(answer), addr)

        session = request["call-id"].decode()
        match request["command"]:
            case b"offer":
                profile = PROFILES[request["transport-protocol"]]
                self._plane.offer(session, request["sdp"], source="a", target="b", profile=profile, done=reply)
            case b"answer":
                self._plane.answer(session, request["sdp"], source="b", target="a", done=reply)
            case b"delete":
                self._plane.delete(session)
                reply(b"")


@dataclass(frozen=True, slots=True)
class Relay:
    """A relay that runs: how to reach it and whose time counts."""

    ng: str
    pids: tuple[int, ...]


def free_beginning() -> int:
    """The first of a range of ports: a media process takes that one for browsers, and passes over others in use."""
    for first in range(12_000, 25_000, 500):
        try:
            bound("127.0.0.1", first).close()
        except OSError:
            continue
        return first
    raise SystemExit("no port is free")


@contextmanager
def embedded(folder: Path, workers: int = 1) -> Iterator[Relay]:
    """Media processes of ours, behind an ng server in a thread of this one."""
    ports = free_beginning(), LAST_PORT
    processes = [WorkerProcess(folder, ports, index, workers) for index in range(workers)]
    for one in processes:
        one.start()
    port, ready, loop = free_port(), threading.Event(), asyncio.new_event_loop()

    async def serve() -> None:
        plane = EmbeddedMedia(loop, [one.socket for one in processes])
        plane.start()
        for side in plane._processes:
            await side.ready.wait()
        await loop.create_datagram_endpoint(lambda: NgServer(plane), ("127.0.0.1", port))
        ready.set()

    def run() -> None:
        asyncio.set_event_loop(loop)
        task = loop.create_task(serve())
        loop.run_forever()
        del task

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        if not ready.wait(20):
            raise SystemExit("the media processes don't answer")
        yield Relay(f"127.0.0.1:{port}", tuple(_pid(one.process) for one in processes))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()
        for one in processes:
            one.stop()


@contextmanager
def rtpengine(folder: Path) -> Iterator[Relay]:
    """rtpengine in user space, with one thread."""
    relay = RtpengineProcess(folder, (free_beginning(), LAST_PORT))
    relay.process.start()
    try:
        wait_for(relay.port)
        yield Relay(f"127.0.0.1:{relay.port}", (_pid(relay.process),))
    finally:
        relay.process.stop()


def _pid(process: Process) -> int:
    assert process._child is not None
    return process._child.pid


def wait_for(port: int) -> None:
    """Until an ng server answers."""
    with socket.socket(type=socket.SOCK_DGRAM) as asking:
        asking.connect(("127.0.0.1", port))
        asking.settimeout(0.1)
        for _ in range(200):
            try:
                asking.send(b"are-you-there d7:command4:pinge")
                asking.recv(2048)
            except TimeoutError:
                continue
            except ConnectionRefusedError:
                time.sleep(0.1)  # nothing tells when it will listen
                continue
            return
    raise SystemExit("rtpengine doesn't answer")


RELAYS: dict[str, Callable[[Path], Any]] = {"embedded": embedded, "rtpengine": rtpengine}


def measure(relay: Relay, mode: str, calls: int, seconds: float) -> dict[str, Any]:
    """One run of the kit."""
    program = shared_data("bench", "rtpbench.py")
    if program is None:
        raise SystemExit("the benchmark kit is not there: set GORIZONT_SHARED to its folder")
    command = [sys.executable, str(program), "--ng", relay.ng, "--mode", mode, "--calls", str(calls)]
    command += ["--seconds", str(seconds), *(f"--server-pid={pid}" for pid in relay.pids)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def delays(relay: Relay, mode: str, calls: int, seconds: float) -> dict[str, Any]:
    """How long packets take, in ms: the kit's calls, sent evenly, their way timed by sequence numbers and ports."""
    program = shared_data("bench", "rtpbench.py")
    if program is None:
        raise SystemExit("the benchmark kit is not there: set GORIZONT_SHARED to its folder")
    sys.path.insert(0, str(program.parent))
    import rtpbench  # type: ignore[import-not-found]

    sides = rtpbench.media_socket("127.0.0.1"), rtpbench.media_socket("127.0.0.1")
    for side in sides:
        side.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    options = SimpleNamespace(local_ip="127.0.0.1", mode=mode, calls=calls)
    streams = rtpbench.open_calls(options, rtpbench.Relay(relay.ng), *sides)
    # A party hears the other at the port to which it sends.
    across = {one.destination: other for one, other in zip(streams[::2], streams[1::2], strict=True)}
    across |= {other.destination: one for one, other in zip(streams[::2], streams[1::2], strict=True)}
    sent: dict[tuple[int, int], int] = {}
    taken: list[float] = []

    def read() -> None:
        for side in sides:
            with contextlib.suppress(BlockingIOError):
                while True:
                    packet, extra, _, source = side.recvmsg(2048, 64)
                    (_, _, stamp), number = extra[0], int.from_bytes(packet[2:4], "big")
                    whole, rest = struct.unpack("qq", stamp)
                    begun = sent.pop((across[source].ssrc, number), None)
                    if begun is not None:
                        taken.append((whole * 1_000_000_000 + rest - begun) / 1e6)

    gap, total = 0.02 / len(streams), int(seconds * 50 * len(streams))
    for stream in streams:
        stream.send()  # the ways are known from here on
    time.sleep(0.5)
    read()
    start = time.perf_counter()
    for number in range(total):
        stream = streams[number % len(streams)]
        sent[stream.ssrc, stream.sequence & 0xFFFF] = time.time_ns()
        stream.send()
        read()
        ahead = start + (number + 1) * gap - time.perf_counter()
        if ahead > 0:
            time.sleep(ahead)
    time.sleep(0.5)
    read()
    parts = statistics.quantiles(taken, n=1000)
    return {"sent": total, "lost": total - len(taken), "p50": parts[499], "p99": parts[989], "p999": parts[998]}


def report_delays(modes: list[str], counts: list[int], rounds: int, seconds: float) -> None:
    """Prints a line for each run."""
    for mode in modes:
        for calls in counts:
            for _ in range(rounds):
                for name, start in RELAYS.items():
                    with tempfile.TemporaryDirectory() as folder, start(Path(folder)) as relay:
                        found = delays(relay, mode, calls, seconds)
                    times = "  ".join(f"{part} {found[part]:6.3f}" for part in ("p50", "p99", "p999"))
                    print(f"{mode:5} {calls:4} calls  {name:9}  ms {times}  lost {found['lost']} of {found['sent']}")


def report_workers(modes: list[str], counts: list[int], workers: list[int], rounds: int, seconds: float) -> None:
    """Prints what a call costs when so many processes share the calls."""
    for mode in modes:
        for calls in counts:
            for number in workers:
                found = []
                for _ in range(rounds):
                    with tempfile.TemporaryDirectory() as folder, embedded(Path(folder), number) as relay:
                        found.append(measure(relay, mode, calls, seconds))
                costs = [one["cpu_ms_per_call_second"] for one in found]
                print(
                    f"{mode:5} {calls:4} calls  {number} processes  {statistics.median(costs):6.3f} ms"
                    f" ({min(costs):.3f}–{max(costs):.3f})  lost {sum(one['lost'] for one in found)}"
                )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", default="100,300")
    parser.add_argument("--modes", default="rtp,srtp")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="every single result")
    parser.add_argument("--delay", action="store_true", help="the time that packets take, instead of the processor's")
    parser.add_argument("--workers", help="numbers of media processes that share the calls, with commas between them")
    options = parser.parse_args()
    modes, counts = options.modes.split(","), list(map(int, options.calls.split(",")))
    if options.delay:
        report_delays(modes, counts, options.rounds, options.seconds)
        return
    if options.workers:
        workers = list(map(int, options.workers.split(",")))
        report_workers(modes, counts, workers, options.rounds, options.seconds)
        return
    figures: dict[tuple[str, int], dict[str, list[float]]] = {}
    for mode in modes:
        for calls in counts:
            for _ in range(options.rounds):
                for name, start in RELAYS.items():
                    with tempfile.TemporaryDirectory() as folder, start(Path(folder)) as relay:
                        result = measure(relay, mode, calls, options.seconds)
                    if options.json:
                        print(json.dumps({"relay": name, **result}))
                    if result["lost"]:
                        print(f"{mode} {calls} calls  {name} has lost {result['lost']} of {result['sent']} packets")
                    cost = result["cpu_ms_per_call_second"]
                    figures.setdefault((mode, calls), {}).setdefault(name, []).append(cost)
    print(
        f"processor time in ms for each call and second, median of {options.rounds}; load average {os.getloadavg()[0]}"
    )
    for (mode, calls), relays in figures.items():
        ours, theirs = (statistics.median(relays[name]) for name in ("embedded", "rtpengine"))
        # Of neighbouring runs, so that what slows the machine down slows both.
        ratios = [one / other for one, other in zip(relays["embedded"], relays["rtpengine"], strict=True)]
        print(
            f"{mode:5} {calls:4} calls  embedded {ours:6.3f}  rtpengine {theirs:6.3f}"
            f"  ratio {statistics.median(ratios):5.2f} ({min(ratios):.2f}–{max(ratios):.2f})"
        )


if __name__ == "__main__":
    main()
