"""What happened in the directory. The numbers of an event are those whose entries are to be read again."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DirectoryChanged:
    """The common part: users and groups by number, those that are gone too."""

    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UsersAdded(DirectoryChanged):
    """Users were added, one by hand or many from a file, each with a first device."""


@dataclass(frozen=True, slots=True)
class UserChanged(DirectoryChanged):
    """A user's name, role, employee id or a password was changed."""


@dataclass(frozen=True, slots=True)
class UserRemoved(DirectoryChanged):
    """A user was removed, with devices, rules and bindings, and from the groups that are named too."""


@dataclass(frozen=True, slots=True)
class DeviceAdded(DirectoryChanged):
    """A user got one more account for a phone."""

    sip_name: str


@dataclass(frozen=True, slots=True)
class DeviceRemoved(DirectoryChanged):
    """A phone's account was removed; it cannot sign in any more."""

    sip_name: str


@dataclass(frozen=True, slots=True)
class ForwardingChanged(DirectoryChanged):
    """Forwarding rules of a user were set or cleared."""


@dataclass(frozen=True, slots=True)
class GroupChanged(DirectoryChanged):
    """A group was made, or its members or its strategy were changed."""


@dataclass(frozen=True, slots=True)
class GroupRemoved(DirectoryChanged):
    """A group was removed; its number is free again."""
