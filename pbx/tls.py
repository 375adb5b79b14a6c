"""The server's certificate as a process shows it, taken anew when its files change."""

import logging
import os
import ssl
from pathlib import Path

logger = logging.getLogger(__name__)


class ServerTls:
    """A TLS context that follows its files. Connections that are there keep the certificate that they began with."""

    def __init__(self, certificate: Path, private_key: Path) -> None:
        """Raises OSError (ssl.SSLError among others) when the files cannot be used."""
        self._files = certificate, private_key
        self._seen = self._marks()
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.load_cert_chain(certificate, private_key)

    def look(self) -> bool:
        """Takes a new certificate if there is one; to be called every few seconds. Whether it did."""
        marks = self._marks()
        if marks == self._seen:
            return False
        self._seen = marks
        try:
            # First elsewhere: a pair that does not fit must not spoil the context that works.
            ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(*self._files)
            self.context.load_cert_chain(*self._files)
        except OSError as error:
            logger.warning("! the new certificate cannot be used, the old one stays: %s", error)
            return False
        logger.info("= the certificate was renewed")
        return True

    def _marks(self) -> list[tuple[int, int] | None]:
        return [_mark(path) for path in self._files]


def _mark(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116  the cheap form
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino
