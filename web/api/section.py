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
from pydantic import BaseModel, ValidationError

from web.api.examples import example
from web.auth.access import check_not_forged, signed_in, signed_in_admin
from web.errors import Invalid

PREFIX = "/api/v1"

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
        status: int = 200,
        hidden: bool = False,
    ) -> Callable[[View], View]:
        """Declares a route.

        Args:
            query, body: models of what comes in; the view gets them by these names.
            answer: model of what goes out; None answers 204 where the view returns None.
            hidden: not in the OpenAPI description.
        """

        def declare(view: View) -> View:
            @wraps(view)
            def checked(**parts: Any) -> Any:
                check_not_forged(request)
                if access is Access.USER:
                    parts["user"] = signed_in()
                elif access is Access.ADMIN:
                    parts["user"] = signed_in_admin()
                if query is not None:
                    parts["query"] = _read(query, request.args.to_dict(), "query")
                if body is not None:
                    parts["body"] = _read(body, request.get_json(force=True), "body")
                return _answer(view(**parts), status)

            described = self._describe(checked, access, query, body, answer, status, hidden=hidden)
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
        answer: type[BaseModel] | None,
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
            "status_code": status if answer is not None else 204,
            "description": None,
            "example": example(answer) if answer is not None else None,
            "examples": None,
            "links": None,
            "content_type": "application/json",
            "headers": None,
        }
        return view


def _read(model: type[BaseModel], values: Any, place: str) -> BaseModel:
    """Input in the shape of its model. Raises Invalid."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        details: dict[str, list[str]] = {}
        for problem in error.errors(include_url=False, include_context=False, include_input=False):
            where = ".".join(str(part) for part in problem["loc"]) or place
            details.setdefault(where, []).append(problem["msg"])
        first = next(iter(details))
        raise Invalid(f"{first}: {details[first][0]}", details=details) from error


def _answer(result: Any, status: int) -> Any:
    if isinstance(result, BaseModel):
        return Response(result.model_dump_json(by_alias=True), status, mimetype="application/json")
    if result is None:
        return Response(status=204)
    return result
