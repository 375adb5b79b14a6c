"""Whom an address in a request names: a user, or a device by the name it signs in with."""

from typing import Final

from pbx.directory.snapshot import Directory
from sip.fields import NameAddr
from sip.uri import OtherUri, Uri

ANONYMOUS: Final = "anonymous"  # RFC 3323 §4.1.1.3: sip:anonymous@anonymous.invalid


def user_part(text: str) -> str:
    """The user of a From or To value, escapes resolved; the number of a tel URI; "" where there is none.

    Raises ParseError.
    """
    if '"' not in text:
        # Without quotes the first bracket begins the address. The spelling of nearly all phones.
        user, at, _ = text.partition("<sip:")[2].partition("@")
        if at and user.isascii() and user.isalnum():
            return user
    return user_of(NameAddr.parse(text).parsed_uri())


def user_of(uri: Uri) -> str:
    """The user of a URI, escapes resolved; the number of a tel URI; "" where there is none."""
    return "" if isinstance(uri, OtherUri) else uri.number


def number_of(part: str, directory: Directory) -> str | None:
    """The number that a user part stands for; None for one that nobody has."""
    if part in directory.users:
        return part
    device = directory.device(part)
    return None if device is None else device.number
