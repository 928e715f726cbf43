"""Makes the example documents: 200 fictional PDFs, five of them signed twice, and a book of 1,000 decrees.

    python docs/examples/make.py [--out DIRECTORY] [--sign-anew]

Everything derives from the file's own number through SHA-256, dates are fixed and streams are not
compressed, so the unsigned files and the CSV come out byte for byte the same each time. The five signed
ones cannot: their keys are made here, used once and forgotten. Those already in the directory are kept,
unless --sign-anew.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from asn1crypto import keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fpdf import FPDF
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import BasePdfFileWriter, copy_into_new_writer
from pyhanko.sign import signers
from pyhanko_certvalidator.registry import SimpleCertificateStore

HERE = Path(__file__).resolve().parent
PHRASES: dict[str, Any] = tomllib.loads((HERE / "phrases.toml").read_text("utf-8"))
KINDS = ("decret",) * 80 + ("acta",) * 30 + ("certificat",) * 50 + ("anunci",) * 40
SIGNED = 5  # the first five decrees
DECREES = 1000
FIRST_DAY = date(2024, 1, 8)


@dataclass(frozen=True)
class Document:
    """One fictional document, before it is a PDF."""

    name: str
    administration: str
    organ: str
    title: str
    opening: str
    paragraphs: tuple[str, ...]
    day: date
    signed: bool


def number(limit: int, *about: object) -> int:
    """An integer in 0..limit-1 that depends only on what it is about."""
    seed = "/".join(str(part) for part in about).encode()
    return int.from_bytes(hashlib.sha256(seed).digest()[:8], "big") % limit


def pick(options: Sequence[str], *about: object) -> str:
    return options[number(len(options), *about)]


def words(kind: str, index: int, day: date) -> dict[str, str]:
    """The values that the phrases' blanks take for one document."""
    values = {
        "date": f"{day - timedelta(days=20 + number(40, 'start', index)):%d/%m/%Y}",
        "file": f"X{day.year}/{1000 + number(9000, 'file', index):04d}",
        "number": str(1 + number(24, "number", index)),
        "days": str((10, 15, 20, 30)[number(4, "days", index)]),
        "hour": f"{9 + number(10, 'hour', index)}:{(0, 30)[number(2, 'half', index)]:02d}",
        "votes": str(6 + number(6, "votes", index)),
        "organ": pick(PHRASES["kinds"][kind]["organs"], "organ", index),
    }
    return values | {"matter": pick(PHRASES["matters"], "matter", index).format(**values)}


def document(index: int) -> Document:
    """The document of one index in 0..199."""
    kind = KINDS[index]
    day = FIRST_DAY + timedelta(days=index * 3 + number(3, "day", index))
    values = words(kind, index, day) | {"reference": f"{day.year}/{index + 1:04d}"}
    phrases = PHRASES["kinds"][kind]
    signed = kind == "decret" and index < SIGNED
    return Document(
        name=f"{kind}-{day.year}-{index + 1:04d}{'-signat' if signed else ''}.pdf",
        administration=PHRASES["administrations"][index % len(PHRASES["administrations"])],
        organ=values["organ"],
        title=phrases["title"].format(**values),
        opening=phrases["opening"].format(**values),
        paragraphs=tuple(text.format(**values) for text in phrases["paragraphs"]),
        day=day,
        signed=signed,
    )


def pdf(made: Document) -> bytes:
    """The document as a PDF of one page: core fonts and no compression, so its bytes stay the same."""
    page = FPDF(format="A4")
    page.set_compression(False)
    page.set_creation_date(datetime(made.day.year, made.day.month, made.day.day, 9, tzinfo=UTC))
    page.set_producer("Exemple fictici")
    page.set_title(made.title)
    page.set_author(made.administration)
    page.set_lang("ca")
    page.set_margins(25, 25)
    page.add_page()
    page.set_font("helvetica", "B", 11)
    page.cell(0, 6, made.administration, new_x="LMARGIN", new_y="NEXT")
    page.set_font("helvetica", "", 9)
    page.cell(0, 5, made.organ, new_x="LMARGIN", new_y="NEXT")
    page.line(25, page.get_y() + 2, 185, page.get_y() + 2)
    page.ln(12)
    page.set_font("helvetica", "B", 14)
    page.multi_cell(0, 7, made.title, new_x="LMARGIN", new_y="NEXT")
    page.ln(2)
    page.set_font("helvetica", "", 11)
    for text in (made.opening, *made.paragraphs):
        page.multi_cell(0, 6, text, new_x="LMARGIN", new_y="NEXT")
        page.ln(3)
    page.ln(6)
    page.multi_cell(0, 6, f"{PHRASES['articles'][made.organ]}, {made.day:%d/%m/%Y}", new_x="LMARGIN")
    page.set_auto_page_break(False)  # the footer stands in the bottom margin
    page.set_xy(25, 280)
    page.set_font("helvetica", "I", 8)
    page.cell(0, 5, "Document fictici per a proves. Cap ens, lloc ni acte d'aquest document no existeix.")
    return bytes(page.output())


