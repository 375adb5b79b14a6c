"""What an API call can be refused with, and the one place that turns errors into answers.

Every refusal has one shape, whoever found the fault (a view, the validation of its input, Flask, the
directory, the database):

    {"error": {"code": "number-taken", "message": "number 101 is taken by Anna Orlova", "details": {}}}

`code` is for programs and never changes, `message` is one line of English for whoever reads it, `details` depends
on the code.

ApiError
├── NotSignedIn         401 not-signed-in
├── Forbidden           403 forbidden (or a code of its own)
├── Missing             404 not-found
├── Conflict            409 conflict (or a code of its own)
├── Invalid             422 invalid, details: {field: [what is wrong]}
├── TooMany             429 too-many, with Retry-After
└── Unavailable         503 unavailable (or a code of its own)
"""

import logging
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from apiflask import APIFlask
from apiflask.exceptions import HTTPError
from flask import Response, jsonify
from werkzeug.exceptions import HTTPException

from pbx.bus.errors import BusError, CommandError
from pbx.directory.errors import BadFile, BadValue, EmployeeTaken, NotFound, NumberTaken, SecretsError, StaleVersion
from pbx.routing.errors import RoutingError
from pbx.storage.errors import DatabaseRefused

logger = logging.getLogger(__name__)


class ApiError(Exception):
    """A refusal. `headers` go with the answer."""

    status = 400
    code = "bad-request"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        details: Mapping[str, Any] | None = None,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.status = status or self.status
        self.details = dict(details or {})
        self.headers = dict(headers or {})


class NotSignedIn(ApiError):
    status, code = 401, "not-signed-in"


class Forbidden(ApiError):
    status, code = 403, "forbidden"


class Missing(ApiError):
    status, code = 404, "not-found"


class Conflict(ApiError):
    status, code = 409, "conflict"


class Invalid(ApiError):
    status, code = 422, "invalid"


class TooMany(ApiError):
    """`retry_after` is in seconds."""

    status, code = 429, "too-many"

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message, details={"retry_after": retry_after}, headers={"Retry-After": str(retry_after)})


class Unavailable(ApiError):
    status, code = 503, "unavailable"


# What other packages raise on purpose, the special before the general: status and code.
_KNOWN: list[tuple[type[Exception], int, str]] = [
    (StaleVersion, 409, "stale-version"),
    (NumberTaken, 409, "number-taken"),
    (EmployeeTaken, 409, "employee-taken"),
    (NotFound, 404, "not-found"),
    (BadValue, 422, "invalid"),
    (RoutingError, 422, "invalid"),
    (DatabaseRefused, 503, "database-unavailable"),
    (SecretsError, 503, "storage-key"),
    (BusError, 503, "engine-unavailable"),
]
# The engine's own refusals, by the code of the command's error.
_ENGINE_STATUS = {"not-found": 404, "not-allowed": 403, "conflict": 409, "database": 503, "internal": 502}


def translate(kind: type[Exception], status: int, code: str) -> None:
    """Has errors of this kind, wherever a view lets them through, answered with this status and code."""
    _KNOWN.insert(0, (kind, status, code))


def as_api_error(error: Exception) -> ApiError:
    """The refusal that an error stands for; one that nobody foresaw is logged, and answered without its words."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, CommandError):
        return ApiError(str(error), status=_ENGINE_STATUS.get(error.code, 409), code=error.code)
    for kind, status, code in _KNOWN:
        if isinstance(error, kind):
            details = {"problems": list(error.problems)} if isinstance(error, BadFile) else None
            return ApiError(str(error), status=status, code=code, details=details)
    if isinstance(error, HTTPError):  # of APIFlask: the validation of input
        return _invalid(error)
    if isinstance(error, HTTPException):
        return _of_http(error)
    reference = secrets.token_hex(4)
    logger.error("! request failed, reference %s", reference, exc_info=error)
    message = "the server made a mistake; its log has the reason under this reference"
    return ApiError(message, status=500, code="internal", details={"reference": reference})


def answer(error: ApiError) -> Response:
    """The answer that tells of a refusal."""
    response = jsonify(body(error))
    response.status_code = error.status
    response.headers.update(error.headers)
    return response


def body(error: ApiError) -> dict[str, Any]:
    """A refusal as JSON values, as acknowledgements of Socket.IO carry it too."""
    return {"error": {"code": error.code, "message": error.message, "details": error.details}}


def handle_errors(app: APIFlask) -> None:
    """Has every error of the application answered in this shape."""

    def handler(error: Exception) -> Response:
        return answer(as_api_error(error))

    for kind in (Exception, HTTPException, HTTPError):
        app.register_error_handler(kind, handler)


def _invalid(error: HTTPError) -> ApiError:
    """Input that does not have the shape of its model: what is wrong by field."""
    if error.status_code != HTTPStatus.UNPROCESSABLE_ENTITY or not isinstance(error.detail, dict):
        return ApiError(error.message or "refused", status=error.status_code, code=_code(error.status_code))
    fields = {name: problems for place in error.detail.values() for name, problems in place.items()}
    first, problems = next(iter(fields.items()), ("", ["it cannot be read"]))
    where = f"{first}: " if first and first != "_schema" else ""
    return Invalid(f"{where}{problems[0]}", details=fields)


def _of_http(error: HTTPException) -> ApiError:
    status = error.code or 500
    headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After", "Location")}
    if status == HTTPStatus.BAD_REQUEST:
        return ApiError("the request is not JSON, or not well formed", headers=headers)
    return ApiError(_words(status), status=status, code=_code(status), headers=headers)


def _code(status: int) -> str:
    return HTTPStatus(status).phrase.lower().replace(" ", "-").replace("'", "")


def _words(status: int) -> str:
    return {
        404: "there is nothing at this address",
        405: "this address does not know the method",
        413: "the request is too large",
        415: "the content type is not one that is understood here",
    }.get(status, HTTPStatus(status).phrase.lower())
