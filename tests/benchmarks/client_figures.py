"""What the benchmark of the web client found: values by name, with their goals, as tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.benchmarks.comparison import Spread
from tests.benchmarks.report import table


@dataclass(slots=True)
class Figure:
    """One thing that was measured several times; `below` is its goal, in the same unit."""

    name: str
    unit: str
    below: float | None = None
    values: list[float] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """Whether the median is below the goal."""
        spread = Spread.of(self.values)
        if self.below is None or spread is None:
            return "–"
        return f"< {self.below:g}: {'met' if spread.median < self.below else '**not met**'}"

    def row(self) -> list[str]:
        """Its line in the table."""
        spread = Spread.of(self.values)
        digits = 1 if self.unit == "s" else 0
        said = "–"
        if spread is not None:
            said = f"{spread.median:.{digits}f} ({spread.least:.{digits}f}–{spread.most:.{digits}f})"
        return [self.name, self.unit, said, self.verdict]


class Figures:
    """All figures of a run, in the order in which they are to be read."""

    def __init__(self, *figures: Figure) -> None:
        self._figures = {one.name: one for one in figures}

    def add(self, name: str, value: float) -> None:
        """One more value of a figure. Raises KeyError for a name that was not announced."""
        self._figures[name].values.append(value)

    def markdown(self) -> str:
        """A table of the figures that have values."""
        rows = [one.row() for one in self._figures.values() if one.values]
        return table(["", "unit", "median (least–most)", "goal"], rows)

    def lines(self) -> Iterable[str]:
        """The same for a terminal."""
        rows = [one.row() for one in self._figures.values() if one.values]
        widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
        for row in rows:
            yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
