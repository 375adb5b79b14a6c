"""What can go wrong before a call is routed. Routing itself does not fail: it ends in an `End`.

RoutingError (a ValueError)
├── NumberError      what was dialled, or a caller to compare with, is no number
├── ScheduleError    a time of day or a list of weekdays cannot be read
├── StateError       an assumed outcome of a simulation cannot be read
└── RecordError      a stored plan cannot be read
"""


class RoutingError(ValueError):
    """The message is one line for the person who typed it."""


class NumberError(RoutingError):
    pass


class ScheduleError(RoutingError):
    pass


class StateError(RoutingError):
    pass


class RecordError(RoutingError):
    pass
