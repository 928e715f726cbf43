"""Offline verification of a hand-over: numbered steps in a fixed order, as a receipt's, against a trust root.

What is needed: the act's digest, the evidence, a trust root that came by another way, and the accounts of the two
bodies, which no evidence can state of itself. Each step of the hand-over is a transaction that its own body signed, so
neither body, nor whoever runs the chain, can make one for another without that body's key.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from sandbox.errors import EvidenceError, MalformedEvidence, VerificationError
from sandbox.evidence import header, rlp, transaction, transaction_receipt, trie
from sandbox.evidence.digest import Digest
from sandbox.evidence.encoding import from_hex, utc_text
from sandbox.evidence.hand_over_calls import Call, Step, offer, read_call
from sandbox.evidence.hand_over_file import HandOverEvidence, Status, StepProof, is_one, parse
from sandbox.evidence.header import Header
from sandbox.evidence.reasons import because
from sandbox.evidence.report import Outcome, Report, Result, detail, flagged, not_checked, passed, refused
from sandbox.evidence.report import Step as ReportStep
from sandbox.evidence.sealer import OpenedSealedBlock, open_sealed_block, require_not_ahead, require_of
from sandbox.evidence.secp256k1 import address_of
from sandbox.evidence.transaction import Transaction
from sandbox.evidence.trust import TrustedChain, TrustRoot, require_valid

__all__ = [
    "STEPS",
    "TEMPLATE",
    "Bodies",
    "HandOverEvidence",
    "Status",
    "Step",
    "StepProof",
    "is_one",
    "parse",
    "verify",
]

#: The template of the contracts that are taken for hand-overs: the trust root names it beside each address.
TEMPLATE = "hand-over"


@dataclass(frozen=True, slots=True)
class Bodies:
    """The accounts (20 bytes each) of the body that offers the act, and of the one to which it offers it."""

    offering: bytes
    receiving: bytes

    def __post_init__(self) -> None:
        if len(self.offering) != 20 or len(self.receiving) != 20:
            raise MalformedEvidence("the accounts of the two bodies have 20 bytes each")
        if self.offering == self.receiving:
            raise MalformedEvidence("a hand-over is between two bodies, and these are one account")

    @classmethod
    def of_addresses(cls, offering: str, receiving: str) -> Bodies:
        """The two accounts as people write them: 0x and 40 hexadecimal digits, in either case."""
        return cls(
            from_hex(
                offering.lower(), "the account of the body that offered the act", length=20, prefix="0x"
            ),
            from_hex(receiving.lower(), "the account of the body that answered", length=20, prefix="0x"),
        )

    def of(self, step: Step) -> bytes:
        """Who may take a step."""
        return self.offering if step is Step.OFFER else self.receiving


@dataclass(slots=True)
class _Case:
    """One evidence, what it is held against, and what the checks so far established, in the order of its steps."""

    evidence: HandOverEvidence
    digest: Digest
    trust: TrustRoot
    bodies: Bodies
    contract: bytes | None
    blocks: list[Header] = field(default_factory=list)
    sealed: list[OpenedSealedBlock] = field(default_factory=list)
    signed: list[Transaction] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    @property
    def steps(self) -> tuple[StepProof, ...]:
        return self.evidence.steps

    @property
    def chain(self) -> TrustedChain:
        found = self.trust.chain(self.evidence.chain_id)
        if found is None:
            raise because(
                "hand-over.unknown-chain",
                "the trust root knows no chain {chain_id}",
                chain_id=self.evidence.chain_id,
            )
        return found


def verify(
    evidence: HandOverEvidence,
    digest: Digest,
    trust: TrustRoot,
    bodies: Bodies,
    contract: bytes | None = None,
    *,
    final: bool = True,
) -> Report:
    """Check one hand-over; the answer is a Report whatever the evidence holds.

    `digest` is of the act's document, computed by whoever asks. `contract` is the one that is expected (20 bytes); without
    it any that the trust root has of the template `hand-over`. With `final` (unless said) a hand-over that is neither
    completed nor rejected does not pass.
    """
    case = _Case(evidence, digest, trust, bodies, contract)
    steps: list[ReportStep] = []
    stopped_at: int | None = None
    for number, (name, (layer, check)) in enumerate(_CHECKS.items(), 1):
        if stopped_at is None:
            outcome = _run(check, case)
        else:
            outcome = not_checked("step.stopped", "not checked, since step {step} failed", step=stopped_at)
        if outcome.result is Result.FAILED:
            stopped_at = number
        required = name != "opened" and (final or name != "final")
        steps.append(ReportStep(number, name, layer, required, outcome))
    return Report(tuple(steps))


def _run(check: Callable[[_Case], Outcome], case: _Case) -> Outcome:
    try:
        return check(case)
    except EvidenceError as error:
        return refused("hand-over", error)


def _act_digest(case: _Case) -> Outcome:
    stated = case.evidence.document.to_digest()
    if case.digest != stated:
        raise because(
            "act.other",
            "this is not the act of the evidence: expected {algorithm} {digest}, got {found} {actual}",
            algorithm=stated.algorithm,
            digest=stated.value.hex(),
            found=case.digest.algorithm,
            actual=case.digest.value.hex(),
        )
    return passed(
        "hand-over.digest",
        "the act's {algorithm} digest is the evidence's, {digest}",
        algorithm=stated.algorithm,
        digest=stated.value.hex(),
    )


def _act_commitment(case: _Case) -> Outcome:
    opened = case.evidence.document.commitment()
    if not hmac.compare_digest(opened, case.evidence.act):
        raise because(
            "act.commitment",
            "digest and salt give commitment {opened}, and the steps are of {act}",
            opened=opened.hex(),
            act=case.evidence.act.hex(),
        )
    return passed("hand-over.act", "digest and salt give {act}, of which the steps are", act=opened.hex())


def _contract(case: _Case) -> Outcome:
    evidence = case.evidence
    chain = case.chain
    if case.contract not in (None, evidence.contract):
        raise VerificationError(
            f"expected a hand-over by contract 0x{(case.contract or b'').hex()}, got one by 0x{evidence.contract.hex()}"
        )
    if not any((each.address, each.template) == (evidence.contract, TEMPLATE) for each in chain.contracts):
        raise because(
            "hand-over.untrusted",
            "the trust root names no contract {contract} of the template '{template}' on chain {chain_id}",
            contract="0x" + evidence.contract.hex(),
            template=TEMPLATE,
            chain_id=chain.chain_id,
        )
    return passed(
        "hand-over.contract",
        "contract {contract} on chain {chain_id} is trusted as a hand-over contract",
        contract="0x" + evidence.contract.hex(),
        chain_id=chain.chain_id,
    )


def _sequence(case: _Case) -> Outcome:
    names, status = ", ".join(each.step for each in case.steps), case.evidence.status
    if status is None:
        raise because(
            "hand-over.sequence",
            "no hand-over has the steps {steps}: offer first, then accept or reject, and complete after accept",
            steps=names,
        )
    return passed(
        "hand-over.sequence", "the steps are {steps}: the act is {status}", steps=names, status=str(status)
    )


def _sealed_blocks(case: _Case) -> Outcome:
    chain, details = case.chain, []
    for each in case.steps:
        block = header.parse(each.header)
        opened = open_sealed_block(each.sealer_note, [key.verifier for key in chain.sealing_keys])
        require_of(opened.block, chain.chain_id, block)
        case.blocks.append(block)
        case.sealed.append(opened)
        details.append(
            detail(
                "hand-over.block",
                "{step}: {keys} signed that block {number} of chain {chain_id} is {hash}",
                step=str(each.step),
                keys=", ".join(opened.note.verified_names),
                number=block.number,
                chain_id=chain.chain_id,
                hash="0x" + block.hash.hex(),
            )
        )
    outcome = passed("hand-over.sealed", "each step's block is sealed by the chain's key")
    return outcome._replace(details=tuple(details))


def _block_times(case: _Case) -> Outcome:
    chain, details = case.chain, []
    for each, block, opened in zip(case.steps, case.blocks, case.sealed, strict=True):
        require_not_ahead(opened.block, block)
        require_valid(chain.sealing_keys, opened.note, opened.block.time_ms, "sealing key")
        details.append(
            detail(
                "hand-over.time",
                "{step}: {time}",
                step=str(each.step),
                time=utc_text(opened.block.time_ms),
                time_ms=opened.block.time_ms,
            )
        )
    if any(opened.block.moved for opened in case.sealed):
        outcome = flagged(
            "hand-over.moved",
            "the sealing key, valid then, states the real time of each step. An administrator had moved the chain's clock: "
            "the blocks' own timestamps prove no time",
        )
    else:
        outcome = passed("hand-over.times", "the sealing key, valid then, states the real time of each step")
    return outcome._replace(details=tuple(details))


def _transactions(case: _Case) -> Outcome:
    for each, block in zip(case.steps, case.blocks, strict=True):
        key = rlp.encode_integer(each.transaction_index)
        if trie.verify(block.transactions_root, key, each.transaction_proof) != each.transaction:
            raise because(
                "hand-over.other-transaction",
                "{step}: the block's transactions trie holds another transaction at index {index}",
                step=str(each.step),
                index=each.transaction_index,
            )
        case.signed.append(transaction.parse(each.transaction))
    return passed("hand-over.transactions", "each step's transaction is proven under its block's header")


def _signatures(case: _Case) -> Outcome:
    """Who signed what: each step's own body, for this chain, this contract, this act and this very step."""
    evidence, details = case.evidence, []
    for each, signed in zip(case.steps, case.signed, strict=True):
        body = case.bodies.of(each.step)
        if address_of(each.public_key) != body:
            raise because(
                "hand-over.other-body",
                "{step}: expected a key of the body {body}, got one of {signer}: nobody acts for another",
                step=str(each.step),
                body="0x" + body.hex(),
                signer="0x" + address_of(each.public_key).hex(),
            )
        signed.require_signed_by(each.public_key)
        if (signed.chain_id, signed.to) != (evidence.chain_id, evidence.contract):
            raise because(
                "hand-over.other-chain",
                "{step}: the transaction was signed for chain {chain_id} and contract {contract}",
                step=str(each.step),
                chain_id=signed.chain_id,
                contract="0x" + signed.to.hex(),
            )
        call = read_call(signed.data)
        if (call.step, call.act) != (each.step, evidence.act):
            raise VerificationError(
                f"{each.step} of {evidence.act.hex()}: the transaction asks for {call.step} of {call.act.hex()}"
            )
        if call.step is Step.OFFER and call != offer(call.act, case.bodies.receiving):
            raise because(
                "hand-over.other-receiver",
                "offer: the act is offered to another account: {account}",
                account=call.word.hex(),
            )
        case.calls.append(call)
        details.append(
            detail("hand-over.signed", "{step}: by {body}", step=str(each.step), body="0x" + body.hex())
        )
    outcome = passed("hand-over.signatures", "each step is signed by its own body's key, and by no other")
    return outcome._replace(details=tuple(details))


