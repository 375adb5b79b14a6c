"""The rows of retention: one rule for each store, and the legal holds."""

from datetime import datetime

from sqlalchemy import Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from pbx.directory.models import NUMBER_LENGTH
from pbx.storage.base import Base


class RetentionRow(Base):
    """How long a store keeps what it has. No row: for ever."""

    __tablename__ = "retention_rules"

    store: Mapped[str] = mapped_column(String(20), primary_key=True)
    days: Mapped[int | None] = mapped_column(Integer)  # None: for ever
    changed_at: Mapped[datetime]
    changed_by: Mapped[str] = mapped_column(String(100))


class HoldRow(Base):
    """What concerns this number is not removed, whatever the rules say and its people do. It outlives the user."""

    __tablename__ = "legal_holds"

    number: Mapped[str] = mapped_column(String(NUMBER_LENGTH), primary_key=True)
    reason: Mapped[str] = mapped_column(String(200))
    set_at: Mapped[datetime]
    set_by: Mapped[str] = mapped_column(String(100))
