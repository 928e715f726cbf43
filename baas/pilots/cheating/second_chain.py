"""What the operator of a chain can make with its own keys: the chain once more, from its beginning or from today."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from baas.pilots.cheating.invented import Invented
from sandbox import notary
from sandbox.account_records import AccountRecords, AccountState
from sandbox.chain import Chain
from sandbox.chain_file import DATABASE, ChainFile
from sandbox.engines import engine
from sandbox.evidence import merkle
from sandbox.evidence.entry import Entry
from sandbox.evidence.note import NoteSigner
from sandbox.evidence.receipt import Inclusion, Receipt, SaltedDigest, anchor_from_json
from sandbox.evidence.trust import TrustRoot
from sandbox.journal import Journal
from sandbox.keystore import Vault
from sandbox.permission_records import PermissionRecords
from sandbox.permissions import ActKind, Permission

#: The label of the deploying account on the second chain, whatever it is on the first.
FORGER = "forger"


@dataclass(frozen=True, slots=True)
class Victim:
    """What the operator attacks: its own log and chain.

    `kept` are the receipts that others hold from before, `newest` is one under the log's newest checkpoint. `keystore`
    opens the chain's keys, as the operator can. The contract was deployed by `deployer` (20 bytes) with `deployment`
    (init code) as its transaction number `nonce`; `anchoring` is the label of the account that anchors.
    """

    chain: Path
    keystore: Vault
    deployer: bytes
    deployment: bytes
    nonce: int
    contract: bytes
    anchoring: str
    signer: NoteSigner
    entries: tuple[Entry, ...]
    kept: tuple[Receipt, ...]
    newest: Receipt
    trust: TrustRoot


def earliest(victim: Victim) -> float:
    """The first second (Unix time) in which both the log's and the chain's keys are valid for a verifier."""
    (log,) = (each for each in victim.trust.logs if each.origin == victim.signer.name)
    (chain,) = (each for each in victim.trust.chains if each.chain_id == log.chain_id)
    return max(key.valid_from.timestamp() for key in (*log.keys, *chain.sealing_keys)) + 1


def issued(
    victim: Victim,
    chain: Chain,
    account: str,
    invented: Invented,
    leaves: Sequence[bytes],
    shown: str,
    grown_from: int = 0,
) -> Receipt:
    """A receipt for an invented document in a log of these leaves, anchored on a chain of the operator's own.

    `grown_from` is the size that this chain's contract knows already.
    """
    transaction = chain.send(
        account, to=victim.contract, data=notary.notarise_batch(merkle.root(leaves), grown_from, len(leaves))
    )
    chain.wait(transaction)
    anchor = anchor_from_json(chain.anchor_evidence(transaction))
    index = leaves.index(invented.entry.leaf_hash())
    proof = tuple(merkle.inclusion_proof(leaves, index))
    document = SaltedDigest(invented.digest.algorithm, invented.digest.value, invented.salt)
    place = Inclusion(victim.signer.name, index, len(leaves), proof)
    return Receipt(document, invented.entry, place, shown, anchor)


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
    with _scratch() as scratch:
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


@contextmanager
def fork(victim: Victim) -> Iterator[Chain]:
    """The victim's own chain as it is now, once more: what follows on it happens on neither the victim's nor another."""
    with _scratch() as scratch:
        with closing(sqlite3.connect(victim.chain / DATABASE, timeout=30)) as source:
            source.execute("VACUUM INTO ?", (str(scratch / DATABASE),))
        (scratch / DATABASE).chmod(0o600)
        with Chain.open(scratch, keystore=victim.keystore) as chain:
            yield chain


@contextmanager
def _scratch() -> Iterator[Path]:
    scratch = Path(tempfile.mkdtemp(prefix="second-chain-"))
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
