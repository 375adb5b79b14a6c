"""Uploads that can be continued, by the tus protocol 1.0.0 (https://tus.io/protocols/resumable-upload).

Creation, expiration and termination. The id at the end of an upload's address is the id of the attachment once
all octets are there.
"""

import base64
import binascii
import errno
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial, wraps
from typing import Any

from flask import Response, request
from werkzeug.exceptions import ClientDisconnected
from werkzeug.http import http_date

from messaging.access import access_upload
from messaging.attachments import MEBIBYTE, Limits, begin_upload, cancel_upload, finish_upload
from messaging.errors import OutOfRange
from messaging.file_types import BEGINNING
from messaging.files import FileStore
from pbx.doorbell import ring
from web.api.section import PREFIX, Access, Section
from web.auth.sessions import SignedIn
from web.errors import ApiError
from web.services import Services, services

section = Section("chat_uploads", title="uploads")

TUS = "1.0.0"
OCTETS = "application/offset+octet-stream"
PIECE = 256 << 10  # octets that are read before they are written
MAX_METADATA = 4096  # octets of the header
FULL = (errno.ENOSPC, errno.EDQUOT)

View = Callable[..., Response]


class TusError(ApiError):
    """A refusal that the protocol has a status for."""


def limits(given: Services) -> Limits:
    """What the settings allow."""
    files = given.settings.files
    return Limits(
        largest=files.largest_megabytes * MEBIBYTE,
        quota=files.quota_megabytes * MEBIBYTE,
        unfinished=timedelta(hours=files.unfinished_hours),
    )


def file_store(given: Services) -> FileStore:
    """Where the octets are."""
    return FileStore(given.settings.files.folder)


def _speaks_tus(view: View) -> View:
    """Refuses other versions, and says ours in every answer."""

    @wraps(view)
    def checked(**parts: Any) -> Response:
        if request.headers.get("Tus-Resumable") != TUS:
            raise TusError(
                f"the version of the protocol is {TUS}",
                status=412,
                code="tus-version",
                headers={"Tus-Version": TUS, "Tus-Resumable": TUS},
            )
        response = view(**parts)
        response.headers["Tus-Resumable"] = TUS
        return response

    return checked


@section.route("OPTIONS", "/uploads", Access.USER, hidden=True)
def show_protocol(user: SignedIn) -> Response:  # noqa: ARG001  signed in is enough
    """What is understood here."""
    response = Response(status=204)
    response.headers["Tus-Resumable"] = TUS
    response.headers["Tus-Version"] = TUS
    response.headers["Tus-Extension"] = "creation,expiration,termination"
    response.headers["Tus-Max-Size"] = str(limits(services()).largest)
    return response


@section.post("/uploads", Access.USER, status=201)
@_speaks_tus
def create_upload(user: SignedIn) -> Response:
    """Begin an upload.

    Header `Upload-Length`: how many octets; `Upload-Metadata`: `filename` in base64. The answer's `Location` is where
    the octets go.
    """
    given = services()
    size = _number("Upload-Length")
    name = _metadata().get("filename", "")
    allowed = limits(given)
    files = file_store(given)
    upload = given.chat.act(lambda tx: begin_upload(tx, name, size, actor=user.number, limits=allowed))
    given.threads.run(lambda: files.create(upload))
    response = Response(status=201)
    response.headers["Location"] = f"{PREFIX}/uploads/{upload}"
    if size == 0:
        _finish(given, upload, user)
    else:
        response.headers["Upload-Expires"] = _http_time(given.now() + allowed.unfinished)
    return response


@section.route("HEAD", "/uploads/<upload>", Access.USER, hidden=True)
@_speaks_tus
def show_upload(user: SignedIn, upload: str) -> Response:
    """How far an upload has come."""
    given = services()
    row, received = _state(given, upload, user)
    if received == row.size and not row.stored:
        # The process was stopped, or the database refused, after the last octet; the client will send no more.
        _finish(given, upload, user)
    response = Response(status=200)
    response.headers["Upload-Offset"] = str(received)
    response.headers["Upload-Length"] = str(row.size)
    response.headers["Cache-Control"] = "no-store"
    if row.expires_at is not None:
        response.headers["Upload-Expires"] = _http_time(row.expires_at)
    return response


