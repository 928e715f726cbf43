"""The tables of administrations, their members, AOC's staff, mandates and tokens."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

from baas.store.types import Slug, Slugs
from baas.tenancy import CallerKind, Role, RpcEndpoint, Scoped, TenantRow

_OPERATOR = frozenset({CallerKind.OPERATOR})


class AdministrationKind(StrEnum):
    """What kind of body it is."""

    GENERALITAT = "generalitat"
    AJUNTAMENT = "ajuntament"
    CONSELL_COMARCAL = "consell_comarcal"
    DIPUTACIO = "diputacio"
    CONSORCI = "consorci"
    UNIVERSITAT = "universitat"
    OTHER = "other"


class TokenKind(StrEnum):
    """What a token opens: the API and its actor's chains, or one chain's RPC and nothing else."""

    API = "api"
    RPC = "rpc"


class Administration(Scoped, table=True):
    """A public body, the tenant. Staff may read every one: they administer and evaluate them."""

    __tablename__ = "administrations"
    tenant_key: ClassVar[str] = "id"
    readable_by: ClassVar[frozenset[CallerKind]] = frozenset({CallerKind.OPERATOR, CallerKind.EVALUATOR})

    id: str = Field(primary_key=True)
    code: str = Field(unique=True)
    name: str
    kind: AdministrationKind = Field(sa_type=Slug(AdministrationKind))
    created: datetime
    suspended: datetime | None = None
    suspended_because: str | None = None


class AdministrationLimits(Scoped, table=True):
    """What one administration may have instead of what the settings say; a column that is None says nothing."""

    __tablename__ = "administration_limits"
    readable_by: ClassVar[frozenset[CallerKind]] = _OPERATOR

    administration_id: str = Field(primary_key=True, foreign_key="administrations.id")
    chains: int | None = None
    requests_per_second: int | None = None
    stored_bytes: int | None = None
    gas_per_period: int | None = None


class SpentGas(Scoped, table=True):
    """Gas that was used on a deleted chain, by the hour: deleting one gives its administration none of it back."""

    __tablename__ = "spent_gas"

    # no foreign key: chains are a floor above
    chain: str = Field(primary_key=True)
    hour: int = Field(primary_key=True)
    administration_id: str = Field(foreign_key="administrations.id", index=True)
    gas: int


class Member(TenantRow, table=True):
    """A person of an administration; `label` is what colleagues call them: it needs no personal data."""

    __tablename__ = "members"
    readable_by: ClassVar[frozenset[CallerKind]] = _OPERATOR

    id: str = Field(primary_key=True)
    label: str
    roles: frozenset[Role] = Field(sa_type=Slugs(Role))
    created: datetime
    ended: datetime | None = None


class Staff(SQLModel, table=True):
    """A person of AOC: operator or evaluator."""

    __tablename__ = "staff"

    id: str = Field(primary_key=True)
    label: str
    kind: CallerKind = Field(sa_type=Slug(CallerKind))
    created: datetime
    ended: datetime | None = None


class Mandate(TenantRow, table=True):
    """An administration lets another, the provider, act for it, from `since` to before `until`."""

    __tablename__ = "mandates"
    readable_by: ClassVar[frozenset[CallerKind]] = _OPERATOR

    id: str = Field(primary_key=True)
    provider_id: str = Field(foreign_key="administrations.id", index=True)
    roles: frozenset[Role] = Field(sa_type=Slugs(Role))
    since: datetime
    until: datetime
    revoked: datetime | None = None


class Token(Scoped, table=True):
    """A token, without its text: `hash` is SHA-256 of it, `prefix` the eight characters after `baas_`.

    The administration is that of the member, or of the chain for an RPC token; None for staff.
    """

    __tablename__ = "tokens"
    __table_args__ = (CheckConstraint("(member_id IS NULL) <> (staff_id IS NULL)", name="one_actor"),)
    readable_by: ClassVar[frozenset[CallerKind]] = _OPERATOR

    id: str = Field(primary_key=True)
    administration_id: str | None = Field(default=None, foreign_key="administrations.id", index=True)
    member_id: str | None = Field(default=None, foreign_key="members.id", index=True)
    staff_id: str | None = Field(default=None, foreign_key="staff.id", index=True)
    kind: TokenKind = Field(sa_type=Slug(TokenKind))
    # no foreign key: chains are a floor above
    chain_id: str | None = None
    # of an RPC token only
    endpoint: RpcEndpoint | None = Field(default=None, sa_type=Slug(RpcEndpoint))
    label: str
    prefix: str = Field(index=True)
    hash: bytes
    created: datetime
    expires: datetime
    revoked: datetime | None = None
    last_used: datetime | None = None
