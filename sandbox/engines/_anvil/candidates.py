"""What may go into the next block: the transactions chosen for it, and those dropped with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sandbox.engines._anvil.client import Failed
from sandbox.engines._anvil.transactions import Transaction, decode, fault
from sandbox.errors import MalformedEvidence
from sandbox.spec import ChainSpec


class Candidates:
    """At most `most` of those that wait, in their order, as far as one block's gas limit goes."""

    def __init__(
        self, waiting: dict[bytes, bytes], passed_over: set[bytes], spec: ChainSpec, most: int
    ) -> None:
        self.chosen: dict[bytes, Transaction] = {}
        self.dropped: dict[bytes, str] = {}
        gas = 0
        for hash_, raw in waiting.items():
            if hash_ in passed_over:
                continue
            if len(self.chosen) == most:
                break
            try:
                transaction = decode(raw)
            except MalformedEvidence as error:
                self.drop(hash_, f"not a valid transaction: {error}")
                continue
            if reason := fault(transaction, spec):
                self.drop(hash_, reason)
                continue
            gas += transaction.gas
            if self.chosen and gas > spec.block_gas_limit:
                break  # it might not fit: it waits for the next block
            self.chosen[hash_] = transaction

    def drop(self, hash_: bytes, reason: str) -> None:
        self.dropped.setdefault(hash_, reason)

    def refuse(self, sent: Sequence[tuple[bytes, Transaction]], refused: Mapping[int, Failed]) -> None:
        """Drop what anvil did not accept, by position in what was sent."""
        for position, failed in refused.items():
            self.drop(sent[position][0], _reason(failed))

    def left(self) -> list[tuple[bytes, Transaction]]:
        """Those chosen and not dropped since."""
        return [(hash_, each) for hash_, each in self.chosen.items() if hash_ not in self.dropped]

    def reasons(self) -> tuple[tuple[bytes, str], ...]:
        """Those dropped, each with why."""
        return tuple(self.dropped.items())


def _reason(failed: Failed) -> str:
    """anvil's words for a refusal, where they do not say enough."""
    if "insufficient funds" in failed.reason.lower():
        return f"the sender's balance does not cover its value and gas: {failed.reason}"
    if "decode" in failed.reason.lower() or "signature" in failed.reason.lower():
        return f"not a valid transaction: {failed.reason}"
    if "replacement" in failed.reason:
        return "wrong nonce: another transaction of its sender has the same one"
    return failed.reason
