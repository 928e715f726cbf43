"""Hand-overs made by independent provers: eth_account's signatures, py-evm's headers and py-trie's tries.

Whoever has a `Prover` is also whoever may cheat: it holds the sealing key, so it can seal whatever block it likes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import rlp
from eth.vm.forks.prague.blocks import PragueBlockHeader
from eth_abi.abi import encode
from eth_account import Account
from eth_utils.crypto import keccak
from trie import HexaryTrie

from sandbox.evidence.digest import Digest
from sandbox.evidence.hand_over import TEMPLATE, Bodies
from sandbox.evidence.hand_over_calls import Step
from sandbox.evidence.hand_over_file import HandOverEvidence, StepProof
from sandbox.evidence.note import NoteSigner
from sandbox.evidence.receipt import SaltedDigest
from sandbox.evidence.sealer import ClockMoved, SealedBlock, sign_sealed_block
from sandbox.evidence.trust import TrustedChain, TrustedContract, TrustedKey, TrustRoot

#: Step → what is called and what is emitted, as IHandOver has it.
CALLS = {
    "offer": ("offer(bytes32,address)", ["bytes32", "address"], "ActOffered(bytes32,address,address)"),
    "accept": ("accept(bytes32)", ["bytes32"], "ActAccepted(bytes32,address)"),
    "reject": ("reject(bytes32,bytes32)", ["bytes32", "bytes32"], "ActRejected(bytes32,address,bytes32)"),
    "complete": (
        "complete(bytes32,bytes32)",
        ["bytes32", "bytes32"],
        "ActCompleted(bytes32,address,bytes32)",
    ),
}
FROM = datetime(2026, 1, 1, tzinfo=UTC)
SEALED_MS = int(datetime(2026, 6, 1, 9, tzinfo=UTC).timestamp() * 1000)


def seed(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def salted(name: str) -> SaltedDigest:
    return SaltedDigest("sha-256", seed(name), seed(f"salt of {name}"))


@dataclass(frozen=True)
class Key:
    """A body's technical key."""

    name: str

    @property
    def account(self) -> Any:
        return Account.from_key(seed(self.name))

    @property
    def address(self) -> bytes:
        return bytes.fromhex(self.account.address[2:])

    @property
    def public(self) -> bytes:
        return bytes(self.account._key_obj.public_key.to_bytes())


FIRST, SECOND, THIRD = Key("first body"), Key("second body"), Key("third body")
#: What is handed over, whose digest `ACT` has.
DOCUMENT = b"act"
ACT, OUTCOME, REASON = salted(DOCUMENT.decode()), salted("outcome"), salted("reason")


