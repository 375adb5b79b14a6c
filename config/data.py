"""The data folder: where an installation keeps its files, and who may read them.

gorizont.toml           settings of this installation, if any
gorizont.db             the database, where it is SQLite
secrets/storage.key     seals the SIP passwords in the database
tls/ca.pem ca.key       the installation's own certificate authority
tls/server.pem .key     the certificate of the server, signed by it
files/                  what people send each other
run/engine.sock         where the processes meet
run/sip.sock            SIP over WebSocket, as the web process passes it on
run/media-N.sock        where media process N takes requests
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from config.errors import DataFolderError


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The paths below one root. Nothing is created until `create`."""

    root: Path

    @classmethod
    def locate(cls, option: Path | None = None, environ: Mapping[str, str] = os.environ) -> "DataFolder":
        """The folder that the command line or the environment names, else the user's own.

        `option`, else $GORIZONT_DATA, else `gorizont` in $XDG_DATA_HOME (by default ~/.local/share).
        """
        if option is not None:
            return cls(option.absolute())
        if named := environ.get("GORIZONT_DATA"):
            return cls(Path(named).expanduser().absolute())
        if home := environ.get("XDG_DATA_HOME"):
            return cls(Path(home).absolute() / "gorizont")
        try:
            return cls(Path.home() / ".local" / "share" / "gorizont")
        except RuntimeError as error:
            raise DataFolderError("this user has no home folder: name a data folder with --data") from error

    @property
    def config_file(self) -> Path:
        return self.root / "gorizont.toml"

    @property
    def database(self) -> Path:
        return self.root / "gorizont.db"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets"

    @property
    def storage_key(self) -> Path:
        return self.secrets / "storage.key"

    @property
    def tls(self) -> Path:
        return self.root / "tls"

    @property
    def authority(self) -> Path:
        return self.tls / "ca.pem"

    @property
    def authority_key(self) -> Path:
        return self.tls / "ca.key"

    @property
    def certificate(self) -> Path:
        return self.tls / "server.pem"

    @property
    def private_key(self) -> Path:
        return self.tls / "server.key"

    @property
    def files(self) -> Path:
        return self.root / "files"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def engine_socket(self) -> Path:
        return self.run / "engine.sock"

    @property
    def sip_socket(self) -> Path:
        return self.run / "sip.sock"

    @property
    def worker_bell(self) -> Path:
        """Rung when there is a picture to look at."""
        return self.run / "worker.sock"

    @property
    def chat_bell(self) -> Path:
        """Rung when the thumbnail of one is there."""
        return self.run / "chat.sock"

    def media_socket(self, index: int) -> Path:
        """Where a media process takes requests."""
        return self.run / f"media-{index}.sock"

    def create(self) -> None:
        """Makes the folders that are missing, for the owner alone. Raises DataFolderError.

        A root that exists keeps its mode, which may be somebody's decision; the folders below are
        ours and are closed to others again if somebody opened them.
        """
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (self.secrets, self.tls, self.run):
                folder.mkdir(mode=0o700, exist_ok=True)
                if folder.stat().st_mode & 0o077:
                    folder.chmod(0o700)
        except OSError as error:
            raise DataFolderError(
                f"cannot use {self.root} as data folder: {error.filename}: {error.strerror}"
            ) from error
        if not os.access(self.root, os.W_OK | os.X_OK):
            raise DataFolderError(f"cannot use {self.root} as data folder: this user may not write there")
