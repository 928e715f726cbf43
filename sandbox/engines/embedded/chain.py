"""A chain on py-evm: its genesis, and how a batch of raw transactions becomes one block on disk.

Prague rules with three private-network choices: gas is free for ever (Besu's `zeroBaseFee`), the block gas
limit does not drift, and mixHash is the parent's hash, so that equal transactions and timestamps give equal
block hashes. The genesis extraData is the SHA-256 of the chain spec: the genesis hash commits to the whole
spec, chain id included.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sandbox.errors import EngineError, SpecError
from sandbox.spec import MAX_INITCODE_SIZE, TRANSACTION_GAS_CAP, ChainSpec

os.environ["ETH_HASH_BACKEND"] = "pysha3"  # read once, when eth_hash is first imported
os.environ["ECC_BACKEND_CLASS"] = "eth_keys.backends.CoinCurveECCBackend"
try:
    import coincurve  # noqa: F401  # the backend named above: seven times faster
except ImportError as error:
    raise EngineError(
        "the embedded engine needs coincurve (libsecp256k1) and it cannot be imported: install the project's "
        f"dependencies again ({error})"
    ) from error

from eth.chains.base import Chain as EvmChain
from eth.constants import POST_MERGE_MIX_HASH, SECPK1_N, ZERO_HASH32
from eth.db.schema import SchemaV1
from eth.db.trie import make_trie_root_and_nodes
from eth.rlp.sedes import chain_gaps
from eth.validation import validate_gas_limit
from eth.vm.forks.cancun.state import get_total_blob_gas
from eth.vm.forks.prague import PragueVM
from eth.vm.forks.prague.computation import PragueComputation
from eth.vm.forks.prague.state import PragueState, PragueTransactionExecutor
from eth_hash.auto import keccak
from eth_typing import BlockNumber
from eth_utils.exceptions import ValidationError
from rlp import codec

from sandbox.engines import CREATES_INSIDE, Head, Sealed
from sandbox.engines.embedded import trie
from sandbox.engines.embedded.alarm import alarm
from sandbox.engines.embedded.store import BlockRow, LogRow, Store, TransactionRow
from sandbox.state import state_digest

#: Shares of the time limit: after the first a batch is closed with what is in it; a transaction that takes
#: the second is dropped. The worst case, a batch, one slow transaction and the batch once more, stays within
#: the limit.
BATCH_SHARE, TRANSACTION_SHARE = 0.15, 0.55
#: Gas used after which a block is closed, below the spec's own limit: what it costs to hold and to read (a byte
#: of log is 8 gas) stays bounded. Four transactions of the largest kind, or 3,000 of the smallest.
BLOCK_GAS = 4 * TRANSACTION_GAS_CAP


class _Spoiled(BaseException):
    """A transaction stopped half-way: the state in memory is no longer a state. Carries position and reason.

    Not an Exception, so that no handler inside py-evm takes it for its own.
    """

    def __init__(self, position: int, reason: str) -> None:
        self.position, self.reason = position, reason
        super().__init__(reason)


class _NotingComputation(PragueComputation):
    """Prague's computation, which notes on the state that a contract was made inside a call."""

    @classmethod
    def apply_create_message(
        cls, state: Any, message: Any, transaction_context: Any, parent_computation: Any = None
    ) -> Any:
        if message.depth > 0:
            state.created_inside = True
        return super().apply_create_message(state, message, transaction_context, parent_computation)


class _NotingState(PragueState):
    computation_class = _NotingComputation
    created_inside = False

    def delta_balance(self, address: Any, delta: int) -> None:
        """Where gas is free most changes are of nothing: those of an account that exists are not written."""
        if delta or not self.account_exists(address):
            super().delta_balance(address, delta)


class ZeroBaseFeePragueVM(PragueVM):
    """Prague whose base fee is always zero and whose gas limit is always the parent's."""

    _state_class = _NotingState

    def apply_unless_it_creates(self, header: Any, transaction: Any) -> Any:
        """`apply_transaction`'s receipt; None, and the state of before, when it makes a contract in a call."""
        self.validate_transaction_against_header(header, transaction)
        state: Any = self.state
        state.lock_changes()  # as apply_transaction does: nothing before this can be taken back
        before = state.snapshot()
        state.created_inside = False
        try:
            computation = state.apply_transaction(transaction)
        except Exception:  # refused, or failed half-way: the caller looks at the nonce
            state.commit(before)
            raise
        if state.created_inside:
            state.revert(before)
            return None
        state.commit(before)
        receipt = self.make_receipt(header, transaction, computation, state)
        self.validate_receipt(receipt)
        return receipt

    @staticmethod
    def create_header_from_parent(parent_header: Any, **fields: Any) -> Any:
        fields.setdefault("parent_beacon_block_root", ZERO_HASH32)
        if parent_header is not None:
            fields.setdefault("gas_limit", parent_header.gas_limit)
            fields.setdefault("timestamp", parent_header.timestamp + 1)
        return PragueVM.create_header_from_parent(parent_header, **fields).copy(base_fee_per_gas=0)

    @classmethod
    def validate_gas(cls, header: Any, parent_header: Any) -> None:
        validate_gas_limit(header.gas_limit, parent_header.gas_limit)
        if header.base_fee_per_gas != 0:
            raise ValidationError(f"base fee must be 0 on this chain, got {header.base_fee_per_gas}")


