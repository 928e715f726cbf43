"""Looks at a chain through its gateway, like everybody else, a page at a time, and decodes what the platform deployed.

What no deployed template's ABI explains is shown as it is, and said to be unknown.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from eth_utils.address import to_checksum_address

from baas.chains.service import Chains
from baas.deployments.contracts import Contracts, Deployed
from baas.errors import NotFound
from baas.explorer.views import (
    AddressView,
    Block,
    BlockPage,
    BlockRow,
    DeployedThere,
    Event,
    Party,
    Restore,
    Transaction,
    TransactionRow,
    TransactionState,
)
from baas.tenancy import TenantScope
from sandbox import chain as runtime
from sandbox.abi import Decoded, decode_call, decode_created, decode_event

#: Blocks on a page; transactions of a block on a page; events of a transaction; deployments of an address.
MOST_BLOCKS, MOST_TRANSACTIONS, MOST_EVENTS, MOST_DEPLOYMENTS = 100, 100, 100, 50
#: Restores that are told beside the blocks.
MOST_RESTORES = 10
#: A block's number as the gateway takes it: beyond this there is none.
HIGHEST = 2**63 - 1


class Explorer:
    """The slice's service; it only reads. For any role of the chain's administration."""

    def __init__(self, chains: Chains, contracts: Contracts) -> None:
        self._chains, self._contracts = chains, contracts

    def blocks(
        self, scope: TenantScope, chain: str, highest: int | None = None, limit: int = 25
    ) -> BlockPage:
        """The newest blocks, or those from number `highest` down."""
        _, awake = self._chains.use(scope, chain)
        head = awake.head().number
        first = head if highest is None else min(highest, head)
        last = max(first - min(limit, MOST_BLOCKS) + 1, 0)
        found = (awake.read("eth_getBlockByNumber", hex(each), False) for each in range(first, last - 1, -1))
        rows = [_row(each) for each in found if each is not None]  # a restore may just have taken some away
        restores = [
            Restore(each.branch, each.at_ms, each.snapshot, each.number, each.head_number)
            for each in reversed(awake.branches(MOST_RESTORES))
        ]
        return BlockPage(tuple(rows), last - 1 if last > 0 else None, tuple(restores))

    def block(
        self, scope: TenantScope, chain: str, name: str, start: int = 0, limit: int = MOST_TRANSACTIONS
    ) -> Block:
        """One block, by number or hash, with its transactions from index `start` on. NotFound."""
        row, awake = self._chains.use(scope, chain)
        by_hash = name.startswith("0x")
        method = "eth_getBlockByHash" if by_hash else "eth_getBlockByNumber"
        found = (
            awake.read(method, name if by_hash else hex(int(name)), True)
            if by_hash or int(name) <= HIGHEST
            else None
        )
        if found is None:
            raise NotFound("block", name)
        known = _Known(self._contracts.on(scope, row.id), awake)
        every, most = found["transactions"], min(limit, MOST_TRANSACTIONS)
        number = int(found["number"], 16)
        return Block(
            number=number,
            hash=found["hash"],
            parent_hash=found["parentHash"],
            state_root=found["stateRoot"],
            timestamp=int(found["timestamp"], 16),
            gas_used=int(found["gasUsed"], 16),
            gas_limit=int(found["gasLimit"], 16),
            transactions=len(every),
            newest=number == awake.head().number,
            items=tuple(known.row(each) for each in every[start : start + most]),
            next=start + most if start + most < len(every) else None,
        )

    def transaction(self, scope: TenantScope, chain: str, transaction_hash: str) -> Transaction:
        """One transaction, waiting or mined. NotFound also for one that was dropped; TransactionAbandoned says why."""
        row, awake = self._chains.use(scope, chain)
        found = awake.read("eth_getTransactionByHash", transaction_hash)
        if found is None:
            awake.require_kept(transaction_hash)
            raise NotFound("transaction", transaction_hash)
        receipt = awake.read("eth_getTransactionReceipt", transaction_hash)
        known = _Known(self._contracts.on(scope, row.id), awake)
        state, logs, created = TransactionState.WAITING, [], None
        if receipt is not None:
            state = TransactionState.SUCCEEDED if receipt["status"] == "0x1" else TransactionState.REVERTED
            logs, created = receipt["logs"], receipt.get("contractAddress")
        return Transaction(
            hash=found["hash"],
            state=state,
            block=None if receipt is None else int(receipt["blockNumber"], 16),
            index=None if receipt is None else int(receipt["transactionIndex"], 16),
            sender=known.party(found["from"]),
            to=known.party(found["to"]) if found["to"] else None,
            created=known.party(created) if created else None,
            nonce=int(found["nonce"], 16),
            value=str(int(found["value"], 16)),
            gas_limit=int(found["gas"], 16),
            gas_used=None if receipt is None else int(receipt["gasUsed"], 16),
            type=int(found["type"], 16),
            input=found["input"],
            decoded=known.decoded(found, created),
            events=tuple(known.event(each) for each in logs[:MOST_EVENTS]),
            events_total=len(logs),
        )

    def address(self, scope: TenantScope, chain: str, address: str) -> AddressView:
        """What is known of an address now: any address has a page, and most have nothing on it."""
        row, awake = self._chains.use(scope, chain)
        deployed = self._contracts.on(scope, row.id)
        here = next((each for each in deployed if each.deployment.address.lower() == address.lower()), None)
        label, state = _custodial(awake, address)
        made = _made_by(awake, deployed, address) if label else ()
        return AddressView(
            address=to_checksum_address(address),
            label=label,
            state=state,
            nonce=int(awake.read("eth_getTransactionCount", address, "latest"), 16),
            balance=str(int(awake.read("eth_getBalance", address, "latest"), 16)),
            code_bytes=len(awake.read("eth_getCode", address, "latest")) // 2 - 1,
            deployment=None if here is None else _there(here),
            deployments=tuple(_there(each) for each in made),
        )

    def find(self, scope: TenantScope, chain: str, words: str) -> tuple[str, str] | None:
        """Which page shows what somebody typed: (`blocks`, `transactions` or `addresses`, its name), or None."""
        _, awake = self._chains.use(scope, chain)
        words = words.strip().lower()
        if words.isascii() and words.isdecimal() and len(words) < 19:
            found = int(words) <= awake.head().number
            return ("blocks", str(int(words))) if found else None
        if not words.startswith("0x") or set(words[2:]) - set("0123456789abcdef"):
            return None
        if len(words) == 42:
            return ("addresses", words)
        if len(words) == 66 and awake.read("eth_getTransactionByHash", words) is not None:
            return ("transactions", words)
        if len(words) == 66 and awake.read("eth_getBlockByHash", words, False) is not None:
            return ("blocks", words)
        return None


class _Known:
    """What the platform knows of one chain's addresses."""

    def __init__(self, deployed: Iterable[Deployed], awake: runtime.Chain) -> None:
        self._deployed = {each.deployment.address.lower(): each for each in deployed}
        self._awake = awake

    def party(self, address: str) -> Party:
        here = self._deployed.get(address.lower())
        label, _ = _custodial(self._awake, address)
        return Party(to_checksum_address(address), label, None if here is None else here.deployment.template)

    def row(self, transaction: dict[str, Any]) -> TransactionRow:
        to = transaction["to"]
        decoded = self._called(to, transaction["input"]) if to else None
        return TransactionRow(
            hash=transaction["hash"],
            index=int(transaction["transactionIndex"], 16),
            sender=self.party(transaction["from"]),
            to=self.party(to) if to else None,
            function=None if decoded is None else decoded.name,
        )

    def decoded(self, transaction: dict[str, Any], created: str | None) -> Decoded | None:
        if transaction["to"]:
            return self._called(transaction["to"], transaction["input"])
        here = self._deployed.get((created or "").lower())
        if here is None or here.artifact is None:
            return None
        return decode_created(here.artifact, _bytes(transaction["input"]))

    def event(self, log: dict[str, Any]) -> Event:
        here = self._deployed.get(log["address"].lower())
        decoded = None
        if here is not None and here.artifact is not None:
            decoded = decode_event(
                here.artifact, [_bytes(each) for each in log["topics"]], _bytes(log["data"])
            )
        return Event(
            index=int(log["logIndex"], 16),
            emitter=self.party(log["address"]),
            decoded=decoded,
            topics=tuple(log["topics"]),
            data=log["data"],
        )

    def _called(self, to: str, data: str) -> Decoded | None:
        here = self._deployed.get(to.lower())
        return None if here is None or here.artifact is None else decode_call(here.artifact, _bytes(data))


def _row(block: dict[str, Any]) -> BlockRow:
    return BlockRow(
        number=int(block["number"], 16),
        hash=block["hash"],
        timestamp=int(block["timestamp"], 16),
        transactions=len(block["transactions"]),
        gas_used=int(block["gasUsed"], 16),
    )


def _custodial(awake: runtime.Chain, address: str) -> tuple[Any, Any]:
    record = awake.accounts.at(_bytes(address))
    return (None, None) if record is None else (record.label, record.state)


def _made_by(awake: runtime.Chain, deployed: list[Deployed], address: str) -> tuple[Deployed, ...]:
    """Of the newest deployments, those that the address sent: one read for each, and no more than fit the page."""
    return tuple(
        each
        for each in reversed(deployed[-MOST_DEPLOYMENTS:])
        if (sent := awake.read("eth_getTransactionByHash", each.deployment.transaction_hash))
        and sent["from"].lower() == address.lower()
    )


def _there(deployed: Deployed) -> DeployedThere:
    row = deployed.deployment
    return DeployedThere(row.template, row.version, row.address, row.transaction_hash)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