def _events(case: _Case) -> Outcome:
    for each, block, call in zip(case.steps, case.blocks, case.calls, strict=True):
        key = rlp.encode_integer(each.transaction_index)
        if trie.verify(block.receipts_root, key, each.receipt_proof) != each.receipt:
            raise because(
                "hand-over.other-receipt",
                "{step}: the block's receipts trie holds another transaction receipt at that index",
                step=str(each.step),
            )
        decoded = transaction_receipt.decode(each.receipt)
        if not decoded.succeeded:
            raise because(
                "hand-over.failed",
                "{step}: the transaction failed (status 0): the contract refused it",
                step=str(each.step),
            )
        if each.log_index >= len(decoded.logs):
            raise because(
                "hand-over.no-log",
                "{step}: the transaction receipt has {count} logs, none at {index}",
                step=str(each.step),
                count=len(decoded.logs),
                index=each.log_index,
            )
        if decoded.logs[each.log_index] != call.event(case.evidence.contract, case.bodies.of(each.step)):
            raise because(
                "hand-over.other-event",
                "{step}: the contract's log is not the event of this step",
                step=str(each.step),
            )
    return passed(
        "hand-over.events", "the contract took each step: its event is proven under the block's header"
    )


def _order(case: _Case) -> Outcome:
    places = [
        (block.number, each.transaction_index) for each, block in zip(case.steps, case.blocks, strict=True)
    ]
    for before, after in pairwise(places):
        if after <= before:
            raise because(
                "hand-over.order",
                "a step at block {block}, transaction {index} is shown after one at block {before}, transaction {earlier}",
                block=after[0],
                index=after[1],
                before=before[0],
                earlier=before[1],
            )
    return passed("hand-over.order", "each step comes after the one before it on the chain")