@dataclass(slots=True)
class _Batch:
    """What one attempt at a block made: the transactions applied, those dropped, py-evm's VM and header."""

    applied: list[tuple[bytes, Any, Any]]  # raw, transaction, receipt
    dropped: list[tuple[bytes, str]]
    vm: Any
    header: Any


class Chain:
    """One chain in one process: `head`, `seal`, and py-evm's own chain as `evm` for reads."""

    def __init__(self, store: Store, spec: ChainSpec) -> None:
        self.store, self.spec = store, spec
        self.evm = _chain_class(spec)(store)
        genesis = store.block_by_number(0)
        if genesis is None or self.evm.get_block_header_by_hash(genesis.hash).extra_data != _commitment(spec):
            raise SpecError(
                f"the chain file's block zero was not made from this spec (chain id {spec.chain_id}): "
                "open it with the spec it was created with"
            )

    @classmethod
    def create(cls, store: Store, spec: ChainSpec) -> Chain:
        """Write block zero. The same spec gives the same hash everywhere."""
        balances = {
            bytes.fromhex(address[2:]): {"balance": wei, "nonce": 0, "code": b"", "storage": {}}
            for address, wei in spec.alloc
            if wei  # an empty account is no account (EIP-161)
        }
        evm = _chain_class(spec).from_genesis(store, _genesis_fields(spec), balances)
        store.commit(block_row(evm.get_canonical_head(), []))
        return cls(store, spec)

    @classmethod
    def clone(cls, store: Store, source: Store, source_spec: ChainSpec, spec: ChainSpec) -> Chain:
        """Write a block zero whose state is that of the block of `source` that `spec.parent` names.

        Raises EngineError where the source has no such block.
        """
        parent = spec.parent
        if parent is None or parent.chain_id != source_spec.chain_id:
            raise SpecError(f"a clone's spec names its parent, chain {source_spec.chain_id}; got {parent}")
        block = source.block_by_number(parent.number)
        if block is None or f"0x{block.hash.hex()}" != parent.hash:
            raise EngineError(
                f"chain {parent.chain_id} has no block {parent.number} with hash {parent.hash}: "
                "was the chain restored to an earlier block?"
            )
        state_root = cls(source, source_spec).evm.get_block_header_by_hash(block.hash).state_root
        if f"0x{state_root.hex()}" != parent.state_root:
            raise SpecError(f"that block's state root is 0x{state_root.hex()}, not {parent.state_root}")
        store.take_over(trie.reached(source.__getitem__, state_root))
        chain_class = _chain_class(spec)
        genesis_vm = chain_class.get_vm_class_for_block_number(BlockNumber(0))
        header = genesis_vm.create_genesis_header(**_genesis_fields(spec), state_root=state_root)
        chain_class.from_genesis_header(store, header)
        store.commit(block_row(header, []))
        return cls(store, spec)

    def head(self) -> Head:
        header = self.evm.get_canonical_head()
        return Head(header.block_number, bytes(header.hash), header.timestamp)

    def seal(
        self,
        transactions: Sequence[bytes],
        timestamp: int,
        *,
        time_limit: float,
        may_create: frozenset[bytes] | None = None,
        empty: bool = False,
    ) -> Sealed:
        """Make one block of these raw transactions; `may_create` and `empty` are those of `Node.seal`.

        A transaction already on the chain is passed over and leaves `pending`. After BATCH_SHARE of
        `time_limit` (seconds) the block is closed with what is in it; those not reached are neither included
        nor dropped, and stay pending. Raises EngineError for a timestamp not after the head's.
        """
        head = self.head()
        if timestamp <= head.timestamp:
            raise EngineError(
                f"a block's timestamp must be after its parent's {head.timestamp}, got {timestamp}"
            )
        passed_over = [keccak(raw) for raw in transactions if self.store.transaction(keccak(raw)) is not None]
        waiting = {keccak(raw): raw for raw in transactions if keccak(raw) not in passed_over}
        try:
            batch = self._execute(list(waiting.items()), timestamp, time_limit, may_create)
            block, rows, logs = self._finish(batch) if batch.applied or empty else (None, [], [])
            self.store.commit(block, rows, logs, on_chain=[*passed_over, *(row.hash for row in rows)])
        except BaseException:
            self.store.rollback()
            raise
        return Sealed(self.head(), tuple(row.hash for row in rows), tuple(batch.dropped))

    def rewind(self, number: int) -> Head:
        """Make block `number` the newest; those after it are set aside. EngineError where there is none."""
        block, head = self.store.block_by_number(number), self.head()
        if block is None:
            raise EngineError(f"there is no block {number} to go back to: the newest is {head.number}")
        if number == head.number:
            return head
        rlp: Any = codec  # untyped
        try:
            self.store[SchemaV1.make_canonical_head_hash_lookup_key()] = block.hash
            for abandoned in range(number + 1, head.number + 1):
                del self.store[SchemaV1.make_block_number_to_hash_lookup_key(BlockNumber(abandoned))]
            self.store[SchemaV1.make_header_chain_gaps_lookup_key()] = rlp.encode(
                ((), number + 1), sedes=chain_gaps
            )
            self.store.rewind(number)
        except BaseException:
            self.store.rollback()
            raise
        return self.head()

    def state_digest(self, number: int | None = None) -> bytes:
        """The canonical digest (`sandbox.state`) of the newest block's state, or of block `number`'s."""
        block = self.store.newest_block() if number is None else self.store.block_by_number(number)
        if block is None:
            raise EngineError(f"there is no block {number}: the newest is {self.head().number}")
        state_root = self.evm.get_block_header_by_hash(block.hash).state_root
        return state_digest(trie.accounts(self.store.__getitem__, state_root))

    def _execute(
        self,
        waiting: list[tuple[bytes, bytes]],
        timestamp: int,
        time_limit: float,
        may_create: frozenset[bytes] | None,
    ) -> _Batch:
        """Apply what can be applied. One that stops half-way costs a second run of those before it."""
        try:
            return self._attempt(waiting, timestamp, time_limit, may_create)
        except _Spoiled as spoiled:
            self.store.rollback()
            batch = self._attempt(waiting[: spoiled.position], timestamp, None, may_create)
            batch.dropped.append((waiting[spoiled.position][0], spoiled.reason))
            return batch

    def _attempt(
        self,
        waiting: list[tuple[bytes, bytes]],
        timestamp: int,
        limit: float | None,
        may_create: frozenset[bytes] | None,
    ) -> _Batch:
        """py-evm's `mine_all` up to the block, but a transaction that cannot be applied is left out."""
        parent = self.evm.get_canonical_head()
        # Both are set before execution: TIMESTAMP and PREVRANDAO must see what the header will say.
        header = self.evm.create_header_from_parent(parent, timestamp=timestamp, mix_hash=parent.hash)
        vm = self.evm.get_vm(header)
        batch = _Batch([], [], vm, header)
        started = time.monotonic()
        for position, (hash_, raw) in enumerate(waiting):
            if limit is not None and time.monotonic() - started > limit * BATCH_SHARE:
                break
            if batch.header.gas_used >= BLOCK_GAS:
                break
            try:
                transaction = vm.get_transaction_builder().decode(raw)
                self._check(transaction, raw)
                nonce = vm.state.get_nonce(transaction.sender)
                _believe_signature(transaction)
            except Exception as error:
                batch.dropped.append((hash_, f"not a valid transaction: {error}"))
                continue
            if batch.applied and batch.header.gas_used + transaction.gas > header.gas_limit:
                break  # the block is full: the rest waits for the next one
            try:
                with _within(limit and limit * TRANSACTION_SHARE, position):
                    if may_create is None or transaction.sender in may_create:
                        receipt, _ = vm.apply_transaction(batch.header, transaction)
                    else:
                        receipt = vm.apply_unless_it_creates(batch.header, transaction)
            except Exception as error:
                if vm.state.get_nonce(transaction.sender) != nonce:  # it had begun: no refusal, a failure
                    raise _Spoiled(position, f"the engine failed while executing it: {error!r}") from error
                batch.dropped.append((hash_, str(error)))
                continue
            if receipt is None:
                batch.dropped.append((hash_, f"{CREATES_INSIDE}, and its sender may not create contracts"))
                continue
            batch.header = vm.add_receipt_to_header(batch.header, receipt)
            if get_total_blob_gas(transaction):  # copying a header is not free, and hardly any has a blob
                batch.header = vm.increment_blob_gas_used(batch.header, transaction)
            batch.applied.append((raw, transaction, receipt))
        return batch

    def _check(self, transaction: Any, raw: bytes) -> None:
        """Prague's rules that py-evm 0.12 leaves to its caller, and the cap on one transaction's gas."""
        if transaction.encode() != raw:
            raise ValidationError("not a canonical encoding of a transaction")
        if transaction.chain_id not in (None, self.spec.chain_id):
            raise ValidationError(
                f"wrong chain id: expected {self.spec.chain_id}, got {transaction.chain_id}"
            )
        if transaction.s > SECPK1_N // 2:
            raise ValidationError("signature's s must be in the lower half of the curve's order (EIP-2)")
        if transaction.gas > TRANSACTION_GAS_CAP:
            raise ValidationError(
                f"gas limit must be at most {TRANSACTION_GAS_CAP} (EIP-7825), got {transaction.gas}"
            )
        if transaction.to == b"" and len(transaction.data) > MAX_INITCODE_SIZE:
            raise ValidationError(
                f"init code must be at most {MAX_INITCODE_SIZE} bytes, got {len(transaction.data)}"
            )
        if transaction.gas < (floor := floor_gas(transaction)):
            raise ValidationError(
                f"gas limit is below the data floor (EIP-7623): at least {floor}, got {transaction.gas}"
            )

    def _finish(self, batch: _Batch) -> tuple[BlockRow, list[TransactionRow], list[LogRow]]:
        """Close the block: roots, state, header. Transactions and receipts are kept as rows, not as tries."""
        transactions = [transaction for _, transaction, _ in batch.applied]
        receipts = [receipt for _, _, receipt in batch.applied]
        header = batch.header.copy(
            transaction_root=make_trie_root_and_nodes(transactions)[0],
            receipt_root=make_trie_root_and_nodes(receipts)[0],
        )
        filled = batch.vm.get_block().copy(header=header, transactions=transactions)
        block = batch.vm.mine_block(filled).block
        self.evm.chaindb.persist_header(block.header)
        rows, logs = index(block.header, batch.applied)
        return block_row(block.header, [raw for raw, _, _ in batch.applied]), rows, logs


