"""Pages of a list: by the id of the last row seen, so a page never shifts when rows are added."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy.orm import InstrumentedAttribute, Mapped
from sqlmodel import Session
from sqlmodel.sql.expression import SelectOfScalar

Row = TypeVar("Row")
MOST = 500
MOST_ROWS = 2**63 - 1  # what SQLite holds in an integer


@dataclass(frozen=True)
class PageOf:
    """Which page: at most `limit` rows (1 to 500) after the row `after` (None for the first page)."""

    after: str | None = None
    limit: int = 100


@dataclass(frozen=True)
class Paged(Generic[Row]):
    """The rows of one page, and the cursor of the next one (None for the last)."""

    rows: list[Row]
    next: str | None


def paged(session: Session, statement: SelectOfScalar[Row], key: Mapped[Any], page: PageOf) -> Paged[Row]:
    """The page of `statement` in the order of `key`, a unique column whose values sort as they were made."""
    assert isinstance(key, InstrumentedAttribute)
    if page.after is not None:
        after: int | str = page.after
        if key.type.python_type is int and page.after.isdecimal():
            after = min(int(page.after), MOST_ROWS)
        statement = statement.where(key > after)
    rows = list(session.exec(statement.order_by(key).limit(page.limit + 1)))
    more = len(rows) > page.limit
    rows = rows[: page.limit]
    return Paged(rows, str(getattr(rows[-1], key.key)) if more else None)
