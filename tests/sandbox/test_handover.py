"""A hand-over on real chains: calldata, the contract's refusals in words, and each step's proof, on both engines."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account as EthAccount

from sandbox import handover
from sandbox.catalogue import template
from sandbox.chain import Chain
from sandbox.chain_scan import scan
from sandbox.contract_calls import dry_run
from sandbox.deployer import deploy
from sandbox.errors import ChainError, ContractRefused, VerificationError
from sandbox.evidence import hand_over
from sandbox.evidence.hand_over import Bodies
from sandbox.evidence.hand_over_calls import Call, Step, offer, read_call
from sandbox.evidence.hand_over_file import HandOverEvidence, StepProof
from sandbox.evidence.note import NoteVerifier
from sandbox.evidence.receipt import SaltedDigest
from sandbox.evidence.report import Report
from sandbox.evidence.trust import TrustedChain, TrustedContract, TrustedKey, TrustRoot
from sandbox.permissions import ActKind
from sandbox.spec import ChainSpec
from sandbox.transactions import public_key_of, transaction_bytes

CHAIN_ID = 4242
ENGINES = ["embedded", pytest.param("anvil", marks=pytest.mark.anvil)]


def salted(name: str) -> SaltedDigest:
    return SaltedDigest("sha-256", hashlib.sha256(name.encode()).digest(), hashlib.sha256(b"salt").digest())


ACT, REASON, OUTCOME = salted("act"), salted("reason"), salted("outcome")
FIRST, SECOND = "body-0801150004", "body-1700000002"


@dataclass(frozen=True)
class Town:
    """A chain with the contract on it, and the two bodies' accounts."""

    chain: Chain
    contract: bytes

    def address(self, label: str) -> bytes:
        return bytes.fromhex(self.chain.accounts.address(label)[2:])

    def sent(self, by: str, data: bytes) -> str:
        """The hash of a step that was taken."""
        hash_ = self.chain.send(by, to=self.contract, data=data)
        assert self.chain.wait(hash_)["status"] == "0x1"
        return hash_

    def step(self, by: str, data: bytes, opens: SaltedDigest | None = None) -> StepProof:
        return handover.step_proof(self.chain.read, self.sent(by, data), self.chain.sealer_note, opens)

    def whole(self, act: SaltedDigest) -> HandOverEvidence:
        """Offered, accepted and completed."""
        commitment = act.commitment()
        return HandOverEvidence(
            CHAIN_ID,
            self.contract,
            commitment,
            act,
            (
                self.step(FIRST, handover.offer(commitment, self.address(SECOND))),
                self.step(SECOND, handover.accept(commitment)),
                self.step(SECOND, handover.complete(commitment, OUTCOME.commitment()), OUTCOME),
            ),
        )

    def rejected(self, act: SaltedDigest) -> HandOverEvidence:
        """Offered and rejected."""
        commitment = act.commitment()
        offered = self.step(FIRST, handover.offer(commitment, self.address(SECOND)))
        answered = self.step(SECOND, handover.reject(commitment, REASON.commitment()), REASON)
        return HandOverEvidence(CHAIN_ID, self.contract, commitment, act, (offered, answered))

    @property
    def bodies(self) -> Bodies:
        return Bodies(self.address(FIRST), self.address(SECOND))

    def trust(self) -> TrustRoot:
        key = TrustedKey(NoteVerifier.from_vkey(self.chain.sealing_key), datetime(2020, 1, 1, tzinfo=UTC))
        code = handover.artifact().code_hash()
        contracts = (TrustedContract(self.contract, handover.TEMPLATE, code),)
        return TrustRoot((), (TrustedChain(CHAIN_ID, bytes(32), (key,), contracts),))

    def judged(self, evidence: HandOverEvidence) -> Report:
        digest = evidence.document.to_digest()
        return hand_over.verify(evidence, digest, self.trust(), self.bodies, self.contract)


