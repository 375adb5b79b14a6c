"""What every answer says to the browser about what it may do with it."""

from flask import Request, Response

# Nothing is loaded from elsewhere, no script or style is written into a page, nobody frames us. `blob:` is for pictures
# before they are sent and for recorded sound; `data:` for small pictures that the client's own styles hold.
# 'self' means our WebSockets too (CSP level 3).
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "connect-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "font-src 'self' data:",
        "style-src 'self'",
        "script-src 'self'",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

# What a page is made of. It obeys the policies of its page, never any of its own, which would be half a kilobyte with
# each of some twenty files. What can stand alone (a page, a picture that is opened by itself, the service worker, an
# answer of the API) is not among them.
ASSETS = "assets/"
PARTS_OF_PAGES = frozenset(("text/css", "text/javascript", "font/woff2"))

_FOR_ALL = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# No Strict-Transport-Security: a browser that has noted it lets nobody pass a certificate that it does not know, which
# is what every browser sees that has not been given the installation's own authority yet.
_FOR_WHAT_STANDS_ALONE = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), geolocation=(), payment=()",
}


def add_headers(request: Request, response: Response) -> Response:
    """Adds what the view did not say itself."""
    is_part = request.path.startswith(f"/{ASSETS}") and response.mimetype in PARTS_OF_PAGES
    for name, value in (_FOR_ALL if is_part else _FOR_ALL | _FOR_WHAT_STANDS_ALONE).items():
        response.headers.setdefault(name, value)
    if request.path.startswith("/api/"):
        response.headers.setdefault("Cache-Control", "no-store")
    return response
