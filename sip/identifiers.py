"""Unguessable identifiers: tags, branches, Call-IDs (RFC 3261 §19.3 asks for 32 random bits at least)."""

import os

from sip.fields import MAGIC_COOKIE

_POOL = 4096  # octets drawn from the kernel at once: one system call for 512 identifiers
_OCTETS = 8

_pool = ""
_position = 0


def token() -> str:
    """Sixteen hexadecimal digits of the kernel's randomness."""
    global _pool, _position
    start = _position
    if start >= len(_pool):
        _pool, start = os.urandom(_POOL).hex(), 0
    _position = start + 2 * _OCTETS
    return _pool[start:_position]


def new_branch() -> str:
    """A branch parameter for a Via of ours (RFC 3261 §8.1.1.7)."""
    return MAGIC_COOKIE + token()
