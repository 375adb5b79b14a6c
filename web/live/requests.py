'''What browsers ask over Socket.IO, each acknowledged: {"ok": result} or {"error": {code, message, details}}.

    @live_request("typing", Typing)
    def typing(user: SignedIn, body: Typing) -> None:
        """Somebody writes."""

A request is a function of the signed-in user and the validated body; it may use `services()` as a view does, and raise
the same errors. `sid_of_request()` is the browser that asked. Who may ask is the same for all: whoever is signed in; a
request that is for some only refuses the others itself. `tests/unit/web/access.py` has a row for each.
'''

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import request
from pydantic import BaseModel

from web.auth.sessions import SignedIn
from web.errors import ApiError, as_api_error, body
from web.live.browsers import Browser
from web.reading import read

Handler = Callable[[SignedIn, Any], Any]


@dataclass(frozen=True, slots=True)
class LiveRequest:
    """A kind of request."""

    name: str
    model: type[BaseModel]
    handler: Handler


REQUESTS: dict[str, LiveRequest] = {}


def live_request(name: str, model: type[BaseModel]) -> Callable[[Handler], Handler]:
    """Declares what browsers may ask by this name."""

    def declare(handler: Handler) -> Handler:
        REQUESTS[name] = LiveRequest(name, model, handler)
        return handler

    return declare


def sid_of_request() -> str:
    """The browser that asked."""
    sid: str = request.sid  # type: ignore[attr-defined]  # Flask-SocketIO's
    return sid


def carry_out(asked: LiveRequest, browser: Browser | None, values: Any, now: float) -> dict[str, Any]:
    """The acknowledgement of a request."""
    try:
        if browser is None:
            raise ApiError("sign in first", status=401, code="not-signed-in")
        if not browser.may_ask(now):
            raise ApiError("this browser asks too much at once", status=429, code="too-many")
        return {"ok": _result(asked.handler(browser.user, read(asked.model, values, "body")))}
    except Exception as error:
        return body(as_api_error(error))


def _result(result: Any) -> Any:
    return result.model_dump(mode="json") if isinstance(result, BaseModel) else result
