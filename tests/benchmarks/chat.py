"""What the chat costs: `python -m tests.benchmarks.chat [--clients 500] [--seconds 60] [--calls]`.

    python -m tests.benchmarks.chat                            500 clients, three runs of 60 s
    python -m tests.benchmarks.chat --clients 5000             memory of the whole server, too
    python -m tests.benchmarks.chat --calls --seconds 20       the SIP kit's calls at 200/s, with the chat and without

`gorizont serve` of this tree runs on one processor with all settings at their defaults, the clients are one process on
the other. A client is a session that is signed in, with a WebSocket over TLS; a message is sent as the web client
does, by the API, or with `--by socket` by the Socket.IO request "send". It counts once for each client of its room
that hears of it, its author's own among them; the time runs from before it is sent until the client has read it.
A run in which a message or a delivery is missing is reported as failed and not quoted.
"""

import argparse
import contextlib
import dataclasses
import gc
import os
import resource
import secrets
import ssl
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.chat_clients import Crowd, LoadError, Wires
from tests.benchmarks.chat_office import ProcessTree, furnish, serve
from tests.benchmarks.chat_report import ChatResults, ChatRun, Memory, markdown
from tests.benchmarks.conditions import conditions, processors_apart
from tests.benchmarks.kit import Kit, KitError, Measurement, User
from tests.support.ports import reserve
from tests.support.processes import PeerError
from tests.support.server import Server

SETTLE = 5.0  # s until what comes of connecting is over
REST = 3.0  # s after the last message in which its deliveries may still come
MOST_SENDERS = 500
CALLERS = 1000  # users of the SIP kit
WARM_UP = 3.0  # s of the load that are not measured


class Benchmark:
    """One server with its clients, and what is measured of them."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options = options
        server_cpu, self.generator_cpu = processors_apart()
        users = options.users or options.clients
        command = " ".join(["python -m tests.benchmarks.chat", *sys.argv[1:]])
        self.results = ChatResults(
            conditions=dataclasses.replace(conditions(server_cpu, self.generator_cpu), command=command),
            clients=options.clients,
            users=users,
            room=options.room,
            by=options.by,
        )
        if self.generator_cpu is not None:
            os.sched_setaffinity(0, {self.generator_cpu})
        self.kit: Kit | None = None
        phones: list[User] = []
        if options.calls:
            self.kit = Kit(folder, generator_cpu=self.generator_cpu, port=reserve(1))
            self.phones = self.kit.users(CALLERS, 0)
            phones = User.read_all(self.phones)
        self.server = Server(folder / "server", domain="127.0.0.1", web=True)
        office = furnish(self.server, clients=options.clients, users=users, room=options.room, phones=phones)
        self.tree = ProcessTree(serve(self.server, server_cpu).pid)
        self.crowd = Crowd(Wires(self.server.https, _trusting(self.server.data.authority)), office.tokens, office.rooms)

    def close(self) -> None:
        """Ends everything, and keeps what the server complained of."""
        complaints = {line.partition(" ! ")[2] for line in self.server.output if " ! " in line}
        self.results.complaints = sorted(complaints)
        self.crowd.wires.close()
        self.server.stop()
        self.server.store.close()

    def connect(self) -> None:
        """Everybody connects; memory before and after."""
        self.crowd.rest(SETTLE)
        before, started, used = self.tree.memory(), time.monotonic(), self.tree.usage()
        self.crowd.connect()
        taken = time.monotonic() - started
        say(f"{len(self.crowd)} clients are connected after {taken:.0f} s")
        self.crowd.rest(SETTLE)
        cpu = self.tree.usage().since(used)["all"]
        connected = self.tree.memory()
        self.results.memory = Memory(self.options.clients, before, connected, connected, taken, cpu)
        if self.options.by == "api":
            self.crowd.open_posters(MOST_SENDERS)
        gc.collect()
        gc.freeze()  # a collection that looks through all clients would be seen as the server's delay

    def warm_up(self) -> None:
        """The first messages find nothing prepared."""
        self.chat(WARM_UP)

    def measure(self) -> None:
        """The chat by itself, as often as asked."""
        for number in range(1, self.options.repeat + 1):
            self.results.runs.append(self.chat(self.options.seconds))
            say(f"run {number}: {told(self.results.runs[-1])}")
        if self.results.memory is not None:
            self.results.memory = dataclasses.replace(self.results.memory, after=self.tree.memory())

    def beside_calls(self) -> None:
        """Calls alone, then with the chat, in turns; the first of all is not counted: it makes registrations."""
        self.call(registered=False, beside=None)
        for _ in range(self.options.repeat):
            found = self.call(registered=True, beside=None)
            self.results.calls_alone.append(found)
            say(f"calls alone: {found.problem or f'{found.cpu} ms'}")
            found = self.call(registered=True, beside=self.results.runs)
            self.results.calls_beside.append(found)
            say(f"calls beside the chat: {found.problem or f'{found.cpu} ms'}; {told(self.results.runs[-1])}")

    def call(self, *, registered: bool, beside: list[ChatRun] | None) -> Measurement:
        """One run of the kit's calls, of which the engine's time is counted; with the chat's load where asked."""
        found: list[Measurement | Exception] = []
        rate = self.options.call_rate
        count = int(rate * self.options.seconds)
        assert self.kit is not None
        kit, engine = self.kit, self.tree.pid_of("pbx.engine")

        def run() -> None:
            try:
                found.append(
                    kit.run(self.server.udp, engine, self.phones, "call", rate=rate, count=count, registered=registered)
                )
            except KitError as error:
                found.append(error)

        kit_runs = threading.Thread(target=run, daemon=True)
        kit_runs.start()
        if beside is None:
            while kit_runs.is_alive():
                self.crowd.rest(0.2)
        else:
            beside.append(self.chat(going=lambda _: kit_runs.is_alive()))
        kit_runs.join()
        if isinstance(found[0], Exception):
            raise found[0]
        return found[0]

    def chat(self, seconds: float = 0.0, going: Callable[[float], bool] | None = None) -> ChatRun:
        """One load, for so long or while something else goes on."""
        options, run = self.options, secrets.token_hex(4)
        before, own = self.tree.usage(), time.process_time()
        tally = self.crowd.send(
            options.rate, options.by, MOST_SENDERS, run, going or (lambda gone: gone < seconds), REST
        )
        taken = time.perf_counter() - tally.started
        return ChatRun.of(
            tally,
            rate=options.rate,
            seconds=taken,
            room=options.room,
            ends=self.crowd.wires.ends,
            used=self.tree.usage().since(before),
            generator=(time.process_time() - own) / taken,
            load=os.getloadavg()[0],
        )


