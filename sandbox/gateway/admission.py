"""Admission of signed transactions: ruled one by one, and on disk in one commit before any hash is answered.

One admission per chain, under one lock, so that nonces are handed out in order. The next nonce of a sender is
max(nonce on the chain, last pending nonce + 1), read in this order: pending first, then the chain. A block
moves a transaction from the first to the second in one commit, so the reverse order could miss it in both.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sandbox.errors import RpcError
from sandbox.gateway import errors, rules
from sandbox.gateway.endpoints import Asker, Endpoint
from sandbox.gateway.explanation import Explanation
from sandbox.gateway.metering import Meter, Unmetered
from sandbox.gateway.transactions import SignedTransaction, decode
from sandbox.journal import Journal, Pending
from sandbox.permission_records import PermissionRecords
from sandbox.permissions import Act, Permissions, Ruling
from sandbox.refusal_records import Refusal, RefusalRecords
from sandbox.spec import ChainSpec

_log = logging.getLogger(__name__)

#: The method by which transactions come.
SEND = "eth_sendRawTransaction"


@dataclass(slots=True)
class Candidate:
    """One raw transaction on its way through the rules; at the end it has an `error` or is accepted."""

    transaction: SignedTransaction | None = None
    sender: bytes | None = None
    error: RpcError | None = None

    def outcome(self) -> str | RpcError:
        """The hash as JSON-RPC gives it, or the refusal."""
        if self.error is not None or self.transaction is None:
            return self.error or errors.internal_error()
        return f"0x{self.transaction.hash.hex()}"


class Admission:
    """The write side of a chain's gateway. `read` is a guarded node read; `now_ms` the clock.

    `on_accepted` gets the hashes of what is on disk now.
    """

    def __init__(
        self,
        spec: ChainSpec,
        journal: Journal,
        permissions: PermissionRecords,
        refusals: RefusalRecords,
        read: Callable[..., Any],
        now_ms: Callable[[], int],
        on_accepted: Callable[[list[bytes]], None],
        meter: Meter | None = None,
    ) -> None:
        self._meter: Meter = meter or Unmetered()
        self._spec, self._journal, self._read = spec, journal, read
        self._records, self._refusals = permissions, refusals
        self._now_ms, self._on_accepted = now_ms, on_accepted
        self._lock = threading.RLock()
        self._permissions: Permissions = permissions.current()
        # Only accepted transactions and drops change a sender's next nonce, so it is read once per sender.
        # Only senders with a permission come so far: it stays small.
        self._next: dict[bytes, int] = {}

    def reload_permissions(self) -> None:
        """After this returns, no transaction is accepted on the permissions of before."""
        with self._lock:
            self._permissions = self._records.current()

    def deployers(self) -> frozenset[bytes]:
        """Who may create contracts now, inside calls too."""
        return self._permissions.deployers(self._now_ms() / 1000)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nothing is accepted while the caller is inside. Who also holds the sealer holds that first."""
        with self._lock:
            yield

    def forget_nonces(self) -> None:
        """After a drop: nonces given out behind the dropped transaction are free again."""
        with self._lock:
            self._next.clear()

    def next_nonce(self, sender: bytes) -> int:
        with self._lock:
            found = self._next.get(sender)
            if found is None:
                found = self._next_on_disk(sender)
                if (
                    sender in self._permissions.of
                ):  # strangers are not remembered: anybody may ask for any address
                    self._next[sender] = found
            return found

    def admit(
        self,
        raws: Sequence[bytes],
        refusals: Sequence[Refusal],
        asker: Asker,
        also: Callable[[sqlite3.Connection], None] | None = None,
    ) -> list[str | RpcError]:
        """Rule on each; accept those that pass, in order, in one commit with all refusals of this body.

        `also` writes more in that commit, once anything was accepted.
        """
        candidates = [self._identify(raw) for raw in raws]
        with self._lock:
            nonces: dict[bytes, int] = {}
            accepted: dict[bytes, Pending] = {}
            for candidate in candidates:
                if candidate.error is None:
                    self._rule(candidate, nonces, accepted)
            refused = [
                self._refusal(candidate, candidate.error, asker)
                for candidate in candidates
                if candidate.error is not None
            ]
            gas = sum(c.transaction.gas for c in candidates if c.transaction is not None and c.error is None)
            try:
                with self._journal.together():
                    self._journal.accept(list(accepted.values()), also)
                    self._refusals.add([*refusals, *refused])
            except sqlite3.Error:
                _log.exception("the journal could not be written; nothing of this body is accepted")
                return [candidate.error or errors.internal_error() for candidate in candidates]
            finally:
                self._meter.settled(gas)
            self._next |= nonces
        if accepted:
            self._on_accepted(list(accepted))
        return [candidate.outcome() for candidate in candidates]

    def _identify(self, raw: bytes) -> Candidate:
        """The rules that need no state, before the lock: decoding and recovering is most of the work."""
        candidate = Candidate()
        try:
            candidate.transaction = decode(raw)
            candidate.sender = rules.sender_of(candidate.transaction, self._spec)
        except RpcError as error:
            candidate.error = error
        return candidate

    def _rule(self, candidate: Candidate, nonces: dict[bytes, int], accepted: dict[bytes, Pending]) -> None:
        transaction, sender = candidate.transaction, candidate.sender
        assert transaction is not None and sender is not None
        try:
            self._judge(transaction, sender, nonces, accepted)
            self._meter.admit(transaction.gas, len(transaction.raw))
        except RpcError as error:
            candidate.error = error
            return
        except Exception:  # whatever it is, it is not accepted, and what came with it has its answer
            _log.exception("a transaction could not be ruled on")
            candidate.error = errors.internal_error()
            return
        nonces[sender] = transaction.nonce + 1
        accepted[transaction.hash] = Pending(
            transaction.hash, transaction.raw, sender, transaction.nonce, self._now_ms()
        )

    def _judge(
        self,
        transaction: SignedTransaction,
        sender: bytes,
        nonces: dict[bytes, int],
        accepted: Mapping[bytes, Pending],
    ) -> Ruling:
        """Every rule that follows the signature, in order; the ruling that allows it, or the RpcError of the first broken.

        Whatever is to be accepted and whatever is only explained comes through here: they cannot disagree.
        """
        ruling = rules.permit(self._permissions, transaction.act(sender), self._now_ms() / 1000)
        rules.check_gas(transaction, self._spec)
        if sender not in nonces:
            nonces[sender] = self.next_nonce(sender)
        expected = nonces[sender]
        known = transaction.nonce < expected and self._known(transaction.hash, accepted)
        rules.check_nonce(transaction, expected, known=known)
        if transaction.upfront_cost():  # gas is free: hardly anything has a cost, and asking takes time
            balance = int(self._read("eth_getBalance", f"0x{sender.hex()}", "latest"), 16)
            rules.check_cost(transaction, balance)
        return ruling

    def explain(self, wanted: SignedTransaction | bytes, sender: bytes | None = None) -> Explanation:
        """What `admit` would do with this now, and by which rule; nothing is accepted or recorded.

        `wanted` is a raw transaction, or an unsigned one of `sender`, of which only what a signature does not
        change is judged. RpcError where the node cannot be asked.
        """
        signed = isinstance(wanted, bytes)
        act: Act | None = None
        try:
            transaction = decode(wanted) if isinstance(wanted, bytes) else wanted
            who = rules.sender_of(transaction, self._spec) if signed or sender is None else sender
            act = transaction.act(who)
            with self._lock:
                ruling = self._judge(transaction, who, {}, {})
                may_create = who in self.deployers()
        except RpcError as error:
            rule = error.data.get("rule") if isinstance(error.data, dict) else None
            if rule not in rules.ORDER:
                raise  # no rule's: the node did not answer
            return Explanation(signed, act, str(rule), error=error)
        return Explanation(signed, act, ruling.rule, permission=ruling.permission, may_create=may_create)

    def _next_on_disk(self, sender: bytes) -> int:
        pending = self._journal.last_pending_nonce(sender)  # before the chain: see the module's docstring
        mined = int(self._read("eth_getTransactionCount", f"0x{sender.hex()}", "latest"), 16)
        return mined if pending is None else max(mined, pending + 1)

    def _known(self, transaction_hash: bytes, accepted: Mapping[bytes, Pending]) -> bool:
        if transaction_hash in accepted or self._journal.pending_transaction(transaction_hash) is not None:
            return True
        return self._read("eth_getTransactionByHash", f"0x{transaction_hash.hex()}") is not None

    def refuse(self, waiting: Pending, reason: str) -> None:
        """Record that what was accepted is left out of every block: it creates inside a call, and its sender may not."""
        act = decode(waiting.raw).act(waiting.sender)
        refusal = Refusal(
            self._now_ms(), Endpoint.PLATFORM, errors.NOT_AUTHORIZED, "deployer-allowlist", act.sender, act.target,
            SEND, act.selector, str(act.value), None, reason,
        )  # fmt: skip
        self._refusals.add([refusal])

    def _refusal(self, candidate: Candidate, error: RpcError, asker: Asker) -> Refusal:
        transaction = candidate.transaction
        data = error.data if isinstance(error.data, dict) else {}  # a node's own error has any data, or none
        act = None if transaction is None else transaction.act(candidate.sender or b"")
        return Refusal(
            self._now_ms(),
            asker.endpoint,
            error.code,
            str(data.get("rule", "internal" if error.code == -32603 else "node"))[:40],
            candidate.sender,
            None if act is None else act.target,
            SEND,
            selector=None if act is None else act.selector,
            value=None if act is None else str(act.value),
            permission=permission if isinstance(permission := data.get("permission"), int) else None,
            detail=errors.detail_of(error),
            actor=asker.actor,
        )
