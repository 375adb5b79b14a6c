"""The audit trail. A row is added together with the change it tells of, and is never changed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import JSON, BigInteger, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from pbx.storage.base import Base

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"


class AuditEntry(Base):
    """Who did what to whom. `before` and `after` say what changed; they never hold a secret."""

    __tablename__ = "audit"

    # SQLite numbers rows by itself only where the column is called INTEGER.
    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(String(100))
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(200), index=True)
    before: Mapped[Json] = mapped_column(JSON(none_as_null=True), nullable=True)
    after: Mapped[Json] = mapped_column(JSON(none_as_null=True), nullable=True)
