"""Socket.IO: who may connect, which rooms a browser is in, and how it leaves.

The cookie of the session says who it is, the `Origin` that our own page opened the connection. A session that ends,
for whatever reason, ends its connections at once.
"""

import logging
import time
from importlib import import_module
from typing import Any

from flask import Flask, request
from flask_socketio import ConnectionRefusedError as Refused
from flask_socketio import SocketIO, disconnect, join_room

from pbx.storage.errors import DatabaseRefused
from web.auth.access import COOKIE, is_own_origin, whose_token
from web.auth.sessions import SignedIn, note_uses_of, those_that_hold
from web.chat_position import chat_position
from web.happenings import SessionEnded
from web.live.channel import Channel, Heart
from web.live.events import Activity, Connected, SessionRevoked
from web.live.membership import Membership
from web.live.requests import REQUESTS, LiveRequest, carry_out, live_request, sid_of_request
from web.live.rooms import ADMINS, EVERYONE, room_of
from web.services import Services, services

logger = logging.getLogger(__name__)

LISTENERS = (
    "web.live.changes",
    "web.live.engine_calls",
    "web.live.ended_calls",
    "web.live.chat",
    "web.live.chat_engine",
)
"""Modules with a function `connect(services)` that registers what they want to hear, before the first browser comes."""

REQUEST_MODULES = ("web.live.chat",)
"""Modules that declare what browsers may ask (`web.live.requests`), besides this one."""

# A browser that vanishes is noticed after both of these together.
PING_EVERY = 10  # seconds
PING_PATIENCE = PING_EVERY  # it has until it is asked again
MOST_BROWSERS = 20_000  # connections
MOST_OF_ONE = 100  # of one user: pages that are open; nobody shall take all places alone
LARGEST_MESSAGE = 128 << 10  # octets; a chat message of 10 000 characters fits in any script

KEPT = (
    "flask.app REQUEST_METHOD SCRIPT_NAME PATH_INFO QUERY_STRING SERVER_NAME SERVER_PORT SERVER_PROTOCOL REMOTE_ADDR"
    " wsgi.url_scheme HTTP_HOST HTTP_COOKIE"
).split()
"""What Flask needs of the request that opened a connection; it is kept as long as that."""


def make_socketio() -> SocketIO:
    """The Socket.IO server, not yet joined to an application."""
    return SocketIO(
        async_mode="gevent",
        client_manager=Membership(),
        transports=["websocket"],
        manage_session=False,
        ping_interval=PING_EVERY,
        ping_timeout=PING_PATIENCE,
        max_http_buffer_size=LARGEST_MESSAGE,
        cors_allowed_origins=_own_origins,
        allow_upgrades=False,
        http_compression=False,
        monitor_clients=False,  # `Heart` does
        logger=_quiet("socketio"),
        engineio_logger=_quiet("engineio"),
    )


def load_requests() -> None:
    """Makes all that browsers may ask known."""
    for name in REQUEST_MODULES:
        import_module(name)


def _quiet(library: str) -> logging.Logger:
    """A logger for a library that tells of every packet with its content, which is nobody's business."""
    quiet = logging.getLogger(f"web.live.{library}")
    quiet.setLevel(logging.CRITICAL)
    return quiet


def open_gateway(app: Flask, socketio: SocketIO, given: Services) -> None:
    """Joins Socket.IO to the application and begins to listen to what happens."""
    socketio.init_app(app)
    _use_channels(socketio)
    socketio.on_event("connect", lambda _auth=None: _connect(given, socketio))
    socketio.on_event("disconnect", _disconnect)
    socketio.on_error_default(_failed)
    load_requests()
    for asked in REQUESTS.values():
        socketio.on_event(asked.name, _handler(asked))
    given.events.on(SessionEnded, lambda ended: _end_session(given, socketio, ended))
    given.engine_events.on("snapshot", lambda _: _repeat_ends(given))
    for name in LISTENERS:
        import_module(name).connect(given)


def _use_channels(socketio: SocketIO) -> None:
    """Has every connection be one of ours, from its beginning, of bounded number."""
    eio, heart = socketio.server.eio, Heart(PING_EVERY)
    accept = eio.handlers["connect"]

    def connect(eio_sid: str, environ: dict[str, Any]) -> Any:
        # A request that only half asks for a WebSocket gets none, and would stay in the library's table for good.
        if "wsgi.websocket" not in environ:
            return "this address wants a whole request for a WebSocket"
        if len(eio.sockets) > MOST_BROWSERS:
            return False
        heart.follow(Channel.take(eio.sockets[eio_sid]))
        return accept(eio_sid, {name: environ[name] for name in KEPT if name in environ})

    eio.on("connect", connect)


def _end_session(given: Services, socketio: SocketIO, ended: SessionEnded) -> None:
    """Tells the browsers of a session that it is over, and lets them go; their phone ends too."""
    for browser in given.browsers.of(ended.number):
        if browser.user.session == ended.session:
            given.rooms.to_browser(browser.sid, SessionRevoked())
            _let_go(given, socketio, browser.sid)
    given.browser_phones.end(ended.number, ended.session)