def _believe_signature(transaction: Any) -> None:
    """Have py-evm not check again what its `sender` came from: a key recovered from a low-s signature fits it."""
    for each in (transaction, getattr(transaction, "_inner", None)):
        if each is not None:
            each.__dict__["check_signature_validity"] = _nothing


def _nothing() -> None:
    return


def floor_gas(transaction: Any) -> int:
    """EIP-7623: the least that a transaction's data costs."""
    return int(PragueTransactionExecutor.calc_data_floor_gas(transaction, 0, 0))


@lru_cache(maxsize=256)
def _chain_class(spec: ChainSpec) -> Any:
    if spec.hardfork != "prague":
        raise SpecError(f"the embedded engine runs hardfork 'prague', got {spec.hardfork!r}")
    return type(
        "SandboxChain",
        (EvmChain,),
        {"chain_id": spec.chain_id, "vm_configuration": ((0, ZeroBaseFeePragueVM),)},
    )


def _genesis_fields(spec: ChainSpec) -> dict[str, Any]:
    return {
        "difficulty": 0,
        "gas_limit": spec.block_gas_limit,
        "timestamp": spec.genesis_time,
        "extra_data": _commitment(spec),
        "mix_hash": POST_MERGE_MIX_HASH,
    }


def _commitment(spec: ChainSpec) -> bytes:
    return hashlib.sha256(spec.to_json().encode()).digest()


