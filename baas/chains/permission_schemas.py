"""What goes over the wire about permissions, requests for access, explanations and refusals."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints

from baas.chains.schemas import Address
from baas.wire import In, Out
from sandbox.access_records import MOST_TEXT, RequestState
from sandbox.permissions import MOST_SECONDS, ActKind, Role

Wei = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{1,78}$"),
    Field(description="wei as decimal text, which a number in JSON could not hold", examples=["1000"]),
]
Selector = Annotated[
    str,
    StringConstraints(min_length=1, max_length=500),
    Field(
        description="0x and 8 hex digits, or the function's signature, such as notarise(bytes32)",
        examples=["notarise(bytes32)"],
    ),
]
Seconds = Annotated[int, Field(ge=1, le=MOST_SECONDS, description="real time, seconds since 1970")]
Text = Annotated[str, StringConstraints(max_length=MOST_TEXT, strip_whitespace=True)]


class NarrowingIn(In):
    """What a permission is narrowed by; what is absent narrows nothing."""

    target: Address | None = None
    selector: Selector | None = None
    max_value: Wei | None = None
    expires: Seconds | None = None


class PermissionIn(NarrowingIn):
    address: Address
    act: ActKind
    role: Role = Role.ENABLED


class PermissionOut(Out):
    id: int
    address: str
    act: ActKind
    role: Role
    target: str | None
    selector: str | None
    max_value: str | None
    expires: int | None


class WithdrawnOut(Out):
    items: list[PermissionOut]


class PermissionChangeOut(Out):
    id: int
    at_ms: int
    actor: str
    action: str
    permission: int | None
    before: PermissionOut | None
    after: PermissionOut | None


class AccessRequestIn(NarrowingIn):
    address: Address
    act: ActKind = ActKind.SEND
    message: Text = ""


class AcceptIn(NarrowingIn):
    """What is given instead of what was asked for: only less."""

    reason: Text = ""


class RejectIn(In):
    reason: Annotated[str, StringConstraints(min_length=1, max_length=MOST_TEXT, strip_whitespace=True)]


class AccessRequestOut(Out):
    id: int
    at_ms: int
    actor: str
    message: str
    address: str
    act: ActKind
    target: str | None
    selector: str | None
    max_value: str | None
    expires: int | None
    state: RequestState
    decided_ms: int | None
    decided_by: str | None
    reason: str | None
    permission: int | None = Field(description="the permission that was given")


class ExplainIn(In):
    """A signed transaction in `raw`, or what a transaction would say: then `from` is needed."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    raw: Annotated[str, StringConstraints(pattern=r"^0x[0-9a-fA-F]*$")] | None = None
    sender: Address | None = Field(None, alias="from")
    to: Address | None = None
    data: Annotated[str, StringConstraints(pattern=r"^0x[0-9a-fA-F]*$")] | None = None
    value: Wei | None = None
    gas: Wei | None = None
    nonce: Wei | None = None


class CheckOut(Out):
    rule: str
    outcome: str = Field(description="passed, failed or not reached")


class ExplanationOut(Out):
    allowed: bool
    rule: str = Field(description="the rule that allows it, or the first that is broken")
    code: int | None
    message: str | None
    subject: str | None
    target: str | None
    selector: str | None
    value: str | None
    permission: int | None = Field(description="the permission that allows it, or comes nearest")
    how_to_ask: str | None
    may_create: bool = Field(description="whether a call of this sender may create contracts inside it")
    checks: list[CheckOut]


class RefusalOut(Out):
    id: int
    at_ms: int
    endpoint: str
    code: int
    rule: str
    method: str
    sender: str | None
    target: str | None
    selector: str | None
    value: str | None
    permission: int | None
    detail: str
    actor: str


class RefusalsOfRuleOut(Out):
    rule: str
    sender: str | None
    number: int
    first_ms: int
    last_ms: int


class RefusalsOfDayOut(Out):
    day: str
    rule: str
    endpoint: str
    number: int


class RefusalSummaryOut(Out):
    by_rule_and_sender: list[RefusalsOfRuleOut] = Field(
        description="of the refusals kept whole, the most first"
    )
    by_day: list[RefusalsOfDayOut] = Field(description="of all refusals ever, the newest day (UTC) first")
