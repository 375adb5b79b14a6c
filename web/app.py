"""The Flask application: sections, errors, headers, files of the web client, OpenAPI."""

from apiflask import APIFlask
from flask import Response, request

from web import api, client_files, health
from web.errors import handle_errors
from web.headers import add_headers
from web.openapi import describe
from web.services import Services, attach

LARGEST_BODY = 1 << 20  # octets; uploads set their own limit
LARGEST_FORM = 64 << 10


def create_app(given: Services) -> APIFlask:
    """The application on these services."""
    app = APIFlask(
        "web",
        title="Gorizont",
        version=given.version,
        spec_path=None,  # `describe` has a route of its own
        docs_path=None,
        static_folder=None,  # type: ignore[arg-type]  # Flask itself takes None, for no folder at all
    )
    app.config.update(
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        MAX_FORM_MEMORY_SIZE=LARGEST_FORM,
        PROPAGATE_EXCEPTIONS=False,
        TRAP_HTTP_EXCEPTIONS=False,
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]
    attach(app, given)
    handle_errors(app)
    describe(app)
    api.register(app)
    health.register(app)
    client_files.register(app)

    @app.after_request
    def finish(response: Response) -> Response:
        return add_headers(request, response)

    return app
