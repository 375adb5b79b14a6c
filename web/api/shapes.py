"""The shapes that several parts of the API and its events share."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from pbx.routing.outcome import Outcome
from web.causes import CauseCode

T = TypeVar("T")

LARGEST_ID = 2**63 - 1  # that a database can store


def _utc_text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Moment = Annotated[
    datetime,
    PlainSerializer(_utc_text, return_type=str, when_used="json"),
    Field(examples=["2026-12-01T16:30:00.000Z"]),
]
"""A time in ISO 8601 in UTC."""

Number = Annotated[str, Field(min_length=1, max_length=32, examples=["102"])]


def from_seconds(seconds: float) -> datetime:
    """A time of the database or the bus, in seconds of the Unix epoch."""
    return datetime.fromtimestamp(seconds, UTC)


class Shape(BaseModel):
    """What comes in or goes out. Fields that nobody knows are refused, so that a slip is noticed."""

    model_config = ConfigDict(extra="forbid")


class Page(Shape, Generic[T]):
    """A part of a list; `next` is the cursor of the following part, null at the end."""

    items: list[T]
    next: str | None = None


class Warned(Shape):
    """Done, with what may be a slip of the finger."""

    warnings: list[str] = Field(default=[], examples=[["555 is no user or group here"]])


class Role(StrEnum):
    """What somebody may do."""

    USER = "user"
    ADMIN = "admin"


class Party(Shape):
    """Somebody of a call; the name is empty where nobody knows it."""

    number: str = Field(examples=["102"])
    name: str = Field(examples=["Boris Petrov"])


class Direction(StrEnum):
    """A call as its owner sees it."""

    IN = "in"
    OUT = "out"


class Cause(Shape):
    """How a call ended. `detail` is a SIP phrase or a reason of the media plane, in English; mostly empty."""

    code: CauseCode = Field(examples=["nobody-answered"])
    detail: str = Field(examples=[""])


class CallItem(Shape):
    """A call that has ended, as one of its parties sees it."""

    id: str = Field(examples=["5f0c2a9e1b7d4c38"])
    direction: Direction
    other: Party
    dialled: str = Field(examples=["102"])
    answered_by: str | None = Field(examples=["102"])
    answered_by_name: str | None = Field(examples=["Boris Petrov"])
    started_at: Moment
    answered_at: Moment | None
    ended_at: Moment
    outcome: Outcome
    cause: Cause
    missed: bool
    seen: bool = Field(description="false for a missed call that was not looked at")


class CallDevice(Shape):
    """The device of the one who asks, on which a call goes on."""

    sip_name: str = Field(examples=["102-k3fw"])
    browser: bool


class LiveCall(Shape):
    """A call in progress. What is said of the one who asks is null for an admin who is not in it."""

    id: str = Field(examples=["5f0c2a9e1b7d4c38"])
    caller: Party
    callee: Party = Field(description="who answered, before that who was called")
    dialled: str = Field(examples=["102"])
    state: Literal["ringing", "talking", "ended"]
    started_at: Moment
    answered_at: Moment | None
    direction: Direction | None
    other: Party | None
    device: CallDevice | None
