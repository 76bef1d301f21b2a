"""Samples: what the detectors see of a table, already out of the database."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class ColumnSample:
    """Some values of one column, as text.

    Attributes:
        name: the column's name.
        data_type: the database's type, in capitals; `VARCHAR` for a CSV file.
        values: distinct values, stripped of outer blanks, neither NULL nor empty. They never show
            in `repr`, so that no traceback or test report prints them.
        rows: sampled rows.
        filled: sampled rows that have a value.
    """

    name: str
    data_type: str = "VARCHAR"
    values: tuple[str, ...] = field(default=(), repr=False)
    rows: int = 0
    filled: int = 0

    @classmethod
    def of(cls, name: str, values: list[str | None], data_type: str = "VARCHAR") -> ColumnSample:
        """A sample out of plain values, one a row."""
        filled = [text for value in values if value is not None and (text := value.strip())]
        return cls(
            name=name,
            data_type=data_type.upper(),
            values=tuple(dict.fromkeys(filled)),
            rows=len(values),
            filled=len(filled),
        )


@dataclass(frozen=True)
class TableSample:
    """Some rows of one table.

    Attributes:
        name: the table's name, as messages give it.
        columns: one sample a column, in the table's order.
    """

    name: str
    columns: tuple[ColumnSample, ...]

    @property
    def rows(self) -> int:
        return max((column.rows for column in self.columns), default=0)