@dataclass(frozen=True)
class Prover:
    """A chain and a contract on it; `but` gives another, with parts replaced."""

    chain_id: int = 20_262
    contract: bytes = b"\xc1" * 20
    sealing: NoteSigner = field(default_factory=lambda: NoteSigner("baas.example/seal", seed("seal")))
    sealed_ms: int = SEALED_MS
    seconds_ahead: int = 0
    moved: ClockMoved | None = None

    def but(self, **changes: Any) -> Prover:
        return replace(self, **changes)

    def signed(self, by: Key, step: str, *arguments: Any, **changes: Any) -> bytes:
        """The raw transaction by which a body asks for a step."""
        call, types, _ = CALLS[step]
        fields = {
            "type": 2,
            "chainId": self.chain_id,
            "nonce": 7,
            "maxFeePerGas": 0,
            "maxPriorityFeePerGas": 0,
            "gas": 1_000_000,
            "to": self.contract,
            "value": 0,
            "data": keccak(text=call)[:4] + encode(types, arguments),
        } | changes
        if "gasPrice" in changes:  # of an older type
            fields = {
                name: value
                for name, value in fields.items()
                if not name.startswith("max") and (name, value) != ("type", 0)
            }
        return bytes(by.account.sign_transaction(fields).raw_transaction)

    def log(self, by: bytes, step: str, act: bytes, word: bytes | None = None) -> list[Any]:
        """The event of a step, in the form of a transaction receipt; `word` is the recipient, reason or outcome."""
        topics = [keccak(text=CALLS[step][2]), act, by.rjust(32, b"\x00")]
        if step == "offer":
            assert word is not None
            return [self.contract, [*topics, word.rjust(32, b"\x00")], b""]
        return [self.contract, topics, word or b""]

    def proof(
        self,
        step: str,
        raw: bytes,
        log: list[Any],
        number: int,
        public: bytes,
        *,
        status: bytes = b"\x01",
        opens: SaltedDigest | None = None,
    ) -> StepProof:
        """The step as transaction 1 of 3 of block `number`, sealed: true or not."""
        others = [
            self.signed(THIRD, "accept", seed(f"another act {n}"), nonce=number * 10 + n) for n in (0, 1)
        ]
        transactions = [others[0], raw, others[1]]
        receipts = [
            b"\x02" + rlp.encode([state, 21_000 * (n + 1), bytes(256), logs])
            for n, (state, logs) in enumerate([(b"\x01", []), (status, [log]), (b"\x01", [])])
        ]
        tries = [_trie(transactions), _trie(receipts)]
        header = PragueBlockHeader(
            difficulty=0,
            block_number=number,
            gas_limit=10**9,
            timestamp=self.sealed_ms // 1000 + number + self.seconds_ahead,
            transaction_root=tries[0].root_hash,
            receipt_root=tries[1].root_hash,
            parent_hash=seed(f"parent of {number}"),
            base_fee_per_gas=0,
        )
        block = SealedBlock(self.chain_id, number, header.hash, self.sealed_ms + number * 1000, self.moved)
        return StepProof(
            step=Step(step),
            header=rlp.encode(header),
            transaction=raw,
            transaction_index=1,
            transaction_proof=_nodes(tries[0]),
            public_key=public,
            receipt=receipts[1],
            receipt_proof=_nodes(tries[1]),
            log_index=0,
            sealer_note=sign_sealed_block(block, [self.sealing]),
            opens=opens,
        )

    def offered(
        self, number: int = 10, act: bytes = ACT.commitment(), by: Key = FIRST, to: Key = SECOND
    ) -> StepProof:
        raw = self.signed(by, "offer", act, to.address)
        return self.proof("offer", raw, self.log(by.address, "offer", act, to.address), number, by.public)

    def accepted(self, number: int = 11, act: bytes = ACT.commitment(), by: Key = SECOND) -> StepProof:
        raw = self.signed(by, "accept", act)
        return self.proof("accept", raw, self.log(by.address, "accept", act), number, by.public)

    def ended(
        self,
        number: int = 12,
        act: bytes = ACT.commitment(),
        by: Key = SECOND,
        *,
        step: str = "complete",
        opens: SaltedDigest | None = OUTCOME,
    ) -> StepProof:
        """Completed or rejected."""
        word = (opens or OUTCOME).commitment()
        raw = self.signed(by, step, act, word)
        log = self.log(by.address, step, act, word)
        return self.proof(step, raw, log, number, by.public, opens=opens)

    def evidence(self, *steps: StepProof, act: SaltedDigest = ACT) -> HandOverEvidence:
        """Of the steps given, or of a whole hand-over that was completed."""
        made = steps or (self.offered(), self.accepted(), self.ended())
        return HandOverEvidence(self.chain_id, self.contract, act.commitment(), act, made)

    def trust(self, template: str = TEMPLATE, until: datetime | None = None) -> TrustRoot:
        return TrustRoot(
            logs=(),
            chains=(
                TrustedChain(
                    self.chain_id,
                    seed("genesis"),
                    (TrustedKey(self.sealing.verifier, FROM, until),),
                    (TrustedContract(self.contract, template, seed("code")),),
                ),
            ),
        )


BODIES = Bodies(FIRST.address, SECOND.address)
DIGEST: Digest = ACT.to_digest()


def _trie(values: list[bytes]) -> HexaryTrie:
    made = HexaryTrie({})
    for index, value in enumerate(values):
        made[rlp.encode(index)] = value
    return made


def _nodes(of: HexaryTrie) -> tuple[bytes, ...]:
    return tuple(rlp.encode(node) for node in of.get_proof(rlp.encode(1)))
