"""How columns hold our values: slugs as text, sets of slugs as text, and the names that constraints get.

Times: a field `at: datetime` is stored by SQLModel as UTC text `YYYY-MM-DD HH:MM:SS.ffffff`, which sorts. It refuses
a datetime without a time zone, and gives UTC back.
"""

from __future__ import annotations

from collections.abc import Set
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import Dialect, String
from sqlalchemy.types import TypeDecorator
from sqlmodel import SQLModel

E = TypeVar("E", bound=StrEnum)

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Slug(TypeDecorator[StrEnum]):
    """One member of a `StrEnum`, stored as its value; another value raises ValueError."""

    impl = String
    cache_ok = True

    def __init__(self, kind: type[StrEnum]) -> None:
        self.kind = kind
        super().__init__()

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else self.kind(value).value

    def process_result_value(self, value: Any, dialect: Dialect) -> StrEnum | None:
        return None if value is None else self.kind(value)


class Slugs(TypeDecorator[frozenset[StrEnum]]):
    """A set of members of a `StrEnum`, stored as their values in alphabetical order with a space between."""

    impl = String
    cache_ok = True

    def __init__(self, kind: type[StrEnum]) -> None:
        self.kind = kind
        super().__init__()

    def process_bind_param(self, value: Set[Any] | None, dialect: Dialect) -> str | None:
        return None if value is None else " ".join(sorted(self.kind(each).value for each in value))

    def process_result_value(self, value: Any, dialect: Dialect) -> frozenset[StrEnum] | None:
        return None if value is None else frozenset(self.kind(each) for each in value.split())
