"""How a call ended, in the language of those who read: records have it in English, as the call wrote it.

What follows a colon is a SIP phrase or a reason of the media plane, for whoever looks for a fault, and stays as it is;
so does a cause that a call of another version wrote.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from pbx.routing.words import Language

_RUSSIAN: Final = {
    "busy": "занято",
    "nobody answered": "никто не ответил",
    "nobody was reachable": "никого нет в сети",
    "do not disturb": "не беспокоить",
    "declined": "звонок отклонён",
    "failed": "сбой",
    "no such number": "нет такого номера",
    "caller gave up": "звонивший не дождался ответа",
    "caller hung up": "звонивший положил трубку",
    "callee hung up": "ответивший положил трубку",
    "caller was lost": "пропала связь со звонившим",
    "callee was lost": "пропала связь с ответившим",
    "ended by the server": "завершён сервером",
    "ended by an administrator": "завершён администратором",
    "no session description": "телефон не прислал описания сеанса",
    "transfer failed": "перевод не удался",
    "transferred while it rang": "переведён во время вызова",
    "transferee hung up": "переводимый положил трубку",
    "the parties could not be joined": "не удалось соединить собеседников",
}

_TRANSFERRED: Final = "transferred to "


def in_words(cause: str, language: Language) -> str:
    """The cause of a record in this language."""
    if language is not Language.RUSSIAN:
        return cause
    if cause.startswith(_TRANSFERRED):
        return f"переведён на {cause[len(_TRANSFERRED) :]}"
    what, colon, detail = cause.partition(": ")
    known = _RUSSIAN.get(what)
    return cause if known is None else f"{known}{colon}{detail}"


def ended(at: datetime, language: Language) -> str:
    """When a call ended, in local time: what stands before its cause."""
    if language is Language.RUSSIAN:
        return f"завершён {at:%d.%m.%Y} в {at:%H:%M:%S}"
    return f"ended at {at:%Y-%m-%d %H:%M:%S}"
