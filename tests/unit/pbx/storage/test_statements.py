"""The text of the hot writes, and that the models fit them."""

import pytest
from sqlalchemy import MetaData
from sqlalchemy.orm import Mapped, mapped_column

from pbx.calls import models as calls
from pbx.registrar import models as registrar
from pbx.storage.base import Base
from pbx.storage.statements import Statement, delete, upsert


class Pair(Base):
    __tablename__ = "pairs"
    metadata = MetaData()  # apart from the program's own

    id: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


def test_upsert_writes_all_columns_of_many_rows() -> None:
    statement = upsert(Pair)
    assert statement.columns == ("id", "value")
    assert statement.sql(2, "?") == (
        'INSERT INTO "pairs" ("id", "value") VALUES (?, ?), (?, ?)'
        ' ON CONFLICT ("id") DO UPDATE SET "value" = excluded."value"'
    )


def test_delete_names_many_keys() -> None:
    statement = delete(Pair)
    assert statement.columns == ("id",)
    assert statement.sql(3, "%s") == 'DELETE FROM "pairs" WHERE "id" IN (%s, %s, %s)'


def test_key_must_be_the_first_column() -> None:
    class Odd(Base):
        __tablename__ = "odd"
        metadata = MetaData()

        value: Mapped[str]
        id: Mapped[str] = mapped_column(primary_key=True)

    with pytest.raises(ValueError, match="the primary key of odd is not its first column alone"):
        upsert(Odd)


# The registrar and the calls write rows as tuples in this order.
@pytest.mark.parametrize(
    ("statement", "columns"),
    [
        (registrar.UPSERT_BINDING, "id number sip_name contact instance reg_id q path call_id cseq "
         "expires_at flow user_agent gruu updated_at"),
        (registrar.DELETE_BINDING, "id"),
        (calls.UPSERT_LIVE_CALL, "call_id state updated_at"),
        (calls.DELETE_LIVE_CALL, "call_id"),
        (calls.UPSERT_CALL_RECORD, "id caller caller_name dialled answered_by started_at answered_at "
         "ended_at outcome cause plan events"),
        (calls.UPSERT_STORED_MESSAGE, "id to_number from_number content_type body received_at expires_at"),
        (calls.DELETE_STORED_MESSAGE, "id"),
    ],
)  # fmt: skip
def test_columns_of_the_hot_tables_stand_in_this_order(statement: Statement, columns: str) -> None:
    assert statement.columns == tuple(columns.split())
