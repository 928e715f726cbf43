"""A whole log, chain and receipt, made by independent provers: py-evm's headers and py-trie's tries."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
import rlp
from eth.vm.forks.prague.blocks import PragueBlockHeader
from eth_utils import keccak
from trie import HexaryTrie

from sandbox.evidence import merkle
from sandbox.evidence.checkpoint import Checkpoint, sign_checkpoint
from sandbox.evidence.entry import Entry
from sandbox.evidence.note import NoteSigner
from sandbox.evidence.receipt import Anchor, Inclusion, Receipt, SaltedDigest
from sandbox.evidence.sealer import ClockMoved, SealedBlock, sign_sealed_block
from sandbox.evidence.trust import TrustedChain, TrustedContract, TrustedKey, TrustedLog, TrustRoot

TOPIC = keccak(text="RootAnchored(bytes32,uint64,uint64,address)")
FROM = datetime(2026, 1, 1, tzinfo=UTC)
UNTIL = datetime(2027, 1, 1, tzinfo=UTC)


def seed(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


@dataclass
class World:
    """One administration's log on one chain; every part can be replaced before a receipt is made."""

    origin: str = "baas.example/vila-fictícia/documents"
    chain_id: int = 20_261
    contract: bytes = b"\xc0" * 20
    emitter: bytes = b"\xc0" * 20
    account: bytes = b"\xaa" * 20
    document: bytes = b"Decret 1/2026 (document fictici)"
    documents: int = 7
    log_signer: NoteSigner = field(default_factory=lambda: NoteSigner("baas.example/log", seed("log")))
    sealing_signer: NoteSigner = field(default_factory=lambda: NoteSigner("baas.example/seal", seed("seal")))
    block_number: int = 12
    sealed_ms: int = int(datetime(2026, 6, 1, 9, tzinfo=UTC).timestamp() * 1000)
    header_seconds_after_sealing: int = 0
    moved: ClockMoved | None = None
    transaction_index: int = 3
    transactions: int = 20
    status: bytes = b"\x01"
    topic: bytes = TOPIC
    anchored_root: bytes | None = None
    anchored_size: int | None = None
    log_index: int = 1
    log_key: TrustedKey | None = None
    sealing_key: TrustedKey | None = None

    def salt(self, index: int) -> bytes:
        return seed(f"salt {index}")

    def commitment(self, index: int) -> bytes:
        digest = hashlib.sha256(self.document_at(index)).digest()
        message = b"baas-sandbox/commitment/v1\x00sha-256\x00" + digest
        return hmac.new(self.salt(index), message, hashlib.sha256).digest()

    def document_at(self, index: int) -> bytes:
        return self.document if index == 4 else f"document {index}".encode()

    def entries(self) -> list[Entry]:
        notarised = [Entry("notarise", self.commitment(i)) for i in range(1, self.documents)]
        return [Entry("genesis"), *notarised]

    def leaves(self) -> list[bytes]:
        return [entry.leaf_hash() for entry in self.entries()]

    def checkpoint(self) -> str:
        leaves = self.leaves()
        return sign_checkpoint(Checkpoint(self.origin, len(leaves), merkle.root(leaves)), [self.log_signer])

    def consensus_receipts(self) -> list[bytes]:
        other_log = [b"\x01" * 20, [keccak(b"Other()")], b""]
        root = merkle.root(self.leaves()) if self.anchored_root is None else self.anchored_root
        size = self.documents if self.anchored_size is None else self.anchored_size
        data = (1).to_bytes(32, "big") + size.to_bytes(32, "big")
        anchoring = [self.emitter, [self.topic, root, self.account.rjust(32, b"\x00")], data]
        receipts = []
        for index in range(self.transactions):
            logs = [other_log, anchoring] if index == self.transaction_index else [other_log]
            status = self.status if index == self.transaction_index else b"\x01"
            payload = rlp.encode([status, 21_000 * (index + 1), b"\x00" * 256, logs])
            receipts.append(b"\x02" + payload if index % 2 else payload)
        return receipts

    def anchor(self) -> Anchor:
        receipts = self.consensus_receipts()
        tree = HexaryTrie({})
        for index, encoded in enumerate(receipts):
            tree[rlp.encode(index)] = encoded
        proof = tuple(rlp.encode(node) for node in tree.get_proof(rlp.encode(self.transaction_index)))
        header = PragueBlockHeader(
            difficulty=0,
            block_number=self.block_number,
            gas_limit=10**12,
            timestamp=self.sealed_ms // 1000 + self.header_seconds_after_sealing,
            receipt_root=tree.root_hash,
            parent_hash=seed("parent"),
            base_fee_per_gas=0,
        )
        block = SealedBlock(self.chain_id, self.block_number, header.hash, self.sealed_ms, self.moved)
        return Anchor(
            chain_id=self.chain_id,
            contract=self.contract,
            header=rlp.encode(header),
            transaction_index=self.transaction_index,
            transaction_receipt=receipts[self.transaction_index],
            receipt_proof=proof,
            log_index=self.log_index,
            sealer_note=sign_sealed_block(block, [self.sealing_signer]),
        )

    def receipt(self, index: int = 4, *, anchored: bool = True) -> Receipt:
        leaves = self.leaves()
        return Receipt(
            document=SaltedDigest(
                "sha-256", hashlib.sha256(self.document_at(index)).digest(), self.salt(index)
            ),
            entry=self.entries()[index],
            inclusion=Inclusion(
                self.origin, index, len(leaves), tuple(merkle.inclusion_proof(leaves, index))
            ),
            checkpoint=self.checkpoint(),
            anchor=self.anchor() if anchored else None,
        )

    def trust(self) -> TrustRoot:
        log_key = self.log_key or TrustedKey(self.log_signer.verifier, FROM, UNTIL)
        sealing_key = self.sealing_key or TrustedKey(self.sealing_signer.verifier, FROM, None)
        contracts = (TrustedContract(self.contract, "document-notary", seed("code")),)
        return TrustRoot(
            logs=(TrustedLog(self.origin, self.chain_id, (self.contract,), (log_key,)),),
            chains=(TrustedChain(self.chain_id, seed("genesis"), (sealing_key,), contracts),),
        )

    def but(self, **changes: object) -> World:
        return replace(self, **changes)


@pytest.fixture
def world() -> World:
    return World()
