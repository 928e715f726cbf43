"""A hand-over whose last step the chain's operator rewrites: a block of its own making, which its key seals.

No engine would make this block: a rewritten transaction is signed by nobody that the contract knows. The operator needs
none. A block is what its header says, and the header is what the sealing key signs.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

from baas.pilots.cheating.second_chain import Victim
from sandbox.chain_file import ChainFile
from sandbox.evidence import header, note, rlp, sealer
from sandbox.evidence.commitment import new_salt
from sandbox.evidence.digest import digest_bytes
from sandbox.evidence.hand_over_file import HandOverEvidence
from sandbox.evidence.keccak import keccak
from sandbox.evidence.note import NoteSigner
from sandbox.evidence.receipt import SaltedDigest
from sandbox.journal import SEALING_KEY, Journal, key_name

#: Where a header has the roots of its transactions and of their receipts.
_TRANSACTIONS, _RECEIPTS = 4, 5
#: The path of a leaf that holds all of a trie whose only key is the RLP of zero.
_ONLY = b"\x20\x80"


def rewritten(evidence: HandOverEvidence, signer: NoteSigner) -> HandOverEvidence:
    """The same hand-over with another outcome, everything of it proven under a header that `signer` seals."""
    last = evidence.steps[-1]
    assert last.opens is not None
    outcome = SaltedDigest("sha-256", digest_bytes(b"Document fictici: un altre").value, new_salt())
    old, new = last.opens.commitment(), outcome.commitment()
    transaction, receipt = last.transaction.replace(old, new), last.receipt.replace(old, new)
    (transactions, in_transactions), (receipts, in_receipts) = _alone(transaction), _alone(receipt)
    items = rlp.as_list(rlp.decode(last.header, "header"), "header")
    items[_TRANSACTIONS], items[_RECEIPTS] = transactions, receipts
    made = rlp.encode(items)
    block = replace(sealer.parse(note.split(last.sealer_note)[0]), hash=header.parse(made).hash)
    step = replace(
        last,
        header=made,
        transaction=transaction,
        transaction_index=0,
        transaction_proof=in_transactions,
        receipt=receipt,
        receipt_proof=in_receipts,
        sealer_note=sealer.sign_sealed_block(block, [signer]),
        opens=outcome,
    )
    return replace(evidence, steps=(*evidence.steps[:-1], step))


def sealing_key(victim: Victim) -> NoteSigner:
    """The key with which the victim's chain is sealed, which its operator has."""
    with closing(ChainFile(victim.chain)) as file:
        row = Journal(file).chain()
    return NoteSigner(key_name(row), victim.keystore.unwrap(row.sealing_key, SEALING_KEY))


def _alone(value: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    """The root of a trie with this one value, and the proof of it."""
    leaf = rlp.encode([_ONLY, value])
    return keccak(leaf), (leaf,)
