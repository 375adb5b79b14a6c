"""Files of messages, for download or to look at.

Whoever sends a file decides its octets and its name, so nothing that a browser could run is shown from our origin: what
is not a picture, sound or film by its octets is saved, whatever is shown runs in a sandbox where nothing is
allowed, and no browser guesses at types.
"""

import unicodedata
from collections.abc import Iterator
from functools import partial
from typing import Any, BinaryIO
from urllib.parse import quote

from flask import Response, request
from pydantic import Field

from messaging.access import access_attachment
from messaging.attachments import is_shown
from messaging.errors import FileGone
from messaging.file_types import UNKNOWN
from messaging.models import Thumbnail
from web.api.chat_uploads import file_store
from web.api.section import Access, Section
from web.api.shapes import Shape
from web.auth.sessions import SignedIn
from web.errors import ApiError, Missing
from web.services import Services, services

section = Section("chat_files", title="files")

PIECE = 256 << 10  # octets that are read at once
SANDBOX = "sandbox; default-src 'none'"
# A file never changes; but who may see it does: a browser that has it asks each time whether it may be shown, and hears
# in a few octets that it may. No proxy keeps it.
CACHED = "private, no-cache"


class FileQuery(Shape):
    """How."""

    download: bool = Field(default=False, description="save it, though it could be shown")


@section.get("/attachments/<attachment>", Access.USER, query=FileQuery, sends=UNKNOWN)
def show_attachment(user: SignedIn, attachment: str, query: FileQuery) -> Response:
    """A file, whole or a range of it."""
    given = services()
    row = _access(given, attachment, user)
    shown = is_shown(row.type) and not query.download
    files = file_store(given)
    response = _deliver(given, lambda: files.open(row.id), row.size, tag=row.id)
    response.headers["Content-Type"] = row.type if is_shown(row.type) else UNKNOWN
    response.headers["Content-Disposition"] = disposition("inline" if shown else "attachment", row.name)
    return response


@section.get("/attachments/<attachment>/thumbnail", Access.USER, sends="image/webp")
def show_thumbnail(user: SignedIn, attachment: str) -> Response:
    """A small picture of a picture, in WebP."""
    given = services()
    row = _access(given, attachment, user)
    if row.thumbnail is not Thumbnail.MADE:
        raise Missing("there is no thumbnail")
    path = file_store(given).thumbnail(row.id)
    try:
        size = given.threads.run(lambda: path.stat().st_size)
    except FileNotFoundError as error:
        raise FileGone("the thumbnail is not there any more") from error
    response = _deliver(given, lambda: path.open("rb"), size, tag=f"{row.id}.t")
    response.headers["Content-Type"] = "image/webp"
    response.headers["Content-Disposition"] = "inline"
    return response


def _access(given: Services, attachment: str, user: SignedIn) -> Any:
    """Raises NotFound; FileGone for a file that retention has removed."""
    row = given.read(lambda session: access_attachment(session, attachment, actor=user.number))
    if row.removed_at is not None:
        raise FileGone("the file was removed when its time was up")
    return row


def _deliver(given: Services, open_file: Any, size: int, *, tag: str) -> Response:
    """The octets that were asked for (RFC 9110 §14): all, one range, or none that the client has already."""
    response = Response(status=200)
    response.set_etag(tag)
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["Cache-Control"] = CACHED
    response.headers["Content-Security-Policy"] = SANDBOX
    response.headers["X-Content-Type-Options"] = "nosniff"
    if request.if_none_match.contains(tag):
        response.status_code = 304
        return response
    start, stop = 0, size
    asked = request.range
    unchanged = request.if_range.etag in (None, tag) and request.if_range.date is None
    if asked is not None and asked.units == "bytes" and len(asked.ranges) == 1 and unchanged:
        part = asked.range_for_length(size)
        if part is None:
            headers = {"Content-Range": f"bytes */{size}"}
            raise ApiError("the file is shorter than that", status=416, code="range-not-satisfiable", headers=headers)
        start, stop = part
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    response.headers["Content-Length"] = str(stop - start)
    if request.method != "HEAD":
        response.response = _octets(given, given.threads.run(open_file), start, stop)
    return response


def _octets(given: Services, handle: BinaryIO, start: int, stop: int) -> Iterator[bytes]:
    """The octets of a file from `start` to before `stop`, read away from the loop."""
    with handle:
        handle.seek(start)
        left = stop - start
        while left > 0:
            wanted = min(left, PIECE)
            piece = given.threads.run(partial(handle.read, wanted))
            if not piece:
                return
            left -= len(piece)
            yield piece


def disposition(how: str, name: str) -> str:
    """Content-Disposition with a name that any script can be in (RFC 6266, RFC 8187)."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = "".join(one for one in plain if one.isprintable() and one not in '"\\/;%')
    return f"{how}; filename=\"{plain or 'file'}\"; filename*=UTF-8''{quote(name, safe='')}"
