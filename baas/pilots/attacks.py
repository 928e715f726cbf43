"""The cheating operator, for real: with its own keys and files it back-dates, deletes and rewrites; who notices?

The operator of a sandbox holds every key: log key, sealing key, anchoring account, time-stamp key. On the chain arm it
makes a second chain with the same genesis, keys and contract address, anchors a changed log on it and issues receipts
from there; on the time-stamp arm it runs its authority with the clock turned back. Then those who hold evidence from
before examine what they are shown, with files alone. Untouched records go through the same examination.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from baas.metrics import CHAIN, Attack, Trial
from sandbox import notary
from sandbox.account_records import AccountRecords, AccountState
from sandbox.chain import Chain
from sandbox.chain_file import ChainFile
from sandbox.engines import engine
from sandbox.errors import VerificationError
from sandbox.evidence import merkle
from sandbox.evidence.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from sandbox.evidence.commitment import commit, new_salt
from sandbox.evidence.digest import DEFAULT, Digest, digest_bytes
from sandbox.evidence.entry import Entry
from sandbox.evidence.note import NoteSigner
from sandbox.evidence.receipt import Inclusion, Receipt, SaltedDigest, anchor_from_json
from sandbox.evidence.trust import TrustRoot
from sandbox.evidence.verify import verify
from sandbox.journal import Journal
from sandbox.keystore import Vault
from sandbox.permission_records import PermissionRecords
from sandbox.permissions import ActKind, Permission

#: What is tried on the chain, and the untouched records.
TRIED = (Attack.BACK_DATE, Attack.DELETE, Attack.REWRITE, Attack.NONE)
#: The label of the deploying account on the second chain, whatever it is on the first.
FORGER = "forger"


@dataclass(frozen=True, slots=True)
class Victim:
    """What the operator attacks: its own log and chain; `kept` are the receipts that others hold from before.

    `keystore` opens the chain's keys, as the operator can. The contract was deployed by `deployer` (20 bytes) with
    `deployment` (init code) as its transaction number `nonce`.
    """

    chain: Path
    keystore: Vault
    deployer: bytes
    deployment: bytes
    nonce: int
    contract: bytes
    signer: NoteSigner
    entries: tuple[Entry, ...]
    kept: tuple[Receipt, ...]
    trust: TrustRoot


@dataclass(frozen=True, slots=True)
class Invented:
    """A document that never went through the log, with the entry that the operator makes for it."""

    entry: Entry
    digest: Digest
    salt: bytes


def attack_chain(victim: Victim) -> Iterator[Trial]:
    """Every attack on every kept record, and the untouched ones."""
    for attack in TRIED:
        invented = [_invented(f"{attack} {number}") for number in range(len(victim.kept) + 1)]
        claimed = _claimed(victim, attack, invented)
        leaves = [entry.leaf_hash() for entry in claimed]
        shown = sign_checkpoint(
            Checkpoint(victim.signer.name, len(leaves), merkle.root(leaves)), [victim.signer]
        )
        issued = _issued(victim, attack, invented[-1], claimed.index(invented[-1].entry), leaves, shown)
        holds = verify(invented[-1].digest, issued, victim.trust).ok
        alone = f"a receipt that the operator issues from there {'passes' if holds else 'fails'} by itself"
        for number, receipt in enumerate(victim.kept):
            contradiction = _contradiction(victim, receipt, shown, leaves)
            yield Trial(
                arm=CHAIN,
                attack=attack,
                number=number,
                noticed=contradiction is not None,
                noticed_by="holder" if contradiction else "",
                with_file="receipt.json" if contradiction else "",
                without_operator=contradiction is not None,
                detail=f"{contradiction or 'consistent with what was kept'}; {alone}",
            )


def _invented(label: str) -> Invented:
    digest, salt = digest_bytes(f"Document fictici: {label}".encode()), new_salt()
    return Invented(Entry("notarise", commit(DEFAULT, digest.value, salt)), digest, salt)


def _claimed(victim: Victim, attack: Attack, invented: Sequence[Invented]) -> list[Entry]:
    """The log as the operator now claims it was; always longer, so that its size alone gives nothing away."""
    entries = list(victim.entries)
    new = [each.entry for each in invented]
    attacked = [receipt.inclusion.index for receipt in victim.kept]
    match attack:
        case Attack.BACK_DATE:
            return [entries[0], *new, *entries[1:]]  # as if they had been there from the beginning
        case Attack.DELETE:
            left = [entry for index, entry in enumerate(entries) if index not in set(attacked)]
            return [*left, *new]  # filled up again with inventions
        case Attack.REWRITE:
            for index, entry in zip(attacked, new, strict=False):
                entries[index] = entry
            return [*entries, new[-1]]
        case _:
            return [*entries, new[-1]]


def _contradiction(victim: Victim, kept: Receipt, shown: str, leaves: Sequence[bytes]) -> str | None:
    """What a holder finds: the kept receipt's checkpoint against the one shown, by the best proof that there is."""
    known = [victim.signer.verifier]
    old = open_checkpoint(kept.checkpoint, known).checkpoint
    new = open_checkpoint(shown, known).checkpoint
    proof = merkle.consistency_proof(leaves, old.size)
    try:
        merkle.verify_consistency(old.size, new.size, proof, old.root, new.root)
    except VerificationError as error:
        return str(error)
    return None


