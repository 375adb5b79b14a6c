"""What happened to retention."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetentionChanged:
    """The rules for these stores were changed."""

    stores: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HoldChanged:
    """A legal hold on what concerns a number was set, changed or lifted."""

    number: str
    held: bool
