"""What the explorer shows. Hashes and addresses are 0x and hex, amounts of wei decimal texts, times seconds since 1970."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sandbox.abi import Decoded
from sandbox.account_records import AccountState


class TransactionState(StrEnum):
    WAITING = "waiting"  # accepted, and in no block yet
    SUCCEEDED = "succeeded"
    REVERTED = "reverted"


@dataclass(frozen=True, slots=True)
class Party:
    """An address as the platform knows it: a custodial account's label, or the template that lies there."""

    address: str
    label: str | None
    template: str | None


@dataclass(frozen=True, slots=True)
class BlockRow:
    number: int
    hash: str
    timestamp: int
    transactions: int
    gas_used: int


@dataclass(frozen=True, slots=True)
class Restore:
    """The chain went back to block `number`: blocks after it, up to `abandoned_to`, were others before `at_ms`."""

    branch: int
    at_ms: int
    snapshot: str
    number: int
    abandoned_to: int


@dataclass(frozen=True, slots=True)
class BlockPage:
    """The newest first; `next` is the highest number of the following page; `restores` are the newest ones."""

    items: tuple[BlockRow, ...]
    next: int | None
    restores: tuple[Restore, ...]


@dataclass(frozen=True, slots=True)
class TransactionRow:
    """`function` is the name of what is called, where the ABI is known."""

    hash: str
    index: int
    sender: Party
    to: Party | None
    function: str | None


@dataclass(frozen=True, slots=True)
class Block:
    """`items` are transactions from one index on; `next` is the index at which the following ones begin."""

    number: int
    hash: str
    parent_hash: str
    state_root: str
    timestamp: int
    gas_used: int
    gas_limit: int
    transactions: int
    newest: bool
    items: tuple[TransactionRow, ...]
    next: int | None


@dataclass(frozen=True, slots=True)
class Event:
    """`decoded` is None where no ABI explains it: then topics and data are all that is known."""

    index: int
    emitter: Party
    decoded: Decoded | None
    topics: tuple[str, ...]
    data: str


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction with what its transaction receipt says; block and gas used are None while it waits.

    `decoded` is None where no ABI explains the input. `events` are the first ones of `events_total`.
    """

    hash: str
    state: TransactionState
    block: int | None
    index: int | None
    sender: Party
    to: Party | None
    created: Party | None
    nonce: int
    value: str
    gas_limit: int
    gas_used: int | None
    type: int
    input: str
    decoded: Decoded | None
    events: tuple[Event, ...]
    events_total: int


@dataclass(frozen=True, slots=True)
class DeployedThere:
    """A deployment of the platform's."""

    template: str
    version: str
    address: str
    transaction_hash: str


@dataclass(frozen=True, slots=True)
class AddressView:
    """`state` is that of a custodial account's key; `deployment` is what lies here, `deployments` what it deployed."""

    address: str
    label: str | None
    state: AccountState | None
    nonce: int
    balance: str
    code_bytes: int
    deployment: DeployedThere | None
    deployments: tuple[DeployedThere, ...]