@section.patch("/uploads/<upload>", Access.USER)
@_speaks_tus
def continue_upload(user: SignedIn, upload: str) -> Response:
    """Send octets, from where the upload stopped.

    Header `Upload-Offset`: where that is; `Content-Type: application/offset+octet-stream`. What arrives before the
    connection breaks is kept.
    """
    given = services()
    if request.mimetype != OCTETS:
        raise TusError(f"octets have the content type {OCTETS}", status=415, code="unsupported-media-type")
    offset = _number("Upload-Offset")
    row, received = _state(given, upload, user)
    # One more than there may be: werkzeug takes a stream that ends at the limit for one that goes on.
    request.max_content_length = max(row.size - received, 0) + 1
    if offset != received:
        raise _wrong_offset(received)
    if not row.stored:
        try:
            received = _receive(given, upload, offset, row.size)
        except OutOfRange as error:
            raise _wrong_offset(error.offset) from error
        if received == row.size:
            _finish(given, upload, user)
    response = Response(status=204)
    response.headers["Upload-Offset"] = str(received)
    if received < row.size:
        response.headers["Upload-Expires"] = _http_time(row.expires_at)
    return response


@section.delete("/uploads/<upload>", Access.USER)
@_speaks_tus
def delete_upload(user: SignedIn, upload: str) -> Response:
    """Give an upload up."""
    given = services()
    files = file_store(given)
    given.chat.act(lambda tx: cancel_upload(tx, upload, actor=user.number))
    given.threads.run(lambda: files.remove(upload))
    return Response(status=204)


def _state(given: Services, upload: str, user: SignedIn) -> tuple[Any, int]:
    """The row of an upload, and how many octets are there. Raises NotFound, FileGone."""
    now = given.now()
    row = given.read(lambda session: access_upload(session, upload, actor=user.number, now=now))
    files = file_store(given)
    return row, given.threads.run(lambda: files.received(upload))


def _receive(given: Services, upload: str, offset: int, size: int) -> int:
    """Writes what comes, piece by piece; how many octets are there then, safely on disk."""
    files = file_store(given)
    try:
        while piece := _read_piece():
            offset = given.threads.run(partial(files.append, upload, offset, [piece], size=size))
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise TusError("the disk of the server is full", status=507, code="disk-full") from error
    finally:
        given.threads.run(lambda: files.sync(upload))
    return offset


def _read_piece() -> bytes:
    """The next octets of the request; nothing at its end, or when the client has gone."""
    try:
        return request.stream.read(PIECE)
    except (ClientDisconnected, OSError):
        return b""


def _finish(given: Services, upload: str, user: SignedIn) -> None:
    files = file_store(given)
    beginning = given.threads.run(lambda: files.beginning(upload, BEGINNING))
    given.chat.act(lambda tx: finish_upload(tx, upload, beginning, actor=user.number))
    ring(given.data.worker_bell)


def _wrong_offset(offset: int) -> TusError:
    return TusError(
        f"the upload goes on at octet {offset}",
        status=409,
        code="wrong-offset",
        details={"offset": offset},
        headers={"Upload-Offset": str(offset), "Tus-Resumable": TUS},
    )


def _number(header: str) -> int:
    """A header that says a number of octets. Raises TusError."""
    text = request.headers.get(header, "")
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise TusError(f"the header {header} has a number of octets", status=400, code="bad-request")
    return int(text)


def _metadata() -> dict[str, str]:
    """What the client says of the file. Raises TusError."""
    header = request.headers.get("Upload-Metadata", "")
    found: dict[str, str] = {}
    try:
        if len(header) > MAX_METADATA:
            raise ValueError
        for pair in filter(None, (one.strip() for one in header.split(","))):
            key, _, value = pair.partition(" ")
            found[key] = base64.b64decode(value, validate=True).decode("utf-8", "replace")
    except (ValueError, binascii.Error) as error:
        raise TusError(
            "the header Upload-Metadata has keys, each with a value in base64", status=400, code="bad-request"
        ) from error
    return found


def _http_time(at: datetime) -> str:
    return http_date(at)
