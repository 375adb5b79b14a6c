"""What can go wrong in an action on the directory. Each message is one line for whoever asked.

DirectoryError
├── BadValue                a number, name, password, target … is not of the allowed form
│   └── BadFile             lines of an imported file are, each with its number
├── NotFound                there is no user, device, group or rule of that name
├── NumberTaken             a user or a group has this number already
├── EmployeeTaken           another user has this employee id
├── StaleVersion            what was to be changed has changed since it was read
└── SecretsError            passwords cannot be sealed or opened with the key of this installation
"""


class DirectoryError(Exception):
    """Root of everything that `pbx.directory` raises on purpose."""


class BadValue(DirectoryError):
    """A value is not of the allowed form; the message says what is."""


class BadFile(BadValue):
    """Lines of an imported file are wrong, so nothing of it was taken. `problems` has all of them."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
        super().__init__(f"nothing was imported: {problems[0]}{more}")
        self.problems = problems


class NotFound(DirectoryError):
    """There is no user, device, group or rule of that name."""


class NumberTaken(DirectoryError):
    """A user or a group has this number already."""


class EmployeeTaken(DirectoryError):
    """Another user has this employee id."""


class StaleVersion(DirectoryError):
    """What was to be changed has changed since it was read: read it again."""


class SecretsError(DirectoryError):
    """A password cannot be sealed or opened with the key of this installation."""
