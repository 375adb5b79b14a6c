"""`gorizont serve`: prepares the installation, runs its processes, and says how to go on.

Nothing else knows how the processes are started.
"""

import contextlib
import logging
import shlex
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from config.data import DataFolder
from config.errors import DataFolderError
from config.kinds import Address
from config.loader import load_settings
from config.settings import Settings
from pbx.addresses import local_addresses
from pbx.log import set_up_logging
from pbx.supervisor.instance import only_instance
from pbx.supervisor.preparation import Prepared, prepare, renew
from pbx.supervisor.process import ProcessDefinition
from pbx.supervisor.sockets import held
from pbx.supervisor.supervisor import Chore, Supervisor
from sip.transport.sockets import Listener

DAY = 86_400.0  # seconds, after which it is looked whether the certificate is good for some more

logger = logging.getLogger(__name__)


def serve(data: DataFolder, config: Path | None) -> int:
    """Runs the server until it is told to stop; the exit status.

    Raises ConfigError, PreparationFailed and AlreadyRunning before anything is started.
    """
    began = time.monotonic()
    settings = load_settings(data, config)
    set_up_logging("serve", settings.log.level)
    data.create()
    place = ["--data", str(data.root)]
    if config is not None:
        place += ["--config", str(config.absolute())]
    with only_instance(data.run / "serve.lock"), held(settings.sip) as sockets:
        prepared = prepare(place)
        _tell(prepared.news)
        supervisor = Supervisor(
            processes(place, settings, sockets),
            drain_seconds=settings.calls.drain_seconds,
            on_ready=lambda: _say(welcome(settings, data, prepared, time.monotonic() - began)),
            chores=[Chore(DAY, lambda: _tell(renew(place)))],
        )
        return supervisor.run()


def processes(place: Sequence[str], settings: Settings, sockets: Mapping[Listener, int]) -> list[ProcessDefinition]:
    """The table of processes of an installation; `place` are the options that name it."""

    def process(name: str, module: str, *arguments: str) -> ProcessDefinition:
        return ProcessDefinition(name, (sys.executable, "-m", module, *arguments, *place))

    engine = replace(process("engine", "pbx.engine"), sockets=sockets)
    table = [engine]
    # While the engine lets calls end, their media and the way of browsers to it have to stay.
    for index in range(settings.media.workers):
        media = process(f"media {index}", "pbx.media.worker", "--index", str(index))
        table.append(replace(media, after=engine.name))
    if settings.web.https or settings.web.http:
        table.append(replace(process("web", "web.server"), after=engine.name))
    table.append(process("worker", "web.worker"))
    return table


def _tell(news: Sequence[str]) -> None:
    for line in news:
        logger.info("= made %s", line)


def welcome(settings: Settings, data: DataFolder, prepared: Prepared, seconds: float) -> str:
    """What an admin reads when the server is ready: where it listens, and what to do next."""
    sip = settings.sip
    listening = (("UDP", sip.udp), ("TCP", sip.tcp), ("TLS", sip.tls), ("WebSocket", sip.ws), ("WSS", sip.wss))
    rows = [("SIP domain", sip.domain)]
    rows += [(f"SIP over {name}", ", ".join(map(str, addresses))) for name, addresses in listening if addresses]
    site = web_address(settings)
    if site:
        rows.append(("web", site))
    rows.append(("data folder", str(data.root)))
    if sip.certificate == data.certificate:
        rows.append(("authority", f"{data.authority} (for phones that check certificates)"))
    lines = [f"Gorizont is ready after {seconds:.1f} s. Ctrl-C stops it.", ""]
    lines += [f"  {name:<19} {value}" for name, value in rows]
    if prepared.user:
        lines += [
            "",
            "Sign in with your browser and choose a password. This link is shown this once:",
            "",
            f"  {site}/sign-in?user={prepared.user}#{prepared.password}",
        ]
    if prepared.users < 2:
        command = f"  {own_command()} user add"
        where = option_naming(data)
        lines += [
            "",
            "Next, in another terminal, make two users. Each answer has the lines to type into a phone:",
            "",
            f'{command} 101 --name "Anna Orlova"{where}',
            f'{command} 102 --name "Boris Petrov"{where}',
            "",
            "Then dial 102 on the phone of 101.",
        ]
    return "\n".join(["", *lines, ""])


def web_address(settings: Settings) -> str:
    """Where browsers find the server, "" where they don't. By an address, which works where no name does yet."""
    listening = settings.web.https or settings.web.http
    if not listening:
        return ""
    address = listening[0]
    if address.host in ("0.0.0.0", "::"):  # noqa: S104  compared, not listened on
        others = [one for one in local_addresses() if not one.is_loopback]
        address = Address(str(others[0]) if others else "localhost", address.port)
    return f"{'https' if settings.web.https else 'http'}://{address}"


def option_naming(data: DataFolder) -> str:
    """What a command in another terminal needs to find this folder, with a space before it; "" if nothing.

    That terminal does not have the environment of this process, such as the one that a unit of systemd sets.
    """
    with contextlib.suppress(DataFolderError):
        if DataFolder.locate(environ={}) == data:
            return ""
    return f" --data {shlex.quote(str(data.root))}"


def own_command() -> str:
    """How this program is called: by its name where the shell finds it, else by its path."""
    program = Path(sys.argv[0])
    found = shutil.which(program.name)
    if found is not None and Path(found).resolve() == program.resolve():
        return program.name
    folder = Path.cwd()
    if folder != Path(folder.anchor):  # where a service is started, and nobody works
        with contextlib.suppress(ValueError):
            return shlex.quote(str(program.absolute().relative_to(folder)))
    return shlex.quote(str(program.absolute()))


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # nobody reads it
        print(text, flush=True)
