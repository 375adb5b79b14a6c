"""The shape of the database through the versions of the program, run by Alembic.

`upgrade` is called at every start, before anything else opens the database. Two programs that start at
the same time take turns, and what is interrupted has not happened: a migration is one transaction.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from config.errors import MigrationError

HERE = Path(__file__).parent
ADVISORY_LOCK = 0x676F72697A6F6E74  # "gorizont"; PostgreSQL knows advisory locks by a number


def upgrade(engine: Engine) -> None:
    """Brings the database to the shape that this version needs.

    Raises MigrationError when the database cannot be reached or locked, or when it was used by a newer
    version of the program.
    """
    with _alone(engine) as connection:
        _check_known(connection)
        command.upgrade(_configured(connection), "head")


def downgrade(engine: Engine, revision: str) -> None:
    """Takes the database back to an older shape; "base" removes everything. Data may be lost."""
    with _alone(engine) as connection:
        _check_known(connection)
        command.downgrade(_configured(connection), revision)


def current(engine: Engine) -> str | None:
    """The revision that the database has now, None before the first."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest() -> str:
    """The revision that this version of the program needs."""
    head = _scripts().get_current_head()
    assert head is not None
    return head


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(HERE))


def _configured(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.attributes["connection"] = connection  # env.py takes it from here
    return config


def _check_known(connection: Connection) -> None:
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is not None and revision not in {script.revision for script in _scripts().walk_revisions()}:
        raise MigrationError(
            f"the database has the shape {revision}, which this version of the program does not know: "
            "it was used by a newer one"
        )


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """A transaction on the database, while no other process migrates it. Raises MigrationError."""
    try:
        if engine.dialect.name == "sqlite":
            with Path(f"{engine.url.database}.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                with engine.begin() as connection:
                    yield connection
        else:
            with engine.begin() as connection:
                # However long the other one takes: waiting is right here, and only here.
                connection.execute(text("SET LOCAL lock_timeout = 0"))
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ADVISORY_LOCK})
                yield connection
    except DBAPIError as error:
        said = str(error.orig).strip().splitlines()
        raise MigrationError(f"the database cannot be used: {said[0] if said else error}") from error
    except OSError as error:
        raise MigrationError(f"the database cannot be used: {error.filename}: {error.strerror}") from error
