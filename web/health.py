"""How the process stands, for those who watch over it: /healthz, /readyz, /metrics; and the authority's certificate."""

from apiflask import APIFlask
from flask import Response

from pbx.bus.errors import BusError
from pbx.storage.errors import DatabaseRefused
from web import metrics
from web.api.section import Access, Section
from web.errors import Missing
from web.services import services

section = Section("health", prefix="")


@section.get("/healthz", Access.PUBLIC, hidden=True)
def health() -> Response:
    """This process answers."""
    return Response("ok\n", mimetype="text/plain")


@section.get("/readyz", Access.PUBLIC, hidden=True)
def ready() -> Response:
    """Database and engine do their work too; 503 with a line for what does not."""
    given = services()
    troubles = []
    try:
        given.read(lambda session: session.connection().exec_driver_sql("SELECT 1").scalar())
    except DatabaseRefused as error:
        troubles.append(f"database: {error}")
    try:
        refusing = str(given.ask_engine("ready", {}).get("refusing", ""))
        if refusing:
            troubles.append(f"engine: {refusing}")
    except BusError as error:
        troubles.append(f"engine: {error}")
    return Response(
        "".join(f"{line}\n" for line in troubles or ["ok"]), 503 if troubles else 200, mimetype="text/plain"
    )


@section.get("/metrics", Access.PUBLIC, hidden=True)
def show_metrics() -> Response:
    """Counters in Prometheus's text format."""
    return Response(metrics.text(services()), mimetype="text/plain; version=0.0.4; charset=utf-8")


@section.get("/authority.pem", Access.PUBLIC, hidden=True)
def authority() -> Response:
    """The certificate of this installation's own authority, for browsers and phones that are to trust it."""
    try:
        pem = services().data.authority.read_bytes()
    except OSError:
        raise Missing("this installation has no certificate authority of its own") from None
    headers = {"Content-Disposition": 'attachment; filename="gorizont-authority.pem"'}
    return Response(pem, mimetype="application/x-pem-file", headers=headers)


def register(app: APIFlask) -> None:
    app.register_blueprint(section.blueprint)
