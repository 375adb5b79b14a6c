"""Measures what the server costs, beside Kamailio on the same load.

    python -m tests.benchmarks --all --markdown             everything but endurance, in a quarter of an hour
    python -m tests.benchmarks --scenario call --rate 300   one scenario
    python -m tests.benchmarks --scenario call --web        with a web server, which follows every call
    python -m tests.benchmarks --all --answers --markdown   and how long answers take, exactly
    python -m tests.benchmarks --endurance                  memory over 100,000 calls

Needs SIPp, Kamailio and the kit; compiles the server for the build "compiled", which takes two minutes. Progress is
told on standard error, the tables on standard output.

SIPp's clock moves in steps of some milliseconds. With `--answers` each case with a goal is run once more on every
server while a packet socket sees all datagrams, and the time for which it is the server's turn is added up for each
operation. That needs root, or CAP_NET_RAW.
"""

import argparse
import contextlib
import json
import os
import socket
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.benchmarks.builds import Build, BuildError, make
from tests.benchmarks.cases import BUSY_USERS, CASES, PLAIN_USERS, REGISTRATIONS, Case, choose
from tests.benchmarks.comparison import REFERENCE, Series, compare, endure, time_answers
from tests.benchmarks.conditions import conditions, processors_apart
from tests.benchmarks.kit import Kit, KitError
from tests.benchmarks.packets import listen
from tests.benchmarks.report import Results, markdown
from tests.benchmarks.servers import Gorizont, Kamailio, Measured
from tests.support.processes import PeerError

ENDURANCE_RATE = 400.0
RAMP_FROM = 200.0
PORTS = range(31_900, 30_200, -10)  # above those for media, below those that the system gives away