def main() -> int:
    options = parse_arguments()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory(prefix="gorizont-benchmark-") as scratch, contextlib.ExitStack() as stack:
        try:
            benchmark = Benchmark(options, Path(scratch))
        except (KitError, PeerError) as error:
            print(f"benchmark: {error}", file=sys.stderr)
            return 1
        stack.callback(benchmark.close)
        status = 0
        try:
            benchmark.connect()
            benchmark.warm_up()
            if options.calls:
                benchmark.beside_calls()
            else:
                benchmark.measure()
        except (KitError, LoadError, PeerError) as error:
            status = 1
            print(f"benchmark: {error}", file=sys.stderr)
        stack.close()
    print(markdown(benchmark.results))
    return status


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.chat",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--clients", type=int, default=500, help="clients that are connected (500)")
    parser.add_argument("--users", type=int, help="so many users share them; one each if not given")
    parser.add_argument("--room", type=int, default=20, help="clients that hear each message (20)")
    parser.add_argument("--rate", type=float, default=200.0, help="messages a second (200)")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of a run (60)")
    parser.add_argument("--repeat", type=int, default=3, metavar="N", help="runs (3)")
    parser.add_argument("--by", choices=("api", "socket"), default="api", help="how messages are sent (api)")
    parser.add_argument("--calls", action="store_true", help="beside the SIP kit's calls, instead of alone")
    parser.add_argument("--call-rate", type=float, default=200.0, help="calls a second (200)")
    parser.add_argument("--markdown", action="store_true", help="print tables (there is no other form)")
    options = parser.parse_args()
    users = options.users or options.clients
    if options.clients % options.room or options.clients % users or options.room % (options.clients // users):
        parser.error("clients have to fill the rooms, and users to share them evenly")
    return options


def told(run: ChatRun) -> str:
    """A run in a line."""
    if run.problem is not None:
        return f"failed: {run.problem}"
    return (
        f"{run.cpu():.3f} ms a delivery (web {run.cpu('web'):.3f}), p50 {run.p50:.1f} ms, p99 {run.p99:.1f} ms, "
        f"the load took {run.generator:.2f} cores, {run.late:.1f} ms behind its time"
    )


def say(line: str) -> None:
    """Progress, where it doesn't get between the tables."""
    print(line, file=sys.stderr, flush=True)


def _trusting(authority: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(authority))


if __name__ == "__main__":
    sys.exit(main())
