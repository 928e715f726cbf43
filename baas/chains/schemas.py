"""What goes over the wire about chains."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from baas.tenancy import RpcEndpoint
from baas.wire import In, Label, Moment, Out
from sandbox.lifecycle import ChainState, DesiredState

Address = Annotated[
    str, StringConstraints(pattern=r"^0x[0-9a-fA-F]{40}$"), Field(examples=["0x" + "00" * 19 + "01"])
]


class ChainIn(In):
    administration: str = Field(description="the owner's INE10 or DIR3 code")
    label: Label
    engine: str = "embedded"
    endpoint: str = Field(
        "", max_length=64, description="for the engine remote: the name that the operator gave to the address"
    )
    faucet: bool = Field(
        True, description="whether the chain has an account that can give test ether, which is worth nothing"
    )


class ParentOut(Out):
    chain_id: int
    number: int
    hash: str


class HeadOut(Out):
    number: int
    hash: str
    timestamp: int = Field(description="block time, seconds since 1970")


class ChainWarning(StrEnum):
    """What an administration should know of its chain now."""

    EXPIRES_WITHIN_7_DAYS = "expires_within_7_days"
    EXPIRES_WITHIN_1_DAY = "expires_within_1_day"
    EXPIRED = "expired"
    FAILED = "failed"


class ChainOut(Out):
    id: str
    administration_id: str
    label: str
    chain_id: int = Field(description="the EVM's chain id, never used twice")
    engine: str
    genesis_hash: str
    sealing_key: str = Field(description="public key of the sealer's notes, as a C2SP verifier key")
    desired: DesiredState
    observed: ChainState
    head: HeadOut | None = Field(description="the newest block; null when no process runs")
    rpc: str = Field(description="the JSON-RPC address below this service; send the token as Bearer or Basic")
    rpc_admin: str = Field(description="the administrator's JSON-RPC address, for admins and developers")
    parent: ParentOut | None = Field(
        None, description="of a clone: the block that it begins with the state of"
    )
    created: Moment
    expires: Moment = Field(
        description="by the clock on the wall: then it is stopped, and only its evidence is left"
    )
    seconds_left: int = Field(description="until then; 0 when it has expired")
    deletion: Moment = Field(description="when its data is deleted, unless an admin extends it")
    sleeps_at: Moment | None = Field(
        description="when it goes to sleep if nobody uses it; its next request wakes it. Null when it is not awake"
    )
    warnings: list[ChainWarning]


class FailureOut(Out):
    chain: str
    reason: str = Field(description="with what its engine last printed")


class FleetOut(Out):
    awake: int
    bound: int = Field(description="how many may be awake, by the settings and the limit of open files")
    observed: dict[str, int]
    failures: list[FailureOut]


class ExtensionIn(In):
    days: int = Field(ge=1, description="its new end, in days from now")


class FaucetIn(In):
    address: Address
    amount: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}(\.[0-9]{1,18})?$")] = Field(
        description="ether as a decimal number, at most 1000 at once", examples=["1.5"]
    )


class FaucetOut(Out):
    transaction: str = Field(description="the hash of the transfer, which is in a block")
    address: str
    amount: str
    note: str = Field(description="that it is worth nothing")


class AccountIn(In):
    label: Annotated[str, StringConstraints(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$")]


class RpcTokenIn(In):
    label: Label = "rpc"
    days: int | None = Field(None, ge=1, le=365)
    endpoint: RpcEndpoint = Field(
        RpcEndpoint.PUBLIC,
        description="`public`: the chain's address; `admin`: the administrator's, with methods that change "
        "the chain's clock, permissions and history; only for admins and developers",
    )


class RpcTokenOut(Out):
    id: str
    endpoint: RpcEndpoint
    token: str | None = Field(description="shown this once")
    url: str | None = Field(
        description="for wallets, which cannot send headers: treat it as the token itself"
    )
    expires: Moment


SnapshotName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$"),
    Field(examples=["before-the-trial"]),
]


class SnapshotIn(In):
    name: SnapshotName


class SnapshotOut(Out):
    name: str | None
    number: int = Field(description="the newest block when it was taken")
    hash: str
    timestamp: int = Field(description="that block's time, seconds since 1970")
    offset_ms: int = Field(description="how far the chain's clock was from real time")
    branch: int = Field(description="how often the chain had been restored before")
    at_ms: int = Field(description="real time, milliseconds since 1970")
    author: str
    state_digest: str | None = Field(description="SHA-256 of the canonical state, hexadecimal")


class SnapshotsOut(Out):
    items: list[SnapshotOut]


class SnapshotCheckOut(Out):
    name: str | None
    holds: bool | None = Field(description="null where the state is not at hand to be compared")
    on_chain: bool = Field(description="whether its block is still the chain's")
    state_digest: str | None = Field(description="computed again; null where the state is not at hand")


class BranchOut(Out):
    branch: int
    at_ms: int
    actor: str
    snapshot: str
    number: int = Field(description="the block that the chain went back to")
    hash: str
    abandoned_to: int = Field(description="the newest of the blocks that it left behind")
    abandoned_hash: str


class BranchesOut(Out):
    items: list[BranchOut]


class CloneIn(In):
    label: Label
    snapshot: SnapshotName | None = Field(None, description="absent: the state as it is now")


class ChainExportIn(In):
    password: Annotated[str, StringConstraints(min_length=12, max_length=1024)] | None = Field(
        None, description="the accounts' keys go along, each a keystore under it; absent: no key leaves"
    )


class ClockIn(In):
    seconds: int = Field(
        description="by how much the chain's clock is moved, forward or back; every later receipt states it",
        ge=-(2**38),
        le=2**38,
    )


class ClockOut(Out):
    acts: int = Field(description="how often it was moved")
    offset_ms: int = Field(description="how far it is ahead of real time")


class OperationOut(Out):
    id: int
    at_ms: int
    actor: str
    act: str
    detail: dict[str, Any]


class OperationsOut(Out):
    items: list[OperationOut]
