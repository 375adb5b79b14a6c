"""What a command answers: values for programs, lines for people."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

GAP = "  "


class CliError(Exception):
    """The command cannot be carried out; the message is one line for who typed it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a command.

    Args:
        values: what `--json` prints, as one object.
        lines: what is printed without it.
        warnings: what may be a slip of the finger; said on standard error, and part of the values.
        failure: one line on standard error, with which the command fails all the same.
    """

    values: dict[str, Any]
    lines: Sequence[str] = ()
    warnings: Sequence[str] = ()
    failure: str | None = None


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], nothing: str) -> list[str]:
    """Rows below their headings, in columns as wide as they need; `nothing` where there are no rows."""
    texts = [["" if value is None else str(value) for value in row] for row in rows]
    if not texts:
        return [nothing]
    columns = list(zip(headings, *texts, strict=True))
    widths = [max(map(len, column)) for column in columns]
    return [_row(row, widths) for row in [headings, *texts]]


def details(pairs: Iterable[tuple[str, object]]) -> list[str]:
    """Names and values below one another; None is left out."""
    known = [(name, str(value)) for name, value in pairs if value is not None]
    width = max((len(name) for name, _ in known), default=0)
    return [_row(pair, [width, 0]) for pair in known]


def moment(seconds: float | None) -> str:
    """Seconds of the Unix epoch in local time."""
    return "" if seconds is None else f"{datetime.fromtimestamp(seconds).astimezone():%Y-%m-%d %H:%M:%S}"


def duration(seconds: float) -> str:
    """As `1:05:09` or `0:07`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _row(values: Sequence[str], widths: Sequence[int]) -> str:
    return GAP.join(value.ljust(width) for value, width in zip(values, widths, strict=True)).rstrip()
