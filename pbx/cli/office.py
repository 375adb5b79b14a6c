"""What commands work with: settings, database, secrets, and the engine if it runs."""

import os
import pwd
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.data import DataFolder
from config.loader import load_settings
from config.settings import Settings
from pbx.bus.client import call
from pbx.bus.errors import BusError, NotRunning
from pbx.bus.lines import Values
from pbx.cli.answer import CliError

if TYPE_CHECKING:
    from pbx.directory.secrets import SecretBox
    from pbx.storage.unit import Store, Transaction

VERSIONS = Path(__file__).parents[2] / "config" / "migrations" / "versions"


class Office:
    """One installation, as the command line sees it. Everything is opened when it is first needed."""

    def __init__(self, data: DataFolder, config: Path | None) -> None:
        self.data = data
        self.config = config

    @cached_property
    def settings(self) -> Settings:
        """Raises ConfigError."""
        return load_settings(self.data, self.config)

    @property
    def is_made(self) -> bool:
        """Whether there has been a first start, or a first command."""
        return self.data.storage_key.exists()

    @cached_property
    def store(self) -> "Store":
        """The database, in the shape of this version; made if this is the first command of an installation.

        Raises CliError when the database has another shape, and what opening it raises.
        """
        from pbx.storage.engine import open_database
        from pbx.storage.unit import Store

        self.data.create()
        store = Store(open_database(self.settings.database.url))
        shape = _shape(store)
        if shape is None or not self.is_made:
            self._prepare()
        elif shape != newest_shape():
            raise CliError(
                f"the database has the shape {shape}, this program needs {newest_shape()}: start the server anew"
            )
        return store

    @cached_property
    def box(self) -> "SecretBox":
        """The box of the SIP passwords. Raises SecretsError."""
        from pbx.directory.secrets import SecretBox

        return SecretBox.open(self.data.storage_key)

    @cached_property
    def actor(self) -> str:
        """Who acts, for the audit trail."""
        try:
            return f"cli:{pwd.getpwuid(os.getuid()).pw_name}"
        except KeyError:
            return f"cli:{os.getuid()}"

    @contextmanager
    def change(self) -> Iterator["Transaction"]:
        """A transaction on the directory; at its end a running engine takes the change over."""
        with self.telling_engine(), self.store.transaction() as tx:
            yield tx

    @contextmanager
    def telling_engine(self) -> Iterator[None]:
        """Tells the engine, at the end of the block, of all changes of the directory in it."""
        from pbx.directory.events import DirectoryChanged

        numbers: dict[str, None] = {}

        def note(event: object) -> None:
            if isinstance(event, DirectoryChanged):
                numbers.update(dict.fromkeys(event.numbers))

        self.store.listen(note)
        yield
        if numbers:
            self._tell(list(numbers))

    def ask(self, command: str, **data: Any) -> Values:
        """The engine's reply. Raises BusError: NotRunning among others."""
        return call(self.settings.bus.socket, command, data)

    def close(self) -> None:
        if "store" in self.__dict__:
            self.store.close()

    def _tell(self, numbers: list[str]) -> None:
        try:
            self.ask("directory.changed", numbers=numbers)
        except NotRunning:
            return  # it will read everything when it starts
        except BusError as error:
            # The change is made, and the engine looks for it every few seconds by itself.
            print(f"warning: the change is stored, but not in force yet: {error}", file=sys.stderr)

    def _prepare(self) -> None:
        from pbx.first_start import prepare
        from pbx.storage.base import utc_now

        prepare(self.data, self.settings, utc_now())


def newest_shape() -> str:
    """The newest revision by the names of the migrations: Alembic itself takes long to import."""
    return max(path.name.partition("_")[0] for path in VERSIONS.glob("[0-9]*_*.py"))


def _shape(store: "Store") -> str | None:
    """The revision of the database, None where nothing is in it yet. Raises DatabaseRefused."""
    from sqlalchemy import inspect, text

    with store.reading() as session:
        if not inspect(session.connection()).has_table("alembic_version"):
            return None
        revision = session.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if revision is None else str(revision)