class Run:
    """One run of the benchmark: its servers, their users, and the folder of it all."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.folder = folder
        self.server_cpu, self.generator_cpu = processors_apart()
        self.results = Results(
            conditions=conditions(self.server_cpu, self.generator_cpu),
            servers=[*([] if options.alone else [REFERENCE]), *dict.fromkeys(options.build)],
            repeat=options.repeat,
            web=options.web,
        )
        if self.generator_cpu is not None:
            os.sched_setaffinity(0, {self.generator_cpu})  # ours and the kit's own work is no part of the servers'
        self.kit = Kit(folder, generator_cpu=self.generator_cpu, port=_free_ports())
        self.builds: dict[str, Path] = {}
        for build in options.build:
            say(f"making the build {build} ...")
            self.builds[build] = make(build, (options.builds or folder).resolve())
        self._started = 0

    def server(self, name: str, users: Path) -> Measured:
        """A fresh server, which has not been started yet."""
        self._started += 1
        place = self.folder / f"server-{self._started}"
        if name == REFERENCE:
            return Kamailio(self.kit.kamailio_config, place, users, cpu=self.server_cpu)
        return Gorizont(name, self.builds[name], place, users, cpu=self.server_cpu, web=self.results.web)

    @contextlib.contextmanager
    def office(self, names: Sequence[str], users: Path) -> Iterator[list[Measured]]:
        """These servers, running, with these users."""
        with contextlib.ExitStack() as stack:
            servers = [stack.enter_context(self.server(name, users)) for name in names]
            try:
                yield servers
            finally:
                for server in servers:
                    self.results.complaints.setdefault(server.name, []).extend(server.complaints())

    def compare(self, cases: Sequence[Case], *, answers: bool) -> None:
        """The scenario "register" on servers of its own, the others together; answers are timed after that."""
        users = self.kit.users(PLAIN_USERS, BUSY_USERS)
        for alone in (True, False):
            if chosen := [Series(case) for case in cases if (case.scenario == "register") is alone]:
                self.results.series += chosen
                with self.office(self.results.servers, users) as servers:
                    compare(self.kit, servers, users, chosen, repeat=self.results.repeat, say=say)
                    if answers:
                        time_answers(self.kit, servers, users, chosen, say=say)

    def ramp(self) -> None:
        """How many calls a second each server sustains."""
        users = self.kit.users(PLAIN_USERS, 0)
        for name in self.results.servers:
            with self.office([name], users) as [server]:
                capacity = self.kit.ramp(server.target, server.pid, users, "call", rate=RAMP_FROM)
            say(f"most calls, {name}: {capacity.rate}/s, {capacity.stopped_by}")
            self.results.capacities[name] = capacity

    def memory(self) -> None:
        """What a registration takes on a server that was just started."""
        users = self.kit.users(REGISTRATIONS, 0)
        for name in self.results.servers:
            with self.office([name], users) as [server]:
                run = self.kit.run(server.target, server.pid, users, "register", rate=500, count=REGISTRATIONS)
            say(f"memory, {name}: {run.problem or f'{run.pss_before} to {run.pss_peak} KiB'}")
            self.results.registrations.setdefault(name, []).append((REGISTRATIONS, run))

    def endurance(self, calls: int) -> None:
        """Our servers over so many calls."""
        users = self.kit.users(PLAIN_USERS, 0)
        for name in self.results.ours:
            runs = self.results.endurance[name] = []
            with self.office([name], users) as [server]:
                endure(self.kit, server, users, runs, calls=calls, rate=ENDURANCE_RATE, say=say)


def main() -> int:
    options = parse_arguments()
    only_more = (options.memory or options.ramp or options.endurance) and not options.scenario
    cases = [] if only_more and not options.all else choose(options.scenario, options.rate, options.count)
    if options.answers:
        try:
            listen().close()
        except PermissionError as error:
            print(f"benchmark: no packet socket for --answers, which needs CAP_NET_RAW: {error}", file=sys.stderr)
            return 1
    with tempfile.TemporaryDirectory(prefix="gorizont-benchmark-") as scratch:
        try:
            run = Run(options, Path(scratch))
        except (BuildError, KitError) as error:
            print(f"benchmark: {error}", file=sys.stderr)
            return 1
        status = 0
        try:
            run.compare(cases, answers=options.answers)
            if options.ramp or options.all:
                run.ramp()
            if options.memory or options.all:
                run.memory()
            if options.endurance:
                run.endurance(options.endurance)
        except (BuildError, KitError, PeerError, FileNotFoundError) as error:
            status = 1  # what was measured before is worth telling all the same
            print(f"benchmark: {error}", file=sys.stderr)
    if options.json is not None:
        options.json.write_text(json.dumps(run.results.values(), indent=1) + "\n")
    if options.markdown or options.json is None:
        print(markdown(run.results))
    return status


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    scenarios = list(dict.fromkeys(case.scenario for case in CASES))
    parser.add_argument("--all", action="store_true", help="all scenarios in both builds, ramp and memory")
    parser.add_argument("--scenario", action="append", choices=scenarios, help="may be repeated; all if not given")
    parser.add_argument("--rate", type=float, help="operations a second, instead of those with a goal")
    parser.add_argument("--count", type=int, help="operations of one run")
    parser.add_argument("--repeat", type=int, default=3, metavar="N", help="runs of everything (3)")
    parser.add_argument(
        "--build", action="append", type=Build, choices=list(Build), help="may be repeated; interpreted"
    )
    parser.add_argument("--builds", type=Path, metavar="DIR", help="keep the builds here for the next run")
    parser.add_argument("--alone", action="store_true", help="without Kamailio")
    parser.add_argument("--web", action="store_true", help="with a web server, to which no browser is connected")
    parser.add_argument("--answers", action="store_true", help="time answers exactly, in one more run of each case")
    parser.add_argument("--memory", action="store_true", help=f"memory of {REGISTRATIONS} registrations")
    parser.add_argument("--ramp", action="store_true", help="how many calls a second are sustained")
    parser.add_argument(
        "--endurance", type=int, nargs="?", const=100_000, metavar="CALLS", help="memory over so many calls (100000)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures of all runs there")
    parser.add_argument("--markdown", action="store_true", help="print tables (the default without --json)")
    options = parser.parse_args()
    if not options.build:
        options.build = [Build.COMPILED, Build.INTERPRETED] if options.all else [Build.INTERPRETED]
    return options


def say(line: str) -> None:
    """Progress, where it doesn't get between the tables."""
    print(line, file=sys.stderr, flush=True)


def _free_ports() -> int:
    """The first of ten neighbouring ports, none of them taken."""
    for first in PORTS:
        with contextlib.ExitStack() as stack:
            try:
                for port in range(first, first + 10):
                    stack.enter_context(socket.socket(type=socket.SOCK_DGRAM)).bind(("127.0.0.1", port))
            except OSError:
                continue
            return first
    raise KitError("no ten neighbouring ports are free")


if __name__ == "__main__":
    sys.exit(main())
