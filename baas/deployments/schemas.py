"""What goes over the wire about templates and deployments."""

from __future__ import annotations

from pydantic import Field

from baas.wire import In, Moment, Out


class ParameterOut(Out):
    name: str
    type: str
    required: bool
    default: str | None
    text: dict[str, str]


class RoleOut(Out):
    name: str
    granted_to: list[str]
    text: dict[str, str]


class ActionOut(Out):
    function: str
    role: str | None
    text: dict[str, str]


class TemplateOut(Out):
    slug: str
    version: str
    contract: str
    title: dict[str, str]
    summary: dict[str, str]
    privacy_note: dict[str, str]
    parameters: list[ParameterOut]
    roles: list[RoleOut]
    actions: list[ActionOut]


class TemplatesOut(Out):
    items: list[TemplateOut]


class DeploymentIn(In):
    template: str = Field(examples=["document-notary"])
    parameters: dict[str, str] = Field(
        default_factory=dict, description="constructor arguments by name, as text"
    )


class DeploymentOut(Out):
    id: str
    administration_id: str
    chain: str
    template: str
    version: str
    address: str
    transaction_hash: str
    block_number: int
    artifact: str = Field(description="SHA-256 of the artifact whose runtime code was found at the address")
    code_hash: str
    created: Moment


class MirrorOut(Out):
    deployment: str
    address: str
    revision: int = Field(
        description="the state of the permissions that the contract shows: their last change"
    )
    transactions: list[str] = Field(description="what was sent for it; none where it showed that already")
