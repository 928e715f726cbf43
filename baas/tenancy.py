"""Who is calling, and the one place where queries are narrowed to what the caller may see.

A table whose rows belong to an administration is a `TenantRow` (or `Scoped`, when some belong to none). Its
rows are read only through a `TenantScope` (a test reads the source and fails on any other way) or through
`across_administrations`, which asks for the reason. What the scope does not show is not there: the same
NotFound for an absent object and for another's.

Roles count where they were given: a member's own roles in the own administration; in another one, reached by
mandate, the roles that both the mandate and the member have. A mandate does not lead on to the provider's own
mandates. Staff of AOC belong to no administration: they read only the tables that say so in `readable_by`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, TypeVar

from sqlalchemy import ColumnElement, false
from sqlmodel import Field, Session, SQLModel, col, select
from sqlmodel.sql.expression import SelectOfScalar

import baas.store.types  # noqa: F401  # sets the naming convention before the first table is made
from baas.errors import Forbidden, NotFound, Suspended


class Role(StrEnum):
    """What a member does in an administration."""

    ADMIN = "admin"
    DEVELOPER = "developer"
    AUDITOR = "auditor"


class CallerKind(StrEnum):
    """Who acts: a member of an administration, AOC's staff, or the service by itself (only in the audit)."""

    MEMBER = "member"
    OPERATOR = "operator"
    EVALUATOR = "evaluator"
    SERVICE = "service"


class RpcEndpoint(StrEnum):
    """Which of a chain's two addresses an RPC token opens: everybody's, or the administrator's."""

    PUBLIC = "public"
    ADMIN = "admin"


STAFF = frozenset({CallerKind.OPERATOR, CallerKind.EVALUATOR})


class Scoped(SQLModel):
    """Base of what a scope can show: a table with a column that holds the administration's id."""

    tenant_key: ClassVar[str] = "administration_id"
    """That column (the administrations' own table says `id`)."""
    readable_by: ClassVar[frozenset[CallerKind]] = frozenset()
    """The staff who may read every administration's rows; nobody, unless a table says so."""


class TenantRow(Scoped):
    """Base of every table whose rows belong to one administration: `class Chain(TenantRow, table=True)`."""

    administration_id: str = Field(foreign_key="administrations.id", index=True)


Row = TypeVar("Row", bound=SQLModel)


@dataclass(frozen=True)
class Caller:
    """Who a token stands for, as it is at this request. Ids are ULIDs.

    `roles` has every administration that the caller reaches, the own one included. `chain_id` and `endpoint`
    are set for an RPC token: such a caller may use that chain's RPC at that endpoint and nothing else.
    """

    kind: CallerKind
    actor_id: str
    name: str = ""
    token_id: str = ""
    administration_id: str | None = None
    roles: Mapping[str, frozenset[Role]] = field(default_factory=dict)
    chain_id: str | None = None
    endpoint: RpcEndpoint | None = None
    suspended: Mapping[str, str] = field(default_factory=dict)
    """The administrations of `roles` that are suspended, as the database says at this request, each with the reason."""

    def closed(self, administration_id: str) -> str | None:
        """Why this caller may do nothing there but read evidence: it is suspended, or the caller's own one is."""
        return self.suspended.get(administration_id) or self.suspended.get(self.administration_id or "")


SERVICE = Caller(CallerKind.SERVICE, "service", "service")
"""The actor of what the service does by itself. It has no roles, so a scope made of it sees nothing."""


@dataclass(frozen=True)
class TenantScope:
    """What one caller may see and do."""

    caller: Caller

    @property
    def administrations(self) -> frozenset[str]:
        """The ids of the administrations that a member reaches; empty for staff."""
        return frozenset(self.caller.roles)

    def select(self, model: type[Row]) -> SelectOfScalar[Row]:
        """A SELECT of the rows of `model` that the caller may see; narrow it further with `.where()`.

        TypeError for a table that belongs to no administration: it cannot be shown by this means.
        """
        return select(model).where(self._visible(model))

    def find(
        self, session: Session, model: type[Row], named: str, *conditions: ColumnElement[bool] | bool
    ) -> Row:
        """The one visible row that meets `conditions`; `named` is what NotFound calls it."""
        row = session.exec(self.select(model).where(*conditions)).one_or_none()
        if row is None:
            raise NotFound(model.__name__.lower(), named)
        return row

    def get(self, session: Session, model: type[Row], row_id: str) -> Row:
        """The visible row with that id. NotFound, in the same words when absent and when another's."""
        return self.find(session, model, row_id, column(model, "id") == row_id)

    def require(
        self, administration_id: str, act: str, *roles: Role, staff: Iterable[CallerKind] = ()
    ) -> None:
        """Lets the caller do `act` there: one of `roles`, or being one of the kinds of `staff`.

        NotFound when a member does not reach the administration, Forbidden when the role is missing, Suspended where
        AOC has closed the administration and the act is more than reading.
        """
        allowed = frozenset(staff)
        if self.caller.kind in allowed:
            return
        has: frozenset[Role] = frozenset()
        if self.caller.kind is CallerKind.MEMBER:
            if administration_id not in self.caller.roles:
                raise NotFound("administration", administration_id)
            has = self.caller.roles[administration_id]
        if not has & frozenset(roles):
            raise Forbidden(
                act, tuple(roles) + tuple(sorted(allowed)), tuple(sorted(has)) or (self.caller.kind,)
            )
        # what an auditor may do only reads: that stays, so that evidence can be had whatever was decided
        if Role.AUDITOR not in roles and (reason := self.caller.closed(administration_id)):
            raise Suspended(reason)

    def require_own(
        self, administration_id: str, act: str, *roles: Role, staff: Iterable[CallerKind] = ()
    ) -> None:
        """As `require`, but roles by mandate do not count: for what only the administration itself gives."""
        self.require(administration_id, act, *roles, staff=staff)
        if self.caller.kind is CallerKind.MEMBER and self.caller.administration_id != administration_id:
            raise Forbidden(
                act, tuple(f"{role} of the administration itself" for role in roles), ("a mandate",)
            )

    def require_staff(self, act: str, *kinds: CallerKind) -> None:
        """Lets only AOC's staff of one of `kinds` do `act`."""
        if self.caller.kind not in kinds:
            raise Forbidden(act, tuple(kinds), (self.caller.kind,))

    def _visible(self, model: type[Row]) -> ColumnElement[bool]:
        if not issubclass(model, Scoped):
            raise TypeError(f"{model.__name__} is not Scoped: it belongs to no administration")
        if self.caller.kind in model.readable_by & STAFF:
            return column(model, model.tenant_key).is_not(None)
        if self.caller.kind is not CallerKind.MEMBER:
            return false()
        return column(model, model.tenant_key).in_(sorted(self.administrations))


def across_administrations(model: type[Row], because: str) -> SelectOfScalar[Row]:
    """A SELECT over every administration's rows: for the service's own work, never for an answer to a caller.

    `because` says why no scope applies; it is for who reads the code.
    """
    assert because
    return select(model)


def column(model: type[SQLModel], name: str) -> ColumnElement[str]:
    """The mapped column `name` of `model`; TypeError when it has none."""
    if name not in model.model_fields:
        raise TypeError(f"{model.__name__} has no column {name!r}")
    return col(getattr(model, name))  # type: ignore[return-value]  # InstrumentedAttribute, typed Mapped[Any]
