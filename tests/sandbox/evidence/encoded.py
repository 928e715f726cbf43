"""A receipt in each encoding, as tests need it."""

from __future__ import annotations

from typing import Any

from fpdf import FPDF

from sandbox.evidence import cose, qr, tlog_proof
from sandbox.evidence.encodings import COSE_FILE, JSON_FILE, TLOG_PROOF_FILE, Encoding
from sandbox.evidence.note import NoteSigner
from sandbox.evidence.policy import LOG_ONLY, STANDARD, Policy
from sandbox.evidence.receipt import Receipt

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
