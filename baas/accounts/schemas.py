"""What goes over the wire about accounts and what they send."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, SecretStr, StringConstraints

from baas.chains.schemas import Address
from baas.wire import In, Out
from sandbox.account_records import AccountState
from sandbox.keystore import MAX_KEYSTORE
from sandbox.spec import TRANSACTION_GAS_CAP

AccountLabel = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$")]
Data = Annotated[str, StringConstraints(pattern=r"^0x(?:[0-9a-fA-F]{2})*$")]
Amount = Annotated[str, StringConstraints(pattern=r"^(?:[0-9]{1,78}|0x[0-9a-fA-F]{1,64})$")]


class KeyOut(Out):
    address: str
    state: AccountState
    created_ms: int
    retired_ms: int | None


class AccountOut(Out):
    label: str
    address: str


class AccountDetailOut(AccountOut):
    keys: list[KeyOut] = Field(description="every address that the label ever meant, the oldest first")
    rotating: bool = Field(description="a rotation was cut short: ask for it again, and it goes on")


class AccountsOut(Out):
    items: list[AccountDetailOut]


class ExportIn(In):
    password: SecretStr = Field(description="at least 12 characters; whoever has it and the file has the key")


class ExportOut(Out):
    label: str
    address: str
    keystore: str = Field(description="a keystore v3 (scrypt), as cast, geth and wallets read it")


class ImportIn(In):
    """Either `keystore` and `password`, or `private_key`."""

    label: AccountLabel
    keystore: Annotated[str, StringConstraints(max_length=MAX_KEYSTORE)] | None = Field(
        None, description="the text of a keystore v3"
    )
    password: SecretStr | None = None
    private_key: SecretStr | None = Field(None, description="32 bytes in hex")


class RotationOut(Out):
    label: str
    old: str
    new: str
    contracts: int = Field(description="deployments on this chain that were looked at for roles")


class CallIn(In):
    function: Annotated[str, StringConstraints(max_length=200)] = Field(examples=["notarise"])
    arguments: list[Any] = Field(
        default_factory=list,
        max_length=100,
        description="in the ABI's order: bytes and addresses as 0x and hex, integers as numbers or decimal texts",
    )


class TransactionIn(In):
    """A transaction of a custodial account. Without `to` it creates a contract."""

    account: AccountLabel
    to: Address | None = None
    data: Data | None = None
    call: CallIn | None = Field(
        None, description="instead of `data`: a function of the template deployed at `to`"
    )
    value: Amount = Field("0", description="in wei")
    gas: int | None = Field(None, ge=21_000, le=TRANSACTION_GAS_CAP)


class TransactionOut(Out):
    hash: str = Field(description="on disk: it is mined or dropped, and never lost")
    sender: str
    nonce: int
