"""The OpenAPI description: what APIFlask gathers from the routes, with what it does not know.

Putting it together takes a second of a core, so that is done when somebody asks for the first time, away from the loop.
"""

from threading import Lock
from typing import Any

from apiflask import APIFlask
from flask import Response

from web.api.section import Access, Section
from web.auth.access import COOKIE, HEADER
from web.services import services

INTRODUCTION = f"""The API of a Gorizont server.

Sign in by `POST /session`; the answer sets the cookie `{COOKIE}`. Requests that change something need the header
`{HEADER}: 1`. Times are ISO 8601 in UTC. Lists are `{{"items": [...], "next": cursor or null}}`; give the cursor back
as `before` for the next part. Every error is `{{"error": {{"code", "message", "details"}}}}`.
Who asks for changes faster than `[web] changes_per_second` gets 429 `too-many`, with Retry-After.
"""

ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "details"],
            "properties": {
                "code": {"type": "string", "description": "for programs"},
                "message": {"type": "string", "description": "one line for people"},
                "details": {"type": "object", "description": "depends on the code"},
            },
        }
    },
}

_REFUSALS = {
    "401": ("nobody is signed in", "not-signed-in", "sign in first", {}),
    "403": ("the user may not do this, or no page of ours asked for it", "forbidden", "this is for admins", {}),
    "404": ("there is no such thing", "not-found", "there is no user 999", {}),
    "422": (
        "the input is not good",
        "invalid",
        "name: String should have at most 100 characters",
        {"name": ["String should have at most 100 characters"]},
    ),
    "429": (
        "the user asks for too many changes at once; the header Retry-After has seconds",
        "too-many",
        "you ask for too many changes at once: slow down",
        {"retry_after": 1},
    ),
    "default": (
        "any other refusal; of those above the code may be a special one",
        "database-unavailable",
        "the database is locked by another program",
        {},
    ),
}


def describe(app: APIFlask) -> None:
    """Sets the description up, with its route. To be called before sections are registered."""
    app.config.update(
        DESCRIPTION=INTRODUCTION,
        AUTO_SERVERS=False,
        AUTO_404_RESPONSE=False,
        AUTO_200_RESPONSE=False,
        AUTO_VALIDATION_ERROR_RESPONSE=False,
        AUTO_AUTH_ERROR_RESPONSE=False,
        SECURITY_SCHEMES={"session": {"type": "apiKey", "in": "cookie", "name": COOKIE}},
    )
    app.spec_processor(_complete)
    section, whole, first = Section("openapi"), list[bytes](), Lock()

    def put_together() -> bytes:
        with app.app_context():
            return app.json.dumps(app.spec).encode()

    @section.get("/openapi.json", Access.PUBLIC, hidden=True)
    def show_description() -> Response:
        """What this API is, for programs."""
        with first:
            if not whole:
                whole.append(services().threads.run_slow(put_together))
        return Response(whole[0], mimetype="application/json")

    app.register_blueprint(section.blueprint)


def _complete(spec: dict[str, Any] | str) -> dict[str, Any] | str:
    """Adds the refusals, and an id to each operation."""
    assert isinstance(spec, dict), "SPEC_FORMAT is json"
    spec.setdefault("components", {}).setdefault("schemas", {})["Error"] = ERROR
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            if method not in ("get", "post", "put", "patch", "delete"):
                continue
            operation["operationId"] = _operation_id(method, path)
            for response in operation["responses"].values():
                if any(content.get("schema") == {} for content in response.get("content", {}).values()):
                    del response["content"]  # APIFlask knows of none without content but 204
            for status in _statuses(method, path, operation):
                operation["responses"].setdefault(status, _refusal(status))
            operation["responses"]["default"] = _refusal("default")
    return spec


def _statuses(method: str, path: str, operation: dict[str, Any]) -> list[str]:
    statuses = []
    if operation.get("security"):
        statuses.append("401")
    if "/admin/" in path or method != "get":
        statuses.append("403")
    if "{" in path:
        statuses.append("404")
    if operation.get("requestBody") or any(one.get("in") == "query" for one in operation.get("parameters", ())):
        statuses.append("422")
    if operation.get("security") and method != "get":
        statuses.append("429")
    return statuses


def _refusal(status: str) -> dict[str, Any]:
    description, code, message, details = _REFUSALS[status]
    example = {"error": {"code": code, "message": message, "details": details}}
    schema = {"$ref": "#/components/schemas/Error"}
    return {"description": description, "content": {"application/json": {"schema": schema, "example": example}}}


def _operation_id(method: str, path: str) -> str:
    """`get_people_number` for GET /api/v1/people/{number}."""
    parts = [part.strip("{}").replace("-", "_") for part in path.split("/") if part not in ("", "api", "v1")]
    return "_".join([method, *parts])