def throw_away_signer(name: str) -> signers.SimpleSigner:
    """A signer with a new P-256 key and a certificate that it signs itself; nobody keeps the key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = dict.fromkeys(
        ("key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign"), False
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2024, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2034, 1, 1, tzinfo=UTC))
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                content_commitment=True,
                encipher_only=False,
                decipher_only=False,
                **usage,
            ),
            critical=True,
        )
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return signers.SimpleSigner(
        signing_cert=asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER)),
        signing_key=keys.PrivateKeyInfo.load(private),
        cert_registry=SimpleCertificateStore(),
    )


def sign(writer: BasePdfFileWriter, signer: signers.SimpleSigner, field: str, reason: str) -> bytes:
    metadata = signers.PdfSignatureMetadata(field_name=field, reason=reason, md_algorithm="sha256")
    out = io.BytesIO()
    signers.PdfSigner(metadata, signer).sign_pdf(writer, output=out, bytes_reserved=4096)
    return out.getvalue()


def sign_twice(unsigned: bytes) -> tuple[bytes, bytes]:
    """The PDF signed once (one revision) and countersigned (a second revision appended to the same bytes)."""
    secretariat = throw_away_signer("Sandbox Secretaria, fictici")
    mayoralty = throw_away_signer("Sandbox Alcaldia, fictici")
    first = sign(
        copy_into_new_writer(PdfFileReader(io.BytesIO(unsigned))), secretariat, "Secretaria", "Certifico"
    )
    second = sign(IncrementalPdfFileWriter(io.BytesIO(first)), mayoralty, "Alcaldia", "Vist i plau")
    return first, second


def decrees() -> Iterator[tuple[str, str, str, str, str]]:
    """The rows of a fictional book of decrees: numero (the key), data, organ, titol, estat."""
    for index in range(DECREES):
        day = FIRST_DAY + timedelta(days=index * 700 // DECREES)
        values = words("decret", 10_000 + index, day)
        yield (
            f"{day.year}/{index + 1:04d}",
            day.isoformat(),
            values["organ"],
            "Aprovar " + values["matter"],
            pick(PHRASES["states"], "state", index),
        )


def csv_bytes() -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\n")
    writer.writerow(("numero", "data", "organ", "titol", "estat"))
    writer.writerows(decrees())
    return out.getvalue().encode()


def make(out: Path, sign_anew: bool = False, indexes: Sequence[int] = range(len(KINDS))) -> None:
    """Writes documents/, countersigned/ and decrees.csv under `out`; `indexes` limits which documents."""
    documents, countersigned = out / "documents", out / "countersigned"
    documents.mkdir(parents=True, exist_ok=True)
    countersigned.mkdir(exist_ok=True)
    for index in indexes:
        made = document(index)
        path, sibling = documents / made.name, countersigned / made.name
        if not made.signed:
            path.write_bytes(pdf(made))
        elif sign_anew or not (path.exists() and sibling.exists()):
            first, second = sign_twice(pdf(made))
            path.write_bytes(first)
            sibling.write_bytes(second)
    (out / "decrees.csv").write_bytes(csv_bytes())


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the fictional example documents.")
    parser.add_argument("--out", type=Path, default=HERE, help="where to write (default: beside this script)")
    parser.add_argument("--sign-anew", action="store_true", help="make the five signed documents again too")
    arguments = parser.parse_args()
    make(arguments.out, arguments.sign_anew)
    count = len(list((arguments.out / "documents").glob("*.pdf")))
    print(f"{count} documents, {SIGNED} of them countersigned, and {DECREES} decrees in {arguments.out}")


if __name__ == "__main__":
    main()
