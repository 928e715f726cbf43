"""Making a block on a running anvil: send, mine, look at what came of it, and again without what may not be in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sandbox.engines import CREATES_INSIDE, Head
from sandbox.engines._anvil.blocks import Block
from sandbox.engines._anvil.candidates import Candidates
from sandbox.engines._anvil.client import Client, Lost
from sandbox.engines._anvil.deadline import Deadline
from sandbox.engines._anvil.mining import Mined, block_size, go_back, hexed, mine, send, unhexed
from sandbox.engines._anvil.quiet import Quiet
from sandbox.engines._anvil.transactions import Transaction
from sandbox.spec import TRANSACTION_GAS_CAP

#: Gas used after which a block is closed, as on the embedded engine: what it costs to read stays bounded.
BLOCK_GAS = 4 * TRANSACTION_GAS_CAP
#: Transactions that one block may have.
MAX_TRANSACTIONS = 1_000
#: Times that one block is made before it is cut off at who may not create inside calls.
MAX_ATTEMPTS = 8


class Maker:
    """Makes the blocks of one chain. `most` is how many transactions the next one may have; `version` is anvil's."""

    def __init__(self, version: str, quiet: Quiet) -> None:
        self._version, self._quiet = version, quiet
        self.most = MAX_TRANSACTIONS

    def make(
        self,
        client: Client,
        head: Head,
        candidates: Candidates,
        timestamp: int,
        deadline: Deadline,
        may_create: frozenset[bytes] | None,
        empty: bool,
    ) -> Block | None:
        """A block that may be kept, or None: anvil then is as it was.

        Whoever may not create inside calls is found by what the block did, dropped, and the block made again as if
        it had never been sent; after MAX_ATTEMPTS of that only with those before.
        """
        sent, cut, attempts, one_by_one = candidates.left(), False, 1, False
        while True:
            refused = send(
                client, [transaction.raw for _, transaction in sent], deadline, one_by_one=one_by_one
            )
            if len(refused) == len(sent) and not empty:
                candidates.refuse(sent, refused)
                return None
            self._quiet.begin()
            mined = mine(client, timestamp, deadline)
            self._check(head, mined, {hash_ for hash_, _ in sent})
            included = set(mined.hashes)
            if not one_by_one and mined.hashes != tuple(hash_ for hash_, _ in sent if hash_ in included):
                go_back(client, 1, deadline)
                self._quiet.end()
                one_by_one = True
                continue
            keep = self._fitting(client, mined, deadline)
            forbidden = self._forbidden(client, candidates, mined, deadline, may_create)
            if keep == len(mined.hashes) and forbidden is None:
                break
            go_back(client, 1, deadline)
            self._quiet.end()
            attempts += 1
            if forbidden is not None and forbidden < keep and attempts <= MAX_ATTEMPTS:
                sent = [each for each in sent if each[0] not in candidates.dropped]
            else:
                keep = keep if forbidden is None else min(keep, forbidden)
                sent = [(hash_, candidates.chosen[hash_]) for hash_ in mined.hashes[:keep]]
                self.most, cut = max(1, keep), True
            if not sent and not empty:
                return None
        candidates.refuse(sent, refused)
        self._explain_missing(client, candidates, sent, mined, deadline)
        if not mined.hashes and not empty:
            go_back(client, 1, deadline)
            return None
        if not cut:
            self.most = min(MAX_TRANSACTIONS, 2 * self.most)
        return Block(
            mined.number,
            timestamp,
            mined.hash,
            unhexed(mined.header["stateRoot"]),
            mined.gas_used,
            block_size(mined.header, [candidates.chosen[hash_].raw for hash_ in mined.hashes]),
            self._version,
            tuple((hash_, candidates.chosen[hash_].raw) for hash_ in mined.hashes),
        )

    @staticmethod
    def _check(head: Head, mined: Mined, sent: set[bytes]) -> None:
        if mined.number != head.number + 1 or unhexed(mined.header["parentHash"]) != head.hash:
            raise Lost(f"block {mined.number} does not extend block {head.number}")
        if not sent.issuperset(mined.hashes):
            raise Lost(f"block {mined.number} holds transactions that were not sent")

    @staticmethod
    def _fitting(client: Client, mined: Mined, deadline: Deadline) -> int:
        """How many of the block's first transactions fit into BLOCK_GAS; the one that passes it still does."""
        if mined.gas_used <= BLOCK_GAS or len(mined.hashes) < 2:
            return len(mined.hashes)
        receipts = client.call("eth_getBlockReceipts", [hex(mined.number)], deadline.left())
        return sum(
            int(receipt["cumulativeGasUsed"], 16) - int(receipt["gasUsed"], 16) < BLOCK_GAS
            for receipt in receipts
        )

    @staticmethod
    def _forbidden(
        client: Client,
        candidates: Candidates,
        mined: Mined,
        deadline: Deadline,
        may_create: frozenset[bytes] | None,
    ) -> int | None:
        """The position of the first transaction that created inside a call and may not; it is dropped."""
        if may_create is None or not mined.hashes:
            return None
        traces = client.call("trace_block", [hex(mined.number)], deadline.left())
        found = _first_forbidden(traces, may_create)
        if found is None:
            return None
        position, sender, creator = found
        candidates.drop(
            mined.hashes[position], f"{CREATES_INSIDE} ({creator}), and its sender {sender} may not do that"
        )
        return position

    @staticmethod
    def _explain_missing(
        client: Client,
        candidates: Candidates,
        sent: Sequence[tuple[bytes, Transaction]],
        mined: Mined,
        deadline: Deadline,
    ) -> None:
        """Drop what anvil accepted and did not include, with the reason that the state gives; empty the pool."""
        settled = {*mined.hashes, *candidates.dropped}
        missing = [each for each in sent if each[0] not in settled]
        if not missing:
            return
        client.call("anvil_dropAllTransactions", [], deadline.left())
        for hash_, transaction in missing:
            sender = hexed(transaction.sender())
            nonce = int(client.call("eth_getTransactionCount", [sender, "latest"], deadline.left()), 16)
            balance = int(client.call("eth_getBalance", [sender, "latest"], deadline.left()), 16)
            cost = transaction.gas * transaction.gas_price + transaction.value
            if transaction.nonce != nonce:
                candidates.drop(hash_, f"wrong nonce: expected {nonce}, got {transaction.nonce}")
            elif cost > balance:
                candidates.drop(hash_, f"the sender's balance is {balance} wei, and it may cost {cost}")
            elif len(sent) == 1:
                candidates.drop(hash_, "anvil did not include it, and gave no reason")


def _first_forbidden(
    traces: list[dict[str, Any]], may_create: frozenset[bytes]
) -> tuple[int, str, str] | None:
    """Position, sender and creator of the first transaction that created inside a call and may not."""
    senders: dict[int, str] = {}
    for trace in traces:  # in the order of execution: a transaction's first is its own message
        position, action = int(trace["transactionPosition"]), trace["action"]
        if not trace["traceAddress"]:
            senders[position] = action["from"]
        elif trace["type"] == "create" and unhexed(senders[position]) not in may_create:
            return position, senders[position], action["from"]
    return None
