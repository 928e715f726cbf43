"""Reading a chain: its JSON-RPC, its subscriptions, what its blocks used, and the evidence of what is on it."""

from __future__ import annotations

import logging
from typing import Any

from sandbox.chain.parts import Parts, hex_bytes
from sandbox.engines import SealingNode
from sandbox.errors import (
    ChainError,
    SandboxError,
    TransactionAbandoned,
)
from sandbox.evidence.anchored_root import TOPIC
from sandbox.gateway import Asker, Subscriber
from sandbox.gateway.transactions import decode
from sandbox.proofs import anchor_evidence

_log = logging.getLogger(__name__)

#: More than can wait on a chain.
MOST_WAITING = 1_000_000


class Reading(Parts):
    """Everything through the one gateway, the platform's own reads too."""

    def rpc(self, body: bytes, asker: Asker | None = None) -> bytes | None:
        """Answer a JSON-RPC body; None when it held only notifications. Never raises for what came in.

        `asker` is who calls and through which endpoint; without it, the public one.
        """
        return self._gateway.handle(body, asker or Asker())

    def read(self, method: str, *params: Any) -> Any:
        """One JSON-RPC call through the same door; RpcError when it is refused."""
        return self._gateway.call(method, *params)

    def subscribe(self, kind: str, *params: Any, subscriber: Subscriber) -> str:
        """Have `subscriber` told of what is new: `newHeads`, `logs` (with a filter) or `newPendingTransactions`.

        The subscription's id; RpcError as eth_subscribe. It is told by a thread of the chain's.
        """
        return self._subscriptions.add(kind, list(params), subscriber)

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """End all of the subscriber's subscriptions."""
        self._subscriptions.leave(subscriber)

    def subscribed(self, subscriber: Subscriber) -> int:
        """How many subscriptions the subscriber has."""
        return self._subscriptions.of(subscriber)

    @property
    def subscriptions(self) -> int:
        """How many live subscriptions there are: a chain that has some is not idle."""
        return len(self._subscriptions)

    def hang_up(self, reason: str, *, for_good: bool = False) -> None:
        """End every subscription, and say why."""
        self._subscriptions.end(reason, for_good=for_good)

    def sealer_note(self, number: int) -> str:
        """The signed note of a block; ChainError where there is none (block zero is not sealed)."""
        note = self._journal.note(number)
        if note is None:
            if not self.seals:
                raise ChainError(
                    "this chain's blocks are not made by this platform: it cannot say when, and gives no evidence"
                )
            raise ChainError(
                f"block {number} has no sealer's note; this chain's head is {self.head().number}"
            )
        return note

    def anchor_evidence(self, transaction_hash: str, *, topic: bytes = TOPIC) -> dict[str, Any]:
        """A receipt's `anchor` object: header, transaction receipt, trie proof and sealer's note.

        `topic` is that of the one event that says what was anchored: RootAnchored, unless said.

        VerificationError where the transaction is not mined; ChainError where it anchored no root;
        TransactionAbandoned where a restore left its block behind. From now on the chain is restored no more.
        """
        if self.read("eth_getTransactionReceipt", transaction_hash) is None:
            self._require_not_abandoned(hex_bytes(transaction_hash, 32, "a transaction hash"))
        self.mark_anchored()
        return anchor_evidence(self.read, self.spec.chain_id, self.sealer_note, transaction_hash, topic)

    def _require_not_abandoned(self, transaction_hash: bytes) -> None:
        found = self._snapshot_records.abandoned_with(transaction_hash)
        if found is None or self._journal.pending_transaction(transaction_hash) is not None:
            return
        number, branch = found
        raise TransactionAbandoned(
            f"0x{transaction_hash.hex()}",
            f"it was in block {number}, which branch {branch.branch} left behind when the chain was restored to "
            f"snapshot {branch.snapshot!r} (block {branch.number}) by {branch.actor or 'an administrator'}; nothing "
            "that names that block is evidence of this chain",
        )

    def gas_used(self, since: int) -> tuple[int, int]:
        """Gas of the blocks since the hour `since` (hours since 1970), and the limits of what waits, as on disk now.

        What is sealed at this moment may be in both, never in neither.
        """
        waiting = sum(
            decode(each.raw).gas for each in self._journal.pending(MOST_WAITING)
        )  # before the blocks
        self._gas.count(self._head_sealed_here(), self._block, self._clock())
        return self._gas.used(since), waiting

    def _head_sealed_here(self) -> int:
        """The newest block; 0 on a chain that others seal too: what its blocks use is not ours."""
        return self._node.head().number if isinstance(self._node, SealingNode) else 0

    def _block(self, number: int) -> dict[str, Any]:
        shown: dict[str, Any] = self._node.read("eth_getBlockByNumber", [hex(number), False], time_limit=10.0)
        return shown

    def _count_gas(self) -> None:
        """Leave the count complete for who reads it while this chain sleeps; the next opening makes it good."""
        try:
            self._gas.count(self._head_sealed_here(), self._block, self._clock())
        except SandboxError:
            _log.exception("chain %d: its gas is counted at the next opening", self.spec.chain_id)

    def _ask(self, method: str, *params: Any) -> Any:
        return self._gateway.ask(method, *params)

    def require_kept(self, transaction_hash: str | bytes) -> None:
        """TransactionAbandoned where the transaction is in no block now because a restore left its block behind."""
        self._require_not_abandoned(hex_bytes(transaction_hash, 32, "a transaction hash"))

    def mark_anchored(self) -> None:
        """Evidence is about to stand on this chain's blocks: from now on no snapshot is restored in place."""
        self._snapshot_records.mark_anchored(self._now_ms())

    @property
    def anchored(self) -> bool:
        return self._snapshot_records.anchored
