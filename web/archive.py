"""A ZIP archive that is sent while it is made: it never stands anywhere as a whole."""

import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

SMALL = 32 << 10  # octets that are not worth being sent alone

Entry = tuple[str, bool, Iterable[bytes]]
"""The path of a file in the archive, whether it is worth compressing, and its octets."""


class _Outgoing(io.RawIOBase):
    """What the archive has written and nobody has taken yet."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, octets: Any) -> int:
        self._waiting += octets
        return len(octets)

    def take(self, least: int = 1) -> bytes:
        if len(self._waiting) < least:
            return b""
        taken = bytes(self._waiting)
        self._waiting.clear()
        return taken


def zipped(entries: Iterable[Entry], now: datetime) -> Iterator[bytes]:
    """The octets of an archive with these files."""
    outgoing = _Outgoing()
    with ZipFile(outgoing, "w") as archive:
        for path, compress, pieces in entries:
            entry = ZipInfo(path, now.timetuple()[:6])
            entry.compress_type = ZIP_DEFLATED if compress else ZIP_STORED
            entry.external_attr = 0o600 << 16
            with archive.open(entry, "w", force_zip64=True) as file:
                for piece in pieces:
                    file.write(piece)
                    if waiting := outgoing.take(SMALL):
                        yield waiting
    yield outgoing.take()
