"""The accounts that phones sign in by: those of the directory, and the short-lived ones of signed-in browsers.

A browser's account is not stored. Its name says whose it is, of which session of the web, and until when; its
password is the seal of that name. So the account outlives a restart of the engine, and ends by itself.
"""

import hashlib
import hmac
import re
from base64 import b32encode
from collections.abc import Callable
from typing import NamedTuple

from pbx.directory.snapshot import Device, Directory

LIFE = 12 * 3600  # seconds: a working day; clients take a new account before
LABEL = "browser"
_MOST_KEPT = 50_000

_NAME = re.compile(r"(?P<number>[0-9]{1,24})-web-(?P<session>[0-9a-f]{8})(?P<ends>[0-9a-f]{8})")


class BrowserAccount(NamedTuple):
    """What a browser signs in by; `expires_at` in seconds of the Unix epoch."""

    sip_name: str
    password: str
    expires_at: int


class Accounts:
    """Finds the device that a SIP name stands for.

    Args:
        directory: gives the directory that is in force.
        key: a secret of this installation, which seals the accounts of browsers.
        now: seconds of the Unix epoch.
    """

    def __init__(self, directory: Callable[[], Directory], key: bytes, now: Callable[[], float]) -> None:
        self._directory = directory
        self._key = key
        self._now = now
        self._kept: dict[str, Device] = {}  # the same name gives the same object, as in the directory
        self._revoked: dict[str, float] = {}

    def device(self, sip_name: str) -> Device | None:
        """The device with this name, None where there is none or its time is up."""
        directory = self._directory()
        return directory.device(sip_name) or self._of_browser(sip_name, directory)

    def issue(self, number: str, session: str) -> BrowserAccount:
        """An account for a browser of the user `number`, who is signed in by `session`."""
        ends = int(self._now()) + LIFE
        name = f"{number}-web-{_mark(session)}{ends:08x}"
        return BrowserAccount(name, self._password(name), ends)

    def revoke(self, session: str) -> None:
        """Ends the accounts of a session for good."""
        now = self._now()
        self._revoked = {one: ends for one, ends in self._revoked.items() if ends > now}
        self._revoked[_mark(session)] = now + LIFE

    def _of_browser(self, sip_name: str, directory: Directory) -> Device | None:
        parts = _NAME.fullmatch(sip_name)
        if parts is None or parts["session"] in self._revoked:
            return None
        ends, number = int(parts["ends"], 16), parts["number"]
        if not self._now() < ends <= self._now() + LIFE or directory.user(number) is None:
            return None
        kept = self._kept.get(sip_name)
        if kept is None:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            kept = self._kept[sip_name] = Device(sip_name, number, LABEL, self._password(sip_name))
        return kept

    def _password(self, name: str) -> str:
        return b32encode(hmac.digest(self._key, name.encode(), "sha256")[:20]).decode().lower()


def is_browser(sip_name: str) -> bool:
    """Whether the account is one of a browser."""
    return "-web-" in sip_name and _NAME.fullmatch(sip_name) is not None


def _mark(session: str) -> str:
    return hashlib.sha256(session.encode()).hexdigest()[:8]
