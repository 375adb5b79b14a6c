"""Who is in which room of Socket.IO, and that nothing is left of a browser that has gone."""

import pytest
from engineio.socket import Socket
from socketio import Server

from tests.unit.web.office import WebOffice
from web.live import gateway
from web.live.membership import Membership

PLACE = "/"


@pytest.fixture
def rooms() -> Membership:
    found = Membership()
    Server(client_manager=found, async_mode="threading")
    return found


def joined(rooms: Membership, browser: str, *names: str) -> str:
    """A browser's id of Socket.IO, once it is in these rooms."""
    sid = rooms.connect(browser, PLACE)
    for name in names:
        rooms.enter_room(sid, PLACE, name)
    assert isinstance(sid, str)
    return sid


def in_rooms(rooms: Membership, name: str | list[str] | None) -> list[str]:
    return sorted(eio_sid for _, eio_sid in rooms.get_participants(PLACE, name))


def test_event_reaches_those_in_a_room_or_in_several_once(rooms: Membership) -> None:
    anna = joined(rooms, "hers", "user:101", "everyone", "admins")
    joined(rooms, "his", "user:102", "everyone")
    assert in_rooms(rooms, "everyone") == ["hers", "his"]
    assert in_rooms(rooms, "admins") == ["hers"]
    assert in_rooms(rooms, ["user:101", "admins", "user:102"]) == ["hers", "his"]
    assert in_rooms(rooms, anna) == ["hers"]
    assert in_rooms(rooms, [anna, "user:101", "nobody's"]) == ["hers"]
    assert in_rooms(rooms, None) == ["hers", "his"]


def test_room_may_be_left_alone(rooms: Membership) -> None:
    anna = joined(rooms, "hers", "user:101", "admins")
    rooms.leave_room(anna, PLACE, "admins")
    assert in_rooms(rooms, "admins") == []
    assert in_rooms(rooms, ["user:101", anna]) == ["hers"]


def test_nothing_is_left_of_a_browser_that_has_gone(rooms: Membership) -> None:
    sids = [joined(rooms, browser, "user:101", "everyone") for browser in ("one", "two")]
    rooms.pre_disconnect(sids[0], PLACE)
    rooms.disconnect(sids[0], PLACE)
    assert in_rooms(rooms, ["everyone", "user:101", sids[0]]) == ["two"]
    assert not rooms.is_connected(sids[0], PLACE)
    assert rooms.is_connected(sids[1], PLACE)
    rooms.disconnect(sids[1], PLACE)
    assert (rooms.rooms, rooms._joined, rooms.pending_connect, rooms.pending_disconnect) == ({}, {}, {}, {})


def test_number_of_browsers_is_bounded(office: WebOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "MOST_BROWSERS", 1)
    eio = office.web.socketio.server.eio
    eio.sockets.update((sid, Socket(eio, sid)) for sid in ("one", "one too many"))
    assert eio.handlers["connect"]("one too many", {"wsgi.websocket": object()}) is False
