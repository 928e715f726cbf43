"""A receipt in each encoding, as tests need it."""

from __future__ import annotations

import re
from typing import Any

from fpdf import FPDF

from sandbox.errors import EvidenceError
from sandbox.evidence import cose, encodings, qr, tlog_proof
from sandbox.evidence.context import SharedWork
from sandbox.evidence.encodings import COSE_FILE, JSON_FILE, TLOG_PROOF_FILE, Encoding
from sandbox.evidence.note import NoteSigner
from sandbox.evidence.policy import LOG_ONLY, STANDARD, Policy
from sandbox.evidence.receipt import Receipt
from sandbox.evidence.trust import TrustRoot

#: What each encoding can be asked for.
POLICIES: dict[Encoding, Policy] = {
    Encoding.JSON: STANDARD,
    Encoding.COSE: LOG_ONLY,
    Encoding.TLOG_PROOF: LOG_ONLY,
    Encoding.PDF: STANDARD,
    Encoding.QR: LOG_ONLY,
}


def files(receipt: Receipt, signer: NoteSigner) -> dict[str, bytes]:
    """What a receipt's PDF embeds."""
    tokens = {f"token-{place}.tsr": token for place, token in enumerate(receipt.timestamps, start=1)}
    return {
        JSON_FILE: receipt.to_bytes(),
        COSE_FILE: cose.issue_inclusion(receipt, signer).to_bytes(),
        TLOG_PROOF_FILE: tlog_proof.from_receipt(receipt).to_bytes(),
        **tokens,
    }


def pdf_of(embedded: dict[str, bytes], *, compress: bool = False) -> bytes:
    """A page with files embedded by the library that writes our PDFs."""
    made = FPDF()
    made.add_page()
    for name, data in embedded.items():
        made.embed_file(bytes=data, basename=name, compress=compress)
    return bytes(made.output())


def encoded(receipt: Receipt, signer: NoteSigner) -> dict[Encoding, bytes]:
    made = files(receipt, signer)
    return {
        Encoding.JSON: made[JSON_FILE],
        Encoding.COSE: made[COSE_FILE],
        Encoding.TLOG_PROOF: made[TLOG_PROOF_FILE],
        Encoding.PDF: pdf_of(made),
        Encoding.QR: qr.encode(made[COSE_FILE]).encode(),
    }


def of(world: Any, **changes: Any) -> dict[Encoding, bytes]:
    changed = world.but(**changes)
    return encoded(changed.receipt(), changed.log_signer)


class Judge:
    """Verifies altered files of one proof, and compares their reports with the true one's."""

    def __init__(self, document: bytes, data: bytes, trust: TrustRoot, encoding: Encoding) -> None:
        self.document, self.trust, self.policy = document, trust, POLICIES[encoding]
        self.work = SharedWork()
        true = encodings.verify(document, data, trust, self.policy)
        assert true.ok
        self.true = true.to_dict()

    def accepts(self, data: bytes) -> bool:
        """Whether an altered file passes. Fails the test if it does with another report."""
        try:
            proof = encodings.read(data)
        except EvidenceError:
            return False
        report = encodings.verify(self.document, proof, self.trust, self.policy, work=self.work)
        if report.ok:
            assert report.to_dict() == self.true
        return report.ok


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def stream_of(data: bytes, name: str) -> tuple[int, int]:
    """Where the stream of an embedded file is."""
    listed = re.search(rb"/EF <</F (\d+) 0 R>>\n/F \(" + re.escape(name.encode()) + rb"\)", data)
    assert listed
    head = re.search(
        rb"\n" + listed[1] + rb" 0 obj\n<<\n(?:.*\n)*?/Length (\d+)\n(?:.*\n)*?>>\nstream\n", data
    )
    assert head
    return head.end(), head.end() + int(head[1])
