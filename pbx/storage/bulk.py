"""Many rows in one statement of a transaction: SQLAlchemy's care for each value costs more than the database itself.

The statements are those of `pbx.storage.statements`, or one's own in that form; where one returns rows, they come back.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import Connection

from pbx.storage.statements import Statement

LARGEST = 64  # rows in one statement: beyond that, larger ones gain nothing


def execute_many(
    connection: Connection, statement: Statement, rows: Sequence[Sequence[object]]
) -> list[tuple[Any, ...]]:
    """Executes a statement with all rows, and gives what it returns, in no order.

    Values are passed as the driver takes them. Statements have 64, 32, 16 … rows, so that few different texts are
    prepared.
    """
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    found: list[tuple[Any, ...]] = []
    start = 0
    while left := len(rows) - start:
        size = min(1 << (left.bit_length() - 1), LARGEST)
        values = tuple(chain.from_iterable(rows[start : start + size]))
        result = connection.exec_driver_sql(_text(statement, size, mark), values)
        if result.returns_rows:
            found += map(tuple, result)
        start += size
    return found


@lru_cache(maxsize=128)
def _text(statement: Statement, rows: int, mark: str) -> str:
    return statement.sql(rows, mark)