def _repeat_ends(given: Services) -> None:
    """The engine was started anew: it has to hear again which phones have ended."""
    if given.browser_phones.has_ended:
        given.chat.after(0.0, given.browser_phones.repeat)


def end_all_connections(socketio: SocketIO) -> None:
    """Lets all browsers go, which come back when there is a server again."""
    if socketio.server is not None:
        socketio.server.eio.disconnect()


def check_sessions(given: Services, socketio: SocketIO) -> None:
    """Ends the connections whose session holds no more, and the phones of pages without a connection likewise."""
    of = list(given.browsers.connected.values())
    hashes = {browser.user.token_hash for browser in of} | given.browser_phones.sessions()
    if not hashes:
        return
    now = given.now()
    holding = given.read(lambda session: those_that_hold(session, hashes, given.limits, now))
    for browser in of:
        if browser.user.token_hash not in holding:
            given.rooms.to_browser(browser.sid, SessionRevoked())
            _let_go(given, socketio, browser.sid)
            given.browser_phones.end(browser.user.number, browser.user.session)
    given.browser_phones.end_without(holding | (given.browser_phones.sessions() - hashes))


def note_uses(given: Services) -> None:
    """Notes that the sessions of connected browsers are in use, however quiet they are."""
    hashes = {browser.user.token_hash for browser in given.browsers.connected.values()}
    if hashes:
        given.act(lambda tx: note_uses_of(tx, hashes))


@live_request("activity", Activity)
def activity(user: SignedIn, body: Activity) -> None:
    """Whether somebody sits before this browser."""
    services().presence.browser(user.number, sid_of_request(), active=body.state == "active")


def _connect(given: Services, socketio: SocketIO) -> None:
    """Lets a browser in. Raises Refused for all others: whatever else were raised here would let it in as nobody."""
    sid, server = sid_of_request(), socketio.server
    eio_sid = server.manager.eio_sid_from_sid(sid, "/")
    try:
        _let_in(given, server, sid, eio_sid)
    except Refused:
        raise
    except Exception as error:
        if isinstance(error, DatabaseRefused):
            logger.warning("! a browser has to come again: %s", error)
        else:
            logger.exception("! a browser could not be let in")
        _forget(given, sid)
        # A page that is refused stays away; one whose connection ends comes back, when all may be well again.
        server.eio.disconnect(eio_sid)
        raise Refused("unavailable") from error


def _let_in(given: Services, server: Any, sid: str, eio_sid: str) -> None:
    user, position = _who_connects(given)
    if eio_sid not in server.environ:  # it has gone meanwhile, and nobody would say so again
        raise Refused("gone")
    # From here on nothing waits: what was told meanwhile would come before the answer, and the browser would think that
    # it knows all up to there.
    if len(given.browsers.of(user.number)) >= MOST_OF_ONE:
        raise Refused("too-many")
    if channel := server.eio.sockets.get(eio_sid):
        channel.welcome = True
    given.browsers.add(sid, user)
    for room in (room_of(user.number), EVERYONE, *([ADMINS] if user.is_admin else [])):
        join_room(room)
    seq = None if position is None else max(position, given.chat_members.told)
    given.rooms.to_browser(sid, Connected(seq=seq))
    given.presence.browser(user.number, sid, active=True)
    request.environ.pop("HTTP_COOKIE", None)
    _forget_request()


def _who_connects(given: Services) -> tuple[SignedIn, int | None]:
    """The user of a browser that connects, and how far the chat has come. Raises Refused, DatabaseRefused."""
    token = request.cookies.get(COOKIE)
    user = whose_token(given, token) if token else None
    if user is None:
        raise Refused("not-signed-in")
    return user, chat_position(given, user.number)


def _forget_request() -> None:
    """Lets go of what was asked, which Flask leaves in what is kept of the connection."""
    request.environ.pop("werkzeug.request", None)


def _disconnect(_reason: Any = None) -> None:
    _forget(services(), sid_of_request())


def _let_go(given: Services, socketio: SocketIO, sid: str) -> None:
    if socketio.server is not None:
        socketio.server.disconnect(sid)
    _forget(given, sid)


def _forget(given: Services, sid: str) -> None:
    browser = given.browsers.remove(sid)
    if browser is not None:
        given.presence.browser_gone(browser.user.number, sid)


def _handler(asked: LiveRequest) -> Any:
    def handle(values: Any = None) -> dict[str, Any]:
        browser = services().browsers.connected.get(sid_of_request())
        answer = carry_out(asked, browser, values, time.monotonic())
        if browser is None:
            disconnect()
        _forget_request()
        return answer

    return handle


def _failed(error: Exception) -> None:
    logger.error("! a live event failed", exc_info=error)


def _own_origins(origin: str | None, environ: dict[str, Any] | None = None) -> bool:
    """Whether a page of this origin may connect; clients that are no browsers say none, and are not asked."""
    host = (environ or {}).get("HTTP_HOST", "")
    return origin is not None and is_own_origin(origin, host)
