"""Kamailio as a registrar and proxy on loopback, to prove the phones without the server that they are made for."""

import shutil
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.ports import free_port
from tests.support.processes import Process

CONFIG = Path(__file__).with_name("kamailio.cfg")


class Kamailio:
    """Every number is known; all passwords are PASSWORD."""

    PASSWORD = "secret"

    def __init__(self, folder: Path) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        self._folder = folder
        self._process: Process | None = None

    @staticmethod
    def installed() -> bool:
        return shutil.which("kamailio", path="/usr/sbin:/usr/bin") is not None

    def __enter__(self) -> Self:
        port = self.address.rpartition(":")[2]
        config = self._folder / "kamailio.cfg"
        config.write_text(CONFIG.read_text().replace("PASSWORD", self.PASSWORD).replace("PORT", port))
        command: list[str | Path] = ["kamailio", "-f", config, "-Y", self._folder]
        command += ["-m", "32", "-M", "8", "-DD", "-E", "-e"]
        self._process = Process(command, name="kamailio", folder=self._folder)
        self._process.start()
        self._process.wait_for(rf"tcp: .*:{port}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.kill()  # it holds nothing that is worth its five seconds of shutting down