def _opened(case: _Case) -> Outcome:
    details = []
    for each, call in zip(case.steps, case.calls, strict=True):
        if each.opens is None:
            continue
        if call.step not in (Step.REJECT, Step.COMPLETE):
            raise because(
                "hand-over.nothing-to-open",
                "{step}: this step has no reason and no outcome that could be opened",
                step=str(each.step),
            )
        if not hmac.compare_digest(each.opens.commitment(), call.word):
            raise because(
                "hand-over.not-opened",
                "{step}: digest and salt do not open the commitment {commitment}",
                step=str(each.step),
                commitment=call.word.hex(),
            )
        details.append(
            detail(
                "hand-over.opens",
                "{step}: {algorithm} {digest}",
                step=str(each.step),
                algorithm=each.opens.algorithm,
                digest=each.opens.digest.hex(),
            )
        )
    if not details:
        return not_checked(
            "hand-over.closed", "no reason and no outcome is given out: only its commitment is proven"
        )
    outcome = passed("hand-over.opened", "what was committed to as reason or outcome has this digest")
    return outcome._replace(details=tuple(details))


def _final(case: _Case) -> Outcome:
    status = case.evidence.status
    if status is not None and status.is_final:
        return passed(
            "hand-over.final",
            "the act is {status}, which the contract lets nothing follow",
            status=str(status),
        )
    return not_checked(
        "hand-over.open",
        "the act is {status} here; what followed is not shown, if anything did",
        status=str(status),
    )


#: Each check by its name: its layer, and what it does. Their order is their numbers'.
_CHECKS: dict[str, tuple[str, Callable[[_Case], Outcome]]] = {
    "act-digest": ("document", _act_digest),
    "act-commitment": ("document", _act_commitment),
    "hand-over-contract": ("anchor", _contract),
    "sequence": ("anchor", _sequence),
    "sealed-blocks": ("anchor", _sealed_blocks),
    "block-times": ("time", _block_times),
    "transactions": ("anchor", _transactions),
    "signatures": ("anchor", _signatures),
    "events": ("anchor", _events),
    "order": ("time", _order),
    "opened": ("document", _opened),
    "final": ("status", _final),
}
STEPS = tuple(_CHECKS)
