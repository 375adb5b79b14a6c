"""Measures what the server costs, beside Kamailio on the same load.

    python -m tests.benchmarks --all --markdown             everything but endurance, in a quarter of an hour
    python -m tests.benchmarks --scenario call --rate 300   one scenario
    python -m tests.benchmarks --endurance                  memory over 100,000 calls

Needs SIPp, Kamailio and the kit; compiles the server for the build "compiled", which takes two minutes. Progress is
told on standard error, the tables on standard output.
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
from tests.benchmarks.cases import BUSY_USERS, CASES, PLAIN_USERS, REGISTRATIONS, choose
from tests.benchmarks.comparison import REFERENCE, capacities, compare, endure, memory_of_registrations
from tests.benchmarks.conditions import conditions, processors_apart
from tests.benchmarks.kit import Kit, KitError, User
from tests.benchmarks.report import Results, markdown
from tests.benchmarks.servers import Gorizont, Kamailio, Measured
from tests.support.processes import PeerError

ENDURANCE_RATE = 400.0
RAMP_FROM = 400.0
PORTS = range(20_000, 32_000, 10)


class Run:
    """One run of the benchmark: its servers, their users, and the folder of it all."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.folder = folder
        self.server_cpu, self.generator_cpu = processors_apart()
        self.results = Results(
            conditions=conditions(self.server_cpu, self.generator_cpu),
            servers=[*([] if options.alone else [REFERENCE]), *dict.fromkeys(options.build)],
            repeat=options.repeat,
        )
        if self.generator_cpu is not None:
            os.sched_setaffinity(0, {self.generator_cpu})  # ours and the kit's own work is no part of the servers'
        self.kit = Kit(folder, generator_cpu=self.generator_cpu, port=_free_ports())
        self.builds: dict[str, Path] = {}
        for build in options.build:
            say(f"making the build {build} ...")
            self.builds[build] = make(build, (options.builds or folder).resolve())
        self._started = 0

    def server(self, name: str, users: Sequence[User]) -> Measured:
        """A fresh server, which has not been started yet."""
        self._started += 1
        place = self.folder / f"server-{self._started}"
        if name == REFERENCE:
            return Kamailio(self.kit.kamailio_config, place, users, cpu=self.server_cpu)
        return Gorizont(name, self.builds[name], place, users, cpu=self.server_cpu)

    @contextlib.contextmanager
    def office(self, names: Sequence[str]) -> Iterator[tuple[list[Measured], Path]]:
        """These servers, running, and the file of their users."""
        path, users = self.kit.users(PLAIN_USERS, BUSY_USERS)
        with contextlib.ExitStack() as stack:
            yield [stack.enter_context(self.server(name, users)) for name in names], path

    def memory(self) -> None:
        path, users = self.kit.users(REGISTRATIONS, 0)
        for name in self.results.servers:
            with self.server(name, users) as server:
                run = memory_of_registrations(self.kit, server, path, REGISTRATIONS)
            say(f"memory, {name}: {run.problem or f'{run.pss_before} to {run.pss_peak} KiB'}")
            self.results.registrations.setdefault(name, []).append((REGISTRATIONS, run))


def main() -> int:
    options = parse_arguments()
    only_more = (options.memory or options.ramp or options.endurance) and not options.scenario
    cases = [] if only_more and not options.all else choose(options.scenario, options.rate, options.count)
    try:
        with tempfile.TemporaryDirectory(prefix="gorizont-benchmark-") as scratch:
            run = Run(options, Path(scratch))
            if cases or options.ramp or options.all:
                with run.office(run.results.servers) as (servers, users):
                    run.results.series = compare(run.kit, servers, users, cases, repeat=options.repeat, say=say)
                    if options.ramp or options.all:
                        run.results.capacities = capacities(run.kit, servers, users, rate=RAMP_FROM, say=say)
            if options.memory or options.all:
                run.memory()
            if options.endurance:
                for name in run.results.ours:
                    with run.office([name]) as ([server], users):
                        run.results.endurance[name] = endure(
                            run.kit, server, users, calls=options.endurance, rate=ENDURANCE_RATE, say=say
                        )
    except (BuildError, KitError, PeerError, FileNotFoundError) as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return 1
    if options.json is not None:
        options.json.write_text(json.dumps(run.results.values(), indent=1) + "\n")
    if options.markdown or options.json is None:
        print(markdown(run.results))
    return 0


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
    """The first of ten neighbouring ports below those that the system gives away, none of them taken."""
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
