"""The web client's files: what Vite has built into `web/client/dist`.

Names below `assets/` carry a hash of their content, so they are kept for a year; everything else is asked for again
each time. Where a file lies compressed beside itself (`.br`, `.gz`) and the browser takes that, it goes out so. A path
that is no file is a page of the client, which finds its way by itself.
"""

import mimetypes
from pathlib import Path

from apiflask import APIFlask
from flask import Response, request, send_file
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join

from web.errors import answer, as_api_error
from web.headers import ASSETS

DIST = Path(__file__).parent / "client" / "dist"
FOREVER = "public, max-age=31536000, immutable"
ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
OTHERS = ("api", "sip", "socket.io", "metrics", "healthz", "readyz")

NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Gorizont</title>
<h1>The web client is not built</h1>
<p>The server runs, and its API answers. Build the client once with <code>make client</code>, then load this page again.
"""

mimetypes.add_type("application/manifest+json", ".webmanifest")
mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("font/woff2", ".woff2")


def find(error: NotFound) -> Response:
    """What no route knows: a file of the client, or the client itself for one of its pages."""
    path = request.path.lstrip("/")
    if request.method not in ("GET", "HEAD") or path.partition("/")[0] in OTHERS:
        return answer(as_api_error(error))
    found = safe_join(str(DIST), path) if path else None
    if found is not None and _is_file(Path(found)):
        return _file(Path(found), path)
    if "." in path.rpartition("/")[2]:
        return answer(as_api_error(error))
    return _page()


def _page() -> Response:
    if not (DIST / "index.html").is_file():
        return Response(NOT_BUILT, 503, mimetype="text/html", headers={"Cache-Control": "no-store"})
    return _file(DIST / "index.html", "index.html")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is longer than any file's
        return False


def _file(found: Path, path: str) -> Response:
    kind = mimetypes.guess_type(found.name)[0] or "application/octet-stream"
    encoding, sent = None, found
    for name, suffix in ENCODINGS:
        compressed = found.with_name(found.name + suffix)
        if request.accept_encodings[name] > 0 and compressed.is_file():
            encoding, sent = name, compressed
            break
    response = send_file(sent, mimetype=kind, conditional=True, etag=True)
    del response.headers["Content-Disposition"]  # the name of a file that is compressed means nothing to anybody
    if encoding is not None:
        response.headers["Content-Encoding"] = encoding
    response.headers["Vary"] = "Accept-Encoding"
    response.headers["Cache-Control"] = FOREVER if path.startswith(ASSETS) else "no-cache"
    return response


def register(app: APIFlask) -> None:
    """Has the application answer so."""
    app.register_error_handler(NotFound, find)
