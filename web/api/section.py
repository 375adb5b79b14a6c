"""A part of the API: routes that say who may call them, what comes in and what goes out, all in one place.

Nothing is left to a view's memory: a route cannot be declared without its access, which is checked before its input is
looked at, and what is declared is what the OpenAPI description says.
"""

from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from typing import Any

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import BaseModel

from web.api.examples import example
from web.auth.access import SAFE, check_not_forged, signed_in, signed_in_admin
from web.errors import ApiError, Missing
from web.reading import has_nul, read
from web.services import services

PREFIX = "/api/v1"
OCTETS = {"type": "string", "format": "binary"}  # in OpenAPI's words
SMALL = 16 << 10  # octets of a body from somebody who is not signed in

View = Callable[..., Any]


class Access(StrEnum):
    """Who may call a route."""

    PUBLIC = "public"
    USER = "user"
    ADMIN = "admin"


class Section:
    """The routes of one subject.

    Args:
        name: of the blueprint.
        title: the heading in the description; the name if not given.
        prefix: what all paths begin with.
    """

    def __init__(self, name: str, *, title: str | None = None, prefix: str = PREFIX) -> None:
        self.blueprint = APIBlueprint(name, __name__, url_prefix=prefix, tag=(title or name).capitalize())

    def get(self, rule: str, access: Access, **options: Any) -> Callable[[View], View]:
        return self.route("GET", rule, access, **options)

    def post(self, rule: str, access: Access, **options: Any) -> Callable[[View], View]:
        return self.route("POST", rule, access, **options)

    def put(self, rule: str, access: Access, **options: Any) -> Callable[[View], View]:
        return self.route("PUT", rule, access, **options)

    def patch(self, rule: str, access: Access, **options: Any) -> Callable[[View], View]:
        return self.route("PATCH", rule, access, **options)

    def delete(self, rule: str, access: Access, **options: Any) -> Callable[[View], View]:
        return self.route("DELETE", rule, access, **options)

    def route(
        self,
        method: str,
        rule: str,
        access: Access,
        *,
        query: type[BaseModel] | None = None,
        body: type[BaseModel] | None = None,
        answer: type[BaseModel] | None = None,
        sends: str | None = None,
        status: int | None = None,
        hidden: bool = False,
    ) -> Callable[[View], View]:
        """Declares a route.

        Args:
            query, body: models of what comes in; the view gets them by these names.
            answer: model of what goes out; None answers 204 where the view returns None.
            sends: media type of octets that go out instead.
            status: of the answer; 200, or 204 where nothing goes out, if not given.
            hidden: not in the OpenAPI description.
        """

        good = status or (204 if answer is None and sends is None else 200)

        def declare(view: View) -> View:
            @wraps(view)
            def checked(**parts: Any) -> Any:
                check_not_forged(request)
                if has_nul(parts):
                    raise Missing("there is nothing at this address")
                if access is Access.PUBLIC:
                    request.max_content_length = SMALL
                elif access is Access.USER:
                    parts["user"] = signed_in()
                elif access is Access.ADMIN:
                    parts["user"] = signed_in_admin()
                if access is not Access.PUBLIC and method not in SAFE:
                    given = services()
                    given.pace.take(parts["user"].number, given.now().timestamp())
                if query is not None:
                    parts["query"] = read(query, request.args.to_dict(), "query")
                if body is not None:
                    parts["body"] = read(body, _json(), "body")
                return _answer(view(**parts), good)

            schema = answer if sends is None else OCTETS
            described = self._describe(checked, access, query, body, schema, sends, good, hidden=hidden)
            described.__dict__["access"] = access
            endpoint = f"{view.__name__}_{method.lower()}"
            self.blueprint.add_url_rule(rule, endpoint, described, methods=[method])
            return view

        return declare

    def _describe(
        self,
        view: View,
        access: Access,
        query: type[BaseModel] | None,
        body: type[BaseModel] | None,
        answer: type[BaseModel] | dict[str, str] | None,
        sends: str | None,
        status: int,
        *,
        hidden: bool,
    ) -> View:
        """Says in APIFlask's words what the route is, for the OpenAPI description."""
        security = [] if access is Access.PUBLIC else ["session"]
        spec: dict[str, Any] = view.__dict__.setdefault("_spec", {})
        spec["security"] = security
        spec["access"] = access.value
        if hidden:
            spec["hide"] = True
        if query is not None:
            spec["args"] = [(query, "query")]
        if body is not None:
            spec |= {
                "body": body,
                "body_example": example(body),
                "body_examples": None,
                "content_type": "application/json",
            }
        spec["response"] = {
            "schema": answer if answer is not None else {},
            "schema_adapter_many": False,
            "status_code": status,
            "description": None,
            "example": example(answer) if isinstance(answer, type) else None,
            "examples": None,
            "links": None,
            "content_type": sends or "application/json",
            "headers": None,
        }
        return view


def _json() -> Any:
    """The body of the request. Raises ApiError, BadRequest."""
    try:
        return request.get_json(force=True)
    except RecursionError as error:
        raise ApiError("the request is nested too deeply") from error


def _answer(result: Any, status: int) -> Any:
    if isinstance(result, BaseModel):
        return Response(result.model_dump_json(by_alias=True), status, mimetype="application/json")
    if result is None:
        return Response(status=204)
    return result
