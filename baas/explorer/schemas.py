"""What goes over the wire about what is on a chain: the explorer's views, as they are."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from baas.explorer.views import TransactionState
from baas.wire import Out
from sandbox.account_records import AccountState


class PartyOut(Out):
    address: str
    label: str | None = Field(description="of a custodial account of this chain, also of one that is retired")
    template: str | None = Field(description="of the template that was deployed at this address")


class BlockRowOut(Out):
    number: int
    hash: str
    timestamp: int = Field(description="block time, seconds since 1970")
    transactions: int = Field(description="how many it has")
    gas_used: int


class RestoreOut(Out):
    branch: int
    at_ms: int = Field(description="real time, milliseconds since 1970")
    snapshot: str
    number: int = Field(description="the block that became the newest again")
    abandoned_to: int = Field(
        description="the blocks after it, up to this number, are no part of the chain any more"
    )


class BlocksOut(Out):
    items: list[BlockRowOut]
    next: int | None = Field(
        description="send it as `highest` for the older ones; null when these are the last"
    )
    restores: list[RestoreOut] = Field(description="the newest ten, the newest first")


class TransactionRowOut(Out):
    hash: str
    index: int
    sender: PartyOut
    to: PartyOut | None
    function: str | None = Field(
        description="what is called, where a deployed template's ABI tells; else null"
    )


class BlockOut(Out):
    number: int
    hash: str
    parent_hash: str
    state_root: str
    timestamp: int
    gas_used: int
    gas_limit: int
    transactions: int
    newest: bool
    items: list[TransactionRowOut]
    next: int | None = Field(
        description="send it as `start` for the following transactions; null when there are none"
    )


class ValueOut(Out):
    name: str
    type: str
    value: Any = Field(
        description="integers as decimal texts, bytes as 0x and hex, structs by their members' names"
    )


class DecodedOut(Out):
    name: str
    signature: str
    values: list[ValueOut]


class EventOut(Out):
    index: int
    emitter: PartyOut
    decoded: DecodedOut | None = Field(description="null where no deployed template's ABI explains it")
    topics: list[str]
    data: str


class ExploredTransactionOut(Out):
    hash: str
    state: TransactionState
    block: int | None
    index: int | None
    sender: PartyOut
    to: PartyOut | None
    created: PartyOut | None
    nonce: int
    value: str = Field(description="in wei")
    gas_limit: int
    gas_used: int | None
    type: int
    input: str
    decoded: DecodedOut | None = Field(description="null where no deployed template's ABI explains the input")
    events: list[EventOut] = Field(description="the first 100")
    events_total: int


class DeployedThereOut(Out):
    template: str
    version: str
    address: str
    transaction_hash: str


class AddressOut(Out):
    address: str
    label: str | None
    state: AccountState | None = Field(description="of a custodial account's key")
    nonce: int
    balance: str = Field(description="in wei")
    code_bytes: int = Field(description="0 where no contract is")
    deployment: DeployedThereOut | None = Field(description="the platform's deployment at this address")
    deployments: list[DeployedThereOut] = Field(
        description="of the chain's newest 50 deployments, those that this account sent"
    )
