"""Which peers a machine has, and what to do about those that it lacks."""

import os
from typing import Protocol

import pytest

from tests.support.peers.baresip import Baresip
from tests.support.peers.base import Phone
from tests.support.peers.linphone import Linphone
from tests.support.peers.pjsua import Pjsua

PHONES: tuple[type[Phone], ...] = (Baresip, Linphone, Pjsua)


class Installable(Protocol):
    @classmethod
    def installed(cls) -> bool: ...


def require(*peers: type[Installable]) -> None:
    """Skip the test where a peer isn't installed; in CI (`CI=true`), where they all have to be, fail it."""
    for peer in peers:
        if peer.installed():
            continue
        if os.environ.get("CI") == "true":
            pytest.fail(f"{peer.__name__} is not installed")
        pytest.skip(f"{peer.__name__} is not installed")
