"""Unguessable identifiers: tags, branches, Call-IDs (RFC 3261 §19.3 asks for 32 random bits at least)."""

import os
from typing import Final

from sip.fields import MAGIC_COOKIE

_POOL: Final = 4096  # octets drawn from the kernel at once: one system call for 512 identifiers
_OCTETS: Final = 8

_drawn: Final[list[str]] = []


def token() -> str:
    """Sixteen hexadecimal digits of the kernel's randomness."""
    if not _drawn:
        digits = os.urandom(_POOL).hex()
        _drawn.extend([digits[start : start + 2 * _OCTETS] for start in range(0, 2 * _POOL, 2 * _OCTETS)])
    return _drawn.pop()


def new_branch() -> str:
    """A branch parameter for a Via of ours (RFC 3261 §8.1.1.7)."""
    return MAGIC_COOKIE + token()
