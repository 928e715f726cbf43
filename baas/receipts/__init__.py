"""Receipts as files: in which formats one can be had, and what each is made with.

To add a format, add its slug to `Format` and its `Rendering` to `RENDERINGS`: the API's `format`, the command line's and
the client's follow. A rendering takes what it needs from a `Source`, imports heavy libraries only when it is called, and
gives the same bytes for the same source and language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from baas.texts import DEFAULT
from sandbox.errors import MalformedEvidence
from sandbox.evidence import qr, tlog_proof
from sandbox.evidence.cose import issue_inclusion
from sandbox.evidence.encodings import COSE_FILE, JSON_FILE, TLOG_PROOF_FILE
from sandbox.evidence.note import NoteSigner
from sandbox.evidence.receipt import Receipt


class Format(StrEnum):
    """A receipt's file format, by its slug."""

    JSON = "json"
    COSE = "cose"
    TLOG_PROOF = "tlog-proof"
    PDF = "pdf"
    QR = "qr"


@dataclass(frozen=True, slots=True)
class Source:
    """What a rendering is made from: the receipt, and the log's key, which signs the roots that it states already.

    `operators` is how many must collude for another view of the log, by the witnesses that it asks; None without any.
    """

    receipt: Receipt
    signer: NoteSigner
    operators: int | None = None

    def cose(self) -> bytes:
        """The COSE receipt of the same entry under the same root: the same bytes each time."""
        return issue_inclusion(self.receipt, self.signer).to_bytes()

    def tlog_proof(self) -> bytes:
        return tlog_proof.from_receipt(self.receipt).to_bytes()


@dataclass(frozen=True, slots=True)
class Rendering:
    """How a receipt becomes a file of one format; `suffix` follows the document's or notarisation's name.

    `render` takes the source and a language of `baas.texts`, which only what people read makes use of.
    """

    media_type: str
    suffix: str
    render: Callable[[Source, str], bytes]

    @property
    def is_text(self) -> bool:
        """Whether it can be shown where text is."""
        return self.media_type.startswith("text/") or self.media_type == "application/json"


def _pdf(source: Source, language: str) -> bytes:
    from baas.receipts.pdf import Embedded, pdf

    cose = source.cose()
    files = [
        Embedded(JSON_FILE, source.receipt.to_bytes(), "application/json", "receipt-json"),
        Embedded(COSE_FILE, cose, "application/cose", "receipt-cose"),
        Embedded(TLOG_PROOF_FILE, source.tlog_proof(), "text/plain", "receipt-tlog-proof"),
    ]
    for number, token in enumerate(source.receipt.timestamps, start=1):
        files.append(Embedded(f"token-{number}.tsr", token, "application/timestamp-reply", "token"))
    try:
        text = qr.encode(cose)
    except MalformedEvidence:  # longer than any code holds: the page goes without
        text = None
    return pdf(source.receipt, text, files, language, source.operators)


def _qr(source: Source, _: str) -> bytes:
    from baas.receipts.qr_image import png, qr_code

    return png(qr_code(qr.encode(source.cose())))


RENDERINGS: Mapping[Format, Rendering] = MappingProxyType(
    {
        Format.JSON: Rendering(
            "application/json", ".receipt.json", lambda source, _: source.receipt.to_bytes()
        ),
        Format.COSE: Rendering("application/cose", ".receipt.cose", lambda source, _: source.cose()),
        Format.TLOG_PROOF: Rendering(
            "text/plain; charset=utf-8",
            ".tlog-proof",
            lambda source, _: source.tlog_proof(),
        ),
        Format.PDF: Rendering("application/pdf", ".receipt.pdf", _pdf),
        Format.QR: Rendering("image/png", ".receipt.png", _qr),
    }
)


def render(source: Source, format_: Format, language: str = DEFAULT) -> bytes:
    """The receipt as a file of that format."""
    return RENDERINGS[format_].render(source, language)
