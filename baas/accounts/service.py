"""An administration's technical accounts on a chain: seen, brought in, handed out, given a new key, and sent with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from baas.audit import Audit
from baas.chains.model import Chain
from baas.chains.service import Chains
from baas.deployments.contracts import Contracts
from baas.errors import Invalid
from baas.store import Store
from baas.tenancy import Role, TenantScope
from sandbox import chain as runtime
from sandbox.abi import encode_json_call
from sandbox.account_records import AccountRecord
from sandbox.errors import AccountError, RotationRefused, TransactionDropped
from sandbox.keystore import import_keystore
from sandbox.rotation import Contract, Rotation


@dataclass(frozen=True, slots=True)
class Seen:
    """An account as people see it: `history` has every key that the label ever had, and no key in it."""

    label: str
    address: str
    history: tuple[AccountRecord, ...]
    rotating: bool


@dataclass(frozen=True, slots=True)
class Sent:
    hash: str
    sender: str
    nonce: int


class Accounts:
    """The slice's service. Its methods open their own sessions, as those of `Chains` do."""

    def __init__(self, store: Store, audit: Audit, chains: Chains, contracts: Contracts) -> None:
        self._store, self._audit, self._chains, self._contracts = store, audit, chains, contracts

    def listing(self, scope: TenantScope, chain: str) -> list[Seen]:
        """The chain's accounts, for any role of its administration."""
        _, awake = self._chains.use(scope, chain)
        return [
            Seen(label, address, awake.accounts.history(label), awake.rotating(label) is not None)
            for label, address in awake.accounts.list().items()
        ]

    def bring_in(
        self,
        scope: TenantScope,
        chain: str,
        label: str,
        *,
        private_key: str | None = None,
        keystore: str | None = None,
        password: str | None = None,
    ) -> str:
        """An account with a key from elsewhere; its address. Invalid, or AccountError, when it cannot be read."""
        row, awake = self._chains.administer(scope, chain, "bringing an account in")
        if (private_key is None) == (keystore is None) or (keystore is None) != (password is None):
            raise Invalid("", "a keystore and its password, or a private key", "something else")
        if keystore is not None:
            key = import_keystore(keystore, password or "")
        else:
            try:
                key = bytes.fromhex((private_key or "").strip().removeprefix("0x"))
            except ValueError:
                raise AccountError(
                    "this is no private key: expected 64 hex digits, with or without 0x"
                ) from None
        address = awake.accounts.bring_in(label, key)
        self._record(scope, "account.import", row, {"label": label, "address": address})
        return address

    def hand_out(self, scope: TenantScope, chain: str, label: str, password: str) -> tuple[str, str]:
        """Address and key of an account, the key as a keystore v3 under `password`. For admins; the audit has it first."""
        row, awake = self._chains.administer(scope, chain, "handing out an account's key", Role.ADMIN)
        keystore = awake.accounts.hand_out(label, password)
        address = awake.accounts.address(label)
        self._record(scope, "account.export", row, {"label": label, "address": address})
        return address, keystore

    def rotate(self, scope: TenantScope, chain: str, label: str) -> tuple[Rotation, int]:
        """A new key for the label, with the permissions and the roles in deployed templates; and how many were looked at.

        For admins. RotationRefused, before anything is changed, names each contract that stands in the way.
        """
        row, awake = self._chains.administer(scope, chain, "giving an account a new key", Role.ADMIN)
        with awake.signing(label):  # from here on this account deploys nothing that would be missed below
            deployed = self._contracts.on(scope, row.id)
            unknown = {
                each.deployment.address: f"this version does not ship the code of {each.deployment.template} "
                f"{each.deployment.version}, so its roles cannot be read"
                for each in deployed
                if each.artifact is None
            }
            if unknown:
                raise RotationRefused(label, unknown)
            contracts = [Contract(each.address, each.artifact) for each in deployed if each.artifact]
            rotation = awake.rotate(label, contracts)
        detail = {"label": label, "old": f"0x{rotation.old.hex()}", "new": f"0x{rotation.new.hex()}"}
        self._record(scope, "account.rotate", row, detail)
        return rotation, len(contracts)

    def send(
        self,
        scope: TenantScope,
        chain: str,
        account: str,
        *,
        to: str | None = None,
        data: str | None = None,
        call: tuple[str, Sequence[Any]] | None = None,
        value: int = 0,
        gas: int | None = None,
        key: str | None = None,
    ) -> Sent:
        """A transaction signed with a custodial account; it is on disk when this returns.

        Under the same `key` the same transaction is sent once, also across a crash.
        """
        row, awake = self._chains.administer(scope, chain, "sending a transaction")
        payload = self._payload(scope, row, to, data, call)
        transaction_hash = awake.send(account, to=to, data=payload, value=value, gas=gas, key=key)
        sent = _sent(awake, transaction_hash)
        detail = {"account": account, "to": to, "transaction": transaction_hash}
        self._record(scope, "transaction.send", row, detail)
        return sent

    def _payload(
        self,
        scope: TenantScope,
        row: Chain,
        to: str | None,
        data: str | None,
        call: tuple[str, Sequence[Any]] | None,
    ) -> bytes:
        if call is None:
            if to is None and not data:
                raise Invalid("/data", "the code that creates a contract, or an address in `to`", "neither")
            return bytes.fromhex((data or "0x").removeprefix("0x"))
        if data is not None:
            raise Invalid("/call", "either `data` or `call`", "both")
        found = self._contracts.at(scope, row.id, [to] if to else []).get((to or "").lower())
        if found is None or found.artifact is None:
            raise Invalid("/to", "the address of a template's deployment on this chain", str(to))
        try:
            return encode_json_call(found.artifact, *call)
        except ValueError as error:
            raise Invalid(
                "/call", f"a function of {found.artifact.name} with its arguments", str(error)
            ) from error

    def _record(self, scope: TenantScope, action: str, row: Chain, detail: Mapping[str, object]) -> None:
        with self._store.session() as session:
            self._audit.record(
                session, scope.caller, action, "chain", row.id, row.administration_id, dict(detail)
            )


def _sent(awake: runtime.Chain, transaction_hash: str) -> Sent:
    found = awake.read("eth_getTransactionByHash", transaction_hash)
    if found is None:
        raise TransactionDropped(transaction_hash, "ask for its receipt to see the reason")
    return Sent(transaction_hash, found["from"], int(found["nonce"], 16))
