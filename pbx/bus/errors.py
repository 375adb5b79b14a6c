"""What can go wrong between a process and the engine.

BusError
├── NotRunning      no engine listens on the socket, or it went away before it answered
├── NotAllowed      the socket belongs to somebody else
├── NoAnswer        the engine did not answer in time
├── BadLine         a line that is too long, or that is no message of this protocol
└── CommandError    the engine understood the command and refuses it
"""


class BusError(Exception):
    """Root of everything that the bus raises on purpose; the text is one line for a person."""


class NotRunning(BusError):
    """No engine listens on the socket, or it went away before it answered."""


class NotAllowed(BusError):
    """This account may not use the socket."""


class NoAnswer(BusError):
    """The engine did not answer in time."""


class BadLine(BusError):
    """A line is longer than allowed, or is no message of this protocol."""


class CommandError(BusError):
    """A command is refused, with a code for programs and a message for people.

    Command handlers raise it in the engine; `pbx.bus.client.call` raises it again for the asker.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
