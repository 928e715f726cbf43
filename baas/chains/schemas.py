"""What goes over the wire about chains."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

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
