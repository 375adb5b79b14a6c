"""One grammar for the log of all processes, one line for each event, on standard error.

    2026-12-01T19:30:00.123+03:00 engine = leg 7f3a RINGING → CONFIRMED
    └ when                        │      │ └ what
                                  │      └ `=` state, `<` came in, `>` went out, `!` went wrong
                                  └ which process

Texts come from the network too, so whatever could pass for a line of its own is escaped, and what looks
like a secret is blanked: the last net below those who log, not a licence to log secrets.
"""

import logging
import os
import re
import sys
import threading
import traceback
from datetime import datetime
from types import TracebackType

MARKS = ("= ", "< ", "> ", "! ")
LONGEST = 4000  # characters of one line
MOST_FRAMES = 6  # places in our code that an exception's line names
MOST_CAUSES = 3

# The password in a URL (SIP's too), and what a digest or basic authentication proves itself by.
_SECRET = re.compile(
    r"(?P<url>(?:://[^\s/:@]*|\bsips?:[^\s:@]+):)[^\s@]+(?=@)"
    r"|(?P<field>\b(?:response|password|passwd|secret|cnonce)\s*[=:]\s*\"?|\bBasic\s+)[^\s\"',;]+",
    re.IGNORECASE,
)
# RFC 5424 severities, as `sd-daemon(3)` takes them before a line.
_SEVERITIES = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (logging.NOTSET, 7))


def set_up_logging(process: str, level: str) -> None:
    """Sends the log of this process to standard error; uncaught exceptions too.

    Args:
        process: what the lines are marked with, as "engine".
        level: "debug", "info", "warning" or "error".
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter(process, journal=_stderr_is_journal()))
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    logging.getLogger("alembic").setLevel(logging.WARNING)  # tells of every start that there is nothing to do
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # a broken standard error must not stop calls
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


class LineFormatter(logging.Formatter):
    """Makes one line of a record.

    Args:
        process: what the lines are marked with.
        journal: systemd's journal reads them, and has the time already but not the severity.
    """

    def __init__(self, process: str, *, journal: bool = False) -> None:
        super().__init__()
        self._process = process
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage()
        if not text.startswith(MARKS):
            text = f"{'!' if record.levelno >= logging.WARNING else '='} {text}"
        if record.exc_info and record.exc_info[1] is not None:
            text = f"{text}: {in_one_line(record.exc_info[1])}"
        text = one_line(text)
        if self._journal:
            severity = next(number for level, number in _SEVERITIES if record.levelno >= level)
            return f"<{severity}>{self._process} {text}"
        at = datetime.fromtimestamp(record.created).astimezone()
        return f"{at.isoformat(timespec='milliseconds')} {self._process} {text}"


def one_line(text: str) -> str:
    """The text without secrets, at most `LONGEST` long, with everything escaped that isn't printable."""
    text = _SECRET.sub(lambda found: f"{found['url'] or found['field']}***", text)
    if len(text) > LONGEST:
        text = text[:LONGEST] + "…"
    return printable(text)


def printable(text: str) -> str:
    """The text with everything escaped that could act on a terminal, or pass for another line."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def in_one_line(error: BaseException) -> str:
    """An exception with what caused it, and the places where it happened, the innermost last."""
    told: list[str] = []
    current: BaseException | None = error
    while current is not None and len(told) < MOST_CAUSES:
        frames = traceback.extract_tb(current.__traceback__)[-MOST_FRAMES:]
        places = " > ".join(f"{os.path.basename(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames)  # noqa: PTH119  the cheap form
        told.append(f"{type(current).__name__}: {current}" + (f" ({places})" if places else ""))
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return ", caused by ".join(told)


def _stderr_is_journal() -> bool:
    """Whether standard error goes to systemd's journal (`systemd.exec(5)`, $JOURNAL_STREAM)."""
    try:
        status = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        logging.getLogger(__name__).critical("! the process ends", exc_info=(kind, error, trace))


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        name = args.thread.name if args.thread is not None else "?"
        logging.getLogger(__name__).error("! thread %s ends", name, exc_info=args.exc_value)
