"""What went wrong, in one line. Imported when it did."""

from config.errors import ConfigError
from pbx.bus.errors import BusError
from pbx.certificates import CertificateError
from pbx.cli.answer import CliError
from pbx.directory.errors import DirectoryError
from pbx.log import in_one_line, one_line
from pbx.retention.errors import RetentionError
from pbx.routing.errors import RoutingError
from pbx.storage.errors import StorageError
from pbx.supervisor.instance import AlreadyRunning
from pbx.supervisor.preparation import PreparationFailed

EXPECTED = (
    AlreadyRunning,
    BusError,
    CertificateError,
    CliError,
    ConfigError,
    DirectoryError,
    PreparationFailed,
    RetentionError,
    RoutingError,
    StorageError,
)


def in_words(error: Exception) -> str:
    """The error's own words where it was made for people, else all that helps to find the fault."""
    if isinstance(error, EXPECTED):
        return one_line(str(error))
    if isinstance(error, OSError) and error.strerror:
        return one_line(f"{error.filename}: {error.strerror}" if error.filename else error.strerror)
    return one_line(f"this is a fault of the program: {in_one_line(error)}")
