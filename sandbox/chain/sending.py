"""Sending on a chain: signing with its accounts, handing in, waiting, and a new key for an account."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from hashlib import sha256
from typing import Any

from sandbox.account_records import AccountRecord
from sandbox.accounts import Account, sign
from sandbox.chain.parts import hex_bytes
from sandbox.chain.permitting import Permitting
from sandbox.errors import (
    ChainError,
    RpcError,
    TransactionDropped,
)
from sandbox.evidence.keccak import keccak
from sandbox.faucet import LABEL as FAUCET
from sandbox.gateway import Asker, Endpoint
from sandbox.rotation import ROLE_GAS, Contract, Rotation, Rotator
from sandbox.sealing import Sealer
from sandbox.spec import TRANSACTION_GAS_CAP

#: Seconds that the answer to a body's only transaction waits for its block, at most: more than one of honest chain time.
LINGER_SECONDS = 1.5


class Sending(Permitting):
    """Transactions of the custodial accounts."""

    def prepare(
        self,
        account_label: str,
        *,
        to: str | bytes | None,
        data: str | bytes = b"",
        value: int = 0,
        gas: int | None = None,
    ) -> bytes:
        """A transaction signed with the account's next nonce, to be stored and then submitted.

        The nonce is not reserved: hold `signing` of the account from before this until it is submitted. Gas is
        free, so that the default is all that one transaction may use.
        """
        return self._sign(
            self.accounts.unlocked(account_label),
            to=None if to is None else hex_bytes(to, 20, "an address"),
            data=hex_bytes(data, None, "data"),
            value=value,
            gas=gas,
        )

    def submit(self, raw: bytes) -> str:
        """Accept a signed transaction; its hash. One that waits or is mined already gives its hash again."""
        return self._submit(raw)

    def send(
        self,
        account_label: str,
        *,
        to: str | bytes | None,
        data: str | bytes = b"",
        value: int = 0,
        gas: int | None = None,
        key: str | None = None,
    ) -> str:
        """Sign and submit in one, one at a time for each account; the hash, once it is on disk.

        The same `key` again gives the hash of before and sends nothing, also after a crash; ChainError when it
        was used for another transaction.
        """
        with self.signing(account_label):
            if key is None:
                return self._submit(self.prepare(account_label, to=to, data=data, value=value, gas=gas))
            asked = repr(
                (
                    account_label,
                    to and hex_bytes(to, 20, "an address"),
                    hex_bytes(data, None, "data"),
                    value,
                    gas,
                )
            )
            request = sha256(asked.encode()).digest()
            if before := self._sends.find(key, request):
                return f"0x{before.hex()}"
            raw = self.prepare(account_label, to=to, data=data, value=value, gas=gas)
            return self._submit(
                raw, lambda db: self._sends.add(db, key, request, keccak(raw), self._now_ms())
            )

    def signing(self, account_label: str) -> AbstractContextManager[None]:
        """Held from `prepare` to `submit`, so that the account's nonces stay in order; others do not wait for it."""
        return self.accounts.signing(account_label)

    def rotate(self, account_label: str, contracts: Sequence[Contract] = ()) -> Rotation:
        """A new key for the label, with the permissions and the roles in these contracts that the old one has.

        The same again goes on with what a crash cut short. RotationRefused before anything is changed.
        """
        rotator = Rotator(
            self.accounts,
            self._account_records,
            self._rotations,
            read=self.read,
            send=self._send_as,
            refused=self._why_refused,
            wait=self.wait,
            copy_permissions=self._copy_permissions,
            drop_permissions=self._drop_permissions,
            now_ms=self._now_ms,
        )
        return rotator.rotate(account_label, contracts)

    def rotating(self, account_label: str) -> Rotation | None:
        """The rotation of this label that a crash, or a refusal by a contract, left unfinished."""
        return self._rotations.unfinished(account_label)

    def give(self, address: str | bytes, wei: int) -> str:
        """Test ether from the faucet, by an ordinary transfer; its hash. AccountError on a chain that has none."""
        return self.send(FAUCET, to=address, value=wei)

    def wait(self, transaction_hash: str, timeout: float = 30.0) -> dict[str, Any]:
        """The transaction receipt, once it is mined and its block has the sealer's note.

        TransactionDropped with the reason; ChainError after `timeout` seconds.
        """
        key = hex_bytes(transaction_hash, 32, "a transaction hash")
        deadline = time.monotonic() + timeout
        while True:
            seen = self._sealer.changes
            if reason := self._journal.dropped_reason(key):
                raise TransactionDropped(transaction_hash, reason)
            waits = self._journal.pending_transaction(key) is not None
            mined: dict[str, Any] | None = (
                None if waits else self.read("eth_getTransactionReceipt", transaction_hash)
            )
            if mined is not None and self._is_settled(int(mined["blockNumber"], 16)):
                return mined
            if mined is None and not waits:
                self._require_not_abandoned(key)
            left = deadline - time.monotonic()
            if left <= 0:
                state = "still waits" if waits else "is not known to this chain"
                raise ChainError(
                    f"transaction {transaction_hash} was not mined within {timeout:g} s: it {state}"
                )
            self._sealer.wait_for_change(seen, left)

    def hurry(self) -> None:
        """Seal what waits without collecting more. Returns at once; `wait` waits."""
        self._sealer.hurry()

    def seconds_until_next_block(self, spare: int = 2) -> float:
        """How long the next block, and `spare` more, would have to wait for the clock; 0 on a chain made elsewhere.

        Whoever sends again and again does better to wait first: what comes meanwhile can go with it.
        """
        return self._sealer.seconds_until_next(spare) if isinstance(self._sealer, Sealer) else 0.0

    def waiting(self) -> int:
        """How many accepted transactions are in no block yet."""
        return self._journal.pending_count()

    def settle(self, timeout: float = 30.0) -> None:
        """Return when nothing waits to be sealed. ChainError after `timeout` seconds."""
        if not self._sealer.settle(timeout):
            raise ChainError(f"{self._journal.pending_count()} transactions still wait after {timeout:g} s")

    def _is_settled(self, number: int) -> bool:
        return not self.seals or self._journal.note(number) is not None

    def _linger(self, transaction_hash: bytes) -> None:
        """Give the block of a body's only transaction a moment, where its sender has nothing else waiting.

        ethers' `wait()` looks for the receipt once, and then only when another block comes. Our blocks come with
        transactions alone: the receipt has to be there when it looks.
        """
        deadline = time.monotonic() + LINGER_SECONDS
        while self.seals and (left := deadline - time.monotonic()) > 0:
            seen = self._sealer.changes
            waiting = self._journal.pending_transaction(transaction_hash)
            if waiting is None or self._journal.has_others_waiting(waiting):
                return
            self._sealer.wait_for_change(seen, left)

    def _sign(self, account: Account, *, to: bytes | None, data: bytes, value: int, gas: int | None) -> bytes:
        return sign(
            account,
            chain_id=self.spec.chain_id,
            nonce=self._gateway.admission.next_nonce(account.address),
            gas=TRANSACTION_GAS_CAP if gas is None else gas,
            to=to,
            value=value,
            data=data,
        )

    def _submit(self, raw: bytes, also: Callable[[sqlite3.Connection], None] | None = None) -> str:
        transaction_hash = f"0x{keccak(raw).hex()}"
        (outcome,) = self._gateway.admission.admit([raw], (), Asker(Endpoint.PLATFORM), also)
        # Known by its hash, whatever the rules say of its sender by now: it is accepted, and was answered so.
        if isinstance(outcome, RpcError) and self.read("eth_getTransactionByHash", transaction_hash) is None:
            raise outcome
        return transaction_hash

    def _send_as(self, record: AccountRecord, to: bytes, data: bytes, value: int) -> str:
        """One act by an account of a rotation, whose `signing` is held."""
        account = self.accounts.unlocked(record.label, record.state)
        return self._submit(self._sign(account, to=to, data=data, value=value, gas=ROLE_GAS))

    def _why_refused(self, sender: bytes, to: bytes, data: bytes, value: int) -> str:
        wanted = {"from": sender, "to": to, "data": data}
        told = self.explain(
            {name: f"0x{each.hex()}" for name, each in wanted.items()} | {"value": hex(value)}
        )
        return "" if told["allowed"] else f"rule {told['rule']}"
