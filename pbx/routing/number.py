"""Numbers as people dial and write them, and as we compare them."""

from __future__ import annotations

import re

from pbx.routing.errors import NumberError

ANONYMOUS = "anonymous"
"""The pattern for a caller who shows no number."""

ECHO = "*43"
SERVICES = frozenset((ECHO,))
"""Numbers that the server answers itself."""

# RFC 3966 5.1.1: visual separators "are not used for comparison". People also type blanks.
_SEPARATORS = str.maketrans("", "", "-.() \u00a0")

# Digits are [0-9] only: \d would take Arabic and other digits that no phone can dial.
_NUMBER = re.compile(r"\*?[0-9]{2,15}")
_PREFIX = re.compile(r"[0-9]{1,15}\*")


def normalise(dialled: str) -> str:
    """The number that was meant: without separators and without the + of an international number.

    Raises:
        NumberError: it is not a number of 2 to 15 digits (15 as in E.164), with or without a leading `*`.
    """
    number = comparable(dialled)
    if not _NUMBER.fullmatch(number):
        raise NumberError(f"{dialled!r} is not a number: 2 to 15 digits are, and a service number begins with *")
    return number


def comparable(caller: str) -> str:
    """A caller's number in the form of `normalise`; a caller known by a name instead keeps it."""
    return caller.translate(_SEPARATORS).removeprefix("+")


def caller_pattern(text: str) -> str:
    """Whom a caller rule is for: a number, a prefix as `7495*`, or `anonymous`.

    Raises:
        NumberError: it is none of these.
    """
    pattern = comparable(text)
    if pattern.lower() == ANONYMOUS:
        return ANONYMOUS
    if _NUMBER.fullmatch(pattern) or _PREFIX.fullmatch(pattern):
        return pattern
    raise NumberError(f"{text!r} is no caller: give a number, a prefix such as 7495*, or {ANONYMOUS}")


def matches_caller(pattern: str, caller: str | None) -> bool:
    """Whether a caller rule is for this caller; None is a caller who shows no number."""
    if caller is None or caller.lower() == ANONYMOUS:
        return pattern == ANONYMOUS
    if pattern.endswith("*"):
        return comparable(caller).startswith(pattern[:-1])
    return comparable(caller) == pattern
