"""SQL for the rows that the call engine writes, in the driver's own form.

A `Statement` puts or removes many rows at once: one SQL text per number of rows, its parameters in one
flat sequence. That costs two thirds of one statement per row, and keeps its pace where other threads
keep the interpreter busy: the driver gives the interpreter up, and asks for it back, once a statement.

Both kinds may be repeated without harm, which `pbx.storage.writer` relies on.
"""

from dataclasses import dataclass

from sqlalchemy import Table

from pbx.storage.base import Base


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """A way to write rows of `table`.

    The parameters of one row are the values of `columns` in this order, as the driver takes them:
    text, numbers, octets, None. The first of them is the primary key.
    """

    table: str
    columns: tuple[str, ...]
    head: str
    row: str
    tail: str

    def sql(self, rows: int, mark: str) -> str:
        """The text for so many rows, where `mark` is how the driver writes a parameter."""
        row = self.row.format(", ".join([mark] * len(self.columns)))
        return self.head + ", ".join([row] * rows) + self.tail


def upsert(model: type[Base]) -> Statement:
    """Adds rows with all columns of `model`, or replaces those that have the same primary key."""
    name, columns = _parts(model)
    quoted = [_quote(column) for column in columns]
    changes = ", ".join(f"{column} = excluded.{column}" for column in quoted[1:])
    return Statement(
        table=name,
        columns=columns,
        head=f"INSERT INTO {_quote(name)} ({', '.join(quoted)}) VALUES ",  # noqa: S608  our own names
        row="({})",
        tail=f" ON CONFLICT ({quoted[0]}) DO UPDATE SET {changes}",
    )


def delete(model: type[Base]) -> Statement:
    """Removes the rows with these primary keys; one that isn't there is no error."""
    name, columns = _parts(model)
    return Statement(
        table=name,
        columns=columns[:1],
        head=f"DELETE FROM {_quote(name)} WHERE {_quote(columns[0])} IN (",  # noqa: S608  our own names
        row="{}",
        tail=")",
    )


def _parts(model: type[Base]) -> tuple[str, tuple[str, ...]]:
    """The name of the table and its columns, of which the first must be the primary key."""
    table = model.__table__
    assert isinstance(table, Table)
    columns = tuple(column.name for column in table.columns)
    if [column.name for column in table.primary_key] != [columns[0]]:
        raise ValueError(f"the primary key of {table.name} is not its first column alone")
    return table.name, columns


def _quote(name: str) -> str:
    """A name of ours in the quotation marks of the SQL standard, which both databases read."""
    return f'"{name}"'
