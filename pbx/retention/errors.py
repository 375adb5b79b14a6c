"""What can go wrong with retention. Each message is one line for the admin who asked.

RetentionError
├── BadValue        a number of days, or a reason, is not of the allowed form
└── NotFound        there is no such store, user or hold
"""


class RetentionError(Exception):
    """Root of everything that `pbx.retention` raises on purpose."""


class BadValue(RetentionError):
    """A value is not of the allowed form; the message says what is."""


class NotFound(RetentionError):
    """There is no such store, user or hold."""