@contextmanager
def founded(folder: Path, engine: str = "embedded") -> Iterator[Town]:
    """A town on a chain of its own."""
    spec = ChainSpec(CHAIN_ID, 1_700_000_000, engine, seal_after_ms=10)
    with Chain.create(folder / "chain", spec) as chain:
        for label in ("admin", FIRST, SECOND):
            chain.allow(chain.accounts.create(label), ActKind.SEND)
        chain.allow(chain.accounts.address("admin"), ActKind.DEPLOY)
        given = {"firstBody": chain.accounts.address(FIRST), "secondBody": chain.accounts.address(SECOND)}
        deployed = deploy(chain, template(handover.TEMPLATE), given, "admin")
        yield Town(chain, deployed.address)


@pytest.fixture(scope="module", params=ENGINES)
def town(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with founded(tmp_path_factory.mktemp("town"), request.param) as made:
        yield made


@pytest.fixture
def fresh(request: pytest.FixtureRequest) -> SaltedDigest:
    """An act of this test's own."""
    return salted(request.node.name)


def test_a_hand_over_whose_evidence_verifies_offline(town: Town, fresh: SaltedDigest) -> None:
    evidence = town.whole(fresh)
    report = town.judged(hand_over.parse(evidence.to_bytes()))
    assert report.ok, report.to_text()
    assert [step.step for step in evidence.steps] == [Step.OFFER, Step.ACCEPT, Step.COMPLETE]


def test_a_rejection_whose_evidence_verifies_offline(town: Town, fresh: SaltedDigest) -> None:
    report = town.judged(town.rejected(fresh))
    assert report.ok, report.to_text()


def test_a_step_of_another_hand_over_does_not_stand_in(town: Town, fresh: SaltedDigest) -> None:
    evidence, other = town.whole(fresh), town.whole(salted("yet another act"))
    for at, step in enumerate(other.steps):
        mixed = [*evidence.steps[:at], step, *evidence.steps[at + 1 :]]
        assert town.judged(replace(evidence, steps=tuple(mixed))).failed_step == "signatures"


def test_steps_share_a_block_with_transactions_of_other_kinds(town: Town, fresh: SaltedDigest) -> None:
    """Legacy and EIP-2930 ones beside ours: the trie is rebuilt from whatever the block holds."""
    chain, other = town.chain, EthAccount.from_key(bytes([0x77]) * 32)
    chain.allow(other.address, ActKind.SEND)
    fields = {"gas": 100_000, "gasPrice": 0, "to": "0x" + "11" * 20, "value": 0, "chainId": CHAIN_ID}
    nonce = int(chain.read("eth_getTransactionCount", other.address, "latest"), 16)
    older = [
        bytes(other.sign_transaction({**fields, **kind, "nonce": nonce + n}).raw_transaction)
        for n, kind in enumerate(
            (
                {},
                {"type": 1, "accessList": [{"address": "0x" + "11" * 20, "storageKeys": ["0x" + "00" * 32]}]},
            )
        )
    ]
    hashes = [chain.submit(raw) for raw in older]
    act = fresh.commitment()
    ours = chain.send(FIRST, to=town.contract, data=handover.offer(act, town.address(SECOND)))
    for hash_ in (*hashes, ours):
        chain.wait(hash_)
    proof = handover.step_proof(chain.read, ours, chain.sealer_note)
    evidence = HandOverEvidence(CHAIN_ID, town.contract, act, fresh, (proof,))
    assert town.judged(evidence).failed_step == "final"
    for raw, hash_ in zip(older, hashes, strict=True):
        assert transaction_bytes(chain.read("eth_getTransactionByHash", hash_)) == raw


def test_the_contracts_refusals_in_words(town: Town, fresh: SaltedDigest) -> None:
    act = fresh.commitment()

    def refusal(by: str, data: bytes) -> str:
        with pytest.raises(ContractRefused) as caught:
            dry_run(
                town.chain.read,
                handover.artifact(),
                sender=town.address(by),
                contract=town.contract,
                data=data,
            )
        return caught.value.name

    assert refusal("admin", handover.accept(act)) == "AccessControlUnauthorizedAccount"
    assert refusal(SECOND, handover.accept(act)) == "NotOfferedTo"
    assert refusal(FIRST, handover.offer(act, town.address("admin"))) == "NotABody"
    town.sent(FIRST, handover.offer(act, town.address(SECOND)))
    assert refusal(SECOND, handover.complete(act, OUTCOME.commitment())) == "StatusMismatch"
    assert refusal(FIRST, handover.accept(act)) == "NotOfferedTo"


def test_what_took_no_step_has_no_proof(town: Town, fresh: SaltedDigest) -> None:
    refused = town.chain.send(SECOND, to=town.contract, data=handover.accept(fresh.commitment()))
    assert town.chain.wait(refused)["status"] == "0x0"
    with pytest.raises(ChainError, match="took 0 steps of a hand-over"):
        handover.step_proof(town.chain.read, refused, town.chain.sealer_note)
    with pytest.raises(VerificationError, match="not in a block"):
        handover.step_proof(town.chain.read, "0x" + "12" * 32, town.chain.sealer_note)


def test_an_engine_that_shows_another_transaction_is_refused(town: Town, fresh: SaltedDigest) -> None:
    hash_ = town.sent(FIRST, handover.offer(fresh.commitment(), town.address(SECOND)))

    def lying(change: Callable[[dict[str, Any]], None]) -> Callable[..., Any]:
        def read(method: str, *params: Any) -> Any:
            answer = copy.deepcopy(town.chain.read(method, *params))
            if method == "eth_getBlockByHash" and params[1]:
                change(answer)
            return answer

        return read

    for change, words in (
        (lambda block: block["transactions"][0].update(value="0x1"), "the engine states"),
        (lambda block: block["transactions"].append(block["transactions"][0]), "header states"),
        (lambda block: block["transactions"].clear(), "shows 0 transactions"),
        (lambda block: block["transactions"][0].update(type="0x3"), "its type, 3, is not known"),
    ):
        with pytest.raises(VerificationError, match=words):
            handover.step_proof(lying(change), hash_, town.chain.sealer_note)


def test_a_scan_of_the_chain_finds_nothing_but_commitments(town: Town, fresh: SaltedDigest) -> None:
    """What `baas privacy scan` does: each of the contract's 32-byte values is a commitment, and none is unexplained."""
    town.whole(fresh)
    act = salted(fresh.digest.hex()).commitment()
    town.sent(FIRST, handover.offer(act, town.address(SECOND)))
    town.sent(SECOND, handover.reject(act, REASON.commitment()))
    done = scan(town.chain.read, {f"0x{town.contract.hex()}": handover.artifact()})
    assert done.findings == []
    assert done.words["commitment"] >= 7
    for value in (fresh.commitment(), act, OUTCOME.commitment(), REASON.commitment()):
        assert done.hashes[value] == "commitment"
    assert fresh.digest not in done.hashes


def test_calldata_and_public_keys_are_those_of_other_libraries(town: Town) -> None:
    """eth_abi's by the artifact, beside the evidence's own; eth_account's key, beside the one that is recovered."""
    act, to = ACT.commitment(), town.address(SECOND)
    for made, call in (
        (handover.offer(act, to), offer(act, to)),
        (handover.accept(act), Call(Step.ACCEPT, act)),
        (handover.reject(act, REASON.commitment()), Call(Step.REJECT, act, REASON.commitment())),
        (handover.complete(act, OUTCOME.commitment()), Call(Step.COMPLETE, act, OUTCOME.commitment())),
    ):
        assert made == call.to_data()
        assert read_call(made) == call
        with pytest.raises(VerificationError):
            read_call(made + bytes(32))
    account = EthAccount.from_key(bytes([0x55]) * 32)
    for nonce in range(8):  # of both parities
        signed = account.sign_transaction(
            {
                "type": 2,
                "chainId": 1,
                "nonce": nonce,
                "maxFeePerGas": 0,
                "maxPriorityFeePerGas": 0,
                "gas": 1,
                "to": to,
                "value": 0,
            }
        )
        assert public_key_of(bytes(signed.raw_transaction)) == account._key_obj.public_key.to_bytes()
