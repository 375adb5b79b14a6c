"""Times and enums keep their meaning through both databases."""

from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum

import pytest
from sqlalchemy import MetaData, select, text
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Mapped, Session, mapped_column

from pbx.storage.base import Base
from pbx.storage.engine import open_database


class Mood(StrEnum):
    AT_EASE = "at-ease"


class Row(Base):
    __tablename__ = "base_test_rows"
    metadata = MetaData()  # apart from the program's own

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime | None]
    mood: Mapped[Mood]


MOSCOW = timezone(timedelta(hours=3))


def test_time_comes_back_in_utc_and_enum_is_stored_by_value(database_url: str) -> None:
    engine = open_database(database_url)
    Row.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        session.add(Row(id=1, at=datetime(2026, 12, 1, 19, 30, tzinfo=MOSCOW), mood=Mood.AT_EASE))
        session.add(Row(id=2, at=None, mood=Mood.AT_EASE))
    with Session(engine) as session:
        first, second = session.scalars(select(Row).order_by(Row.id))
        stored = session.execute(text("SELECT mood FROM base_test_rows")).first()
    assert (first.at, second.at) == (datetime(2026, 12, 1, 16, 30, tzinfo=UTC), None)
    assert first.at is not None
    assert first.at.tzinfo is UTC
    assert first.mood is Mood.AT_EASE
    assert stored == ("at-ease",)
    engine.dispose()


def test_time_without_zone_is_refused(database_url: str) -> None:
    engine = open_database(database_url)
    Row.metadata.create_all(engine)
    with pytest.raises(StatementError, match="has no time zone"), Session(engine) as session, session.begin():
        session.add(Row(id=1, at=datetime(2026, 12, 1), mood=Mood.AT_EASE))  # noqa: DTZ001  the point
    engine.dispose()
