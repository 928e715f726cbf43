"""What goes over the wire about administrations, members, staff, mandates and tokens."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PlainSerializer

from baas.administrations.model import AdministrationKind, TokenKind
from baas.tenancy import CallerKind, Role, RpcEndpoint
from baas.wire import In, Label, Moment, Out

Roles = Annotated[
    frozenset[Role],
    Field(description="`admin` manages people, `developer` uses chains, `auditor` reads the audit"),
    PlainSerializer(sorted, return_type=list[str], when_used="json"),
]
SomeRoles = Annotated[Roles, Field(min_length=1)]


class AdministrationIn(In):
    code: str = Field(description="INE10 (10 digits) or DIR3 (such as `L00000000`)", examples=["9999990001"])
    name: Label
    kind: AdministrationKind = AdministrationKind.OTHER


class AdministrationOut(Out):
    id: str
    code: str
    name: str
    kind: AdministrationKind
    created: Moment
    suspended: Moment | None = Field(
        None, description="since when its doors are closed; null when they are open"
    )
    suspended_because: str | None = None


class LimitsIn(In):
    """What is left out stays as it is; null goes back to the settings."""

    chains: int | None = Field(None, ge=0)
    requests_per_second: int | None = Field(None, ge=1)
    stored_bytes: int | None = Field(None, ge=0)
    gas_per_period: int | None = Field(None, ge=0, description="of the period that the settings say")


class LimitsOut(Out):
    chains: int
    requests_per_second: int
    stored_bytes: int
    gas_per_period: int
    used_stored_bytes: int
    used_gas: int = Field(description="in this period: what blocks used, and the limits of what waits")


class SuspensionIn(In):
    reason: Label


class MemberIn(In):
    label: Label
    roles: SomeRoles


class RolesIn(In):
    roles: SomeRoles


class MemberOut(Out):
    id: str
    administration_id: str
    label: str
    roles: Roles
    created: Moment
    ended: Moment | None


class StaffIn(In):
    label: Label
    kind: Literal[CallerKind.OPERATOR, CallerKind.EVALUATOR]


class StaffOut(Out):
    id: str
    label: str
    kind: CallerKind
    created: Moment
    ended: Moment | None


class MandateIn(In):
    provider: str = Field(description="code of the administration that will act for this one")
    roles: SomeRoles
    days: int = Field(365, ge=1, le=4 * 366, description="for how long, from now")


class MandateOut(Out):
    id: str
    administration_id: str
    provider_id: str
    roles: Roles
    since: Moment
    until: Moment
    revoked: Moment | None


class TokenIn(In):
    label: Label
    actor_id: str | None = Field(None, description="the member or staff that it stands for; you, unless said")
    days: int | None = Field(
        None, ge=1, le=365, description="how long it lasts; as the settings say, unless said"
    )


class TokenOut(Out):
    id: str
    kind: TokenKind
    administration_id: str | None
    member_id: str | None
    staff_id: str | None
    chain_id: str | None
    endpoint: RpcEndpoint | None = Field(description="which address of the chain an RPC token opens")
    label: str
    prefix: str = Field(description="the first characters after `baas_`, to tell tokens apart")
    created: Moment
    expires: Moment
    revoked: Moment | None
    last_used: Moment | None = Field(description="to the minute")


class NewTokenOut(TokenOut):
    """The only answer that ever shows a token's text: it is not kept."""

    token: str | None = Field(
        description="the token; null when the answer is repeated under an idempotency key"
    )


class ReachOut(Out):
    administration: AdministrationOut
    roles: Roles
    by_mandate: bool


class MeOut(Out):
    kind: CallerKind
    actor_id: str
    label: str
    token_id: str
    administrations: list[ReachOut]
