"""What can go wrong in chat. Each message is one line for the person who asked.

MessagingError
├── BadValue            a text, title, number … is not of the allowed form
│   └── OutOfRange      an upload goes on at another place than where it stopped
├── NotFound            there is no such thing, or the asker may not know of it: both look alike
├── NotAllowed          the asker sees it, but may not do that to it
├── TooMuch             a limit is reached: members, size of a file, somebody's share of the disk
└── FileGone            the file was removed by retention, or its upload was given up
"""


class MessagingError(Exception):
    """Root of everything that `messaging` raises on purpose."""


class BadValue(MessagingError):
    """A value is not of the allowed form; the message says what is."""


class OutOfRange(BadValue):
    """An upload is continued at another place than where it stopped; `offset` is where that was."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"the upload goes on at octet {offset}")
        self.offset = offset


class NotFound(MessagingError):
    """There is no such thing, or it is not the asker's to know."""


class NotAllowed(MessagingError):
    """The asker sees the thing, but may not do that to it."""


class TooMuch(MessagingError):
    """A limit is reached; the message says which."""


class FileGone(MessagingError):
    """The file of an attachment does not exist any more."""