def _issued(
    victim: Victim, attack: Attack, invented: Invented, index: int, leaves: Sequence[bytes], shown: str
) -> Receipt:
    """A receipt for an invented document, anchored on the operator's second chain: as early as its keys speak."""
    with second_chain(victim, time.time() if attack is Attack.NONE else _earliest(victim)) as chain:
        data = notary.notarise_batch(merkle.root(leaves), 0, len(leaves))
        transaction = chain.send(FORGER, to=victim.contract, data=data)
        chain.wait(transaction)
        anchor = anchor_from_json(chain.anchor_evidence(transaction))
    place = Inclusion(victim.signer.name, index, len(leaves), tuple(merkle.inclusion_proof(leaves, index)))
    document = SaltedDigest(invented.digest.algorithm, invented.digest.value, invented.salt)
    return Receipt(document, invented.entry, place, shown, anchor)


def _earliest(victim: Victim) -> float:
    """The first second (Unix time) in which both the log's and the chain's keys are valid for a verifier."""
    (log,) = (each for each in victim.trust.logs if each.origin == victim.signer.name)
    (chain,) = (each for each in victim.trust.chains if each.chain_id == log.chain_id)
    return max(key.valid_from.timestamp() for key in (*log.keys, *chain.sealing_keys)) + 1


@contextmanager
def second_chain(victim: Victim, begins: float) -> Iterator[Chain]:
    """A chain that nobody can tell from the victim's by its keys: same spec, genesis, sealing key, account and contract.

    Its clock stands at `begins` (Unix time) when it is opened, and goes on from there.
    """

    def now_ms() -> int:
        return int(begins * 1000)

    with closing(ChainFile(victim.chain)) as file:
        row, account = Journal(file).chain(), AccountRecords(file).at(victim.deployer)
        permissions = PermissionRecords(file, now_ms).current()
    assert (
        account is not None
    )  # contracts are deployed by the chain's own accounts, also by one that is retired now
    scratch = Path(tempfile.mkdtemp(prefix="second-chain-"))
    try:
        engine(row.spec.engine).create(scratch, row.spec)
        with closing(ChainFile(scratch)) as file:
            Journal(file).describe(row)
            AccountRecords(file).add(replace(account, label=FORGER, state=AccountState.CURRENT))
            held = [each for of in permissions.of.values() for each in of]
            forger = [Permission(victim.deployer, act) for act in ActKind]
            PermissionRecords(file, now_ms).add([*held, *forger], FORGER)
        behind = max(0.0, time.time() - begins)
        with Chain.open(scratch, keystore=victim.keystore, clock=lambda: time.time() - behind) as chain:
            for _ in range(victim.nonce):  # the same nonce gives the contract the same address
                chain.send(FORGER, to=account.address)
            chain.wait(chain.send(FORGER, to=None, data=victim.deployment))
            yield chain
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