def _within(seconds: float | None, position: int) -> AbstractContextManager[None]:
    return alarm(
        seconds,
        _Spoiled(
            position, f"it did not finish within {seconds or 0:.1f} s, all that one transaction may take"
        ),
    )


def block_row(header: Any, raws: Sequence[bytes]) -> BlockRow:
    rlp: Any = codec  # untyped
    items = [
        raw if raw[0] < 0xC0 else rlp.decode(raw) for raw in raws
    ]  # a typed transaction is a byte string
    encoded = rlp.encode(header)
    size = len(rlp.encode([rlp.decode(encoded), items, [], []]))
    return BlockRow(header.block_number, bytes(header.hash), encoded, size)


def index(header: Any, applied: list[tuple[bytes, Any, Any]]) -> tuple[list[TransactionRow], list[LogRow]]:
    rows: list[TransactionRow] = []
    logs: list[LogRow] = []
    gas_before = 0
    for position, (raw, transaction, receipt) in enumerate(applied):
        hash_ = keccak(raw)
        rows.append(
            TransactionRow(
                hash_,
                header.block_number,
                position,
                raw,
                bytes(transaction.sender),
                receipt.encode(),
                receipt.gas_used - gas_before,
                len(logs),
            )
        )
        gas_before = receipt.gas_used
        for log in receipt.logs:
            topics = tuple(topic.to_bytes(32, "big") for topic in log.topics)
            logs.append(
                LogRow(
                    header.block_number,
                    len(logs),
                    position,
                    hash_,
                    bytes(log.address),
                    topics,
                    bytes(log.data),
                )
            )
    return rows, logs
