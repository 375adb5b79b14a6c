"""How far the chat has come, for the client's first snapshot."""

from collections.abc import Callable

from sqlalchemy.orm import Session

from web.services import Services

Position = Callable[[Session, str], int]

_position: list[Position] = []


def provide(position: Position) -> None:
    """The chat says how to find its newest sequence number that a user may see."""
    _position[:] = [position]


def chat_position(given: Services, number: str) -> int | None:
    """The number, None where there is no chat."""
    if not _position:
        return None
    find = _position[0]
    return given.read(lambda session: find(session, number))
