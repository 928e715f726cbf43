"""The example documents are what their README says: 200 PDFs, five countersigned, a book of 1,000 decrees."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import io
import sys
from pathlib import Path
from types import ModuleType

import pytest
from asn1crypto import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
DOCUMENTS = sorted((EXAMPLES / "documents").glob("*.pdf"))
COUNTERSIGNED = sorted((EXAMPLES / "countersigned").glob("*.pdf"))


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("examples_make", EXAMPLES / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up by name
    spec.loader.exec_module(module)
    return module


def test_there_are_200_different_pdf_files_of_a_small_size() -> None:
    contents = [path.read_bytes() for path in DOCUMENTS]
    assert len(contents) == 200
    assert len({hashlib.sha256(content).digest() for content in contents}) == 200
    assert all(content.startswith(b"%PDF-") and content.endswith(b"%%EOF\n") for content in contents)
    assert sum(map(len, contents)) < 1_500_000


@pytest.mark.parametrize("path", DOCUMENTS[::20], ids=lambda path: path.name)
def test_a_sample_parses_as_pdf_with_one_page(path: Path) -> None:
    reader = PdfFileReader(io.BytesIO(path.read_bytes()))
    assert int(reader.root["/Pages"]["/Count"]) == 1


def test_no_unsigned_file_carries_a_signature() -> None:
    signed = {path.name for path in DOCUMENTS if b"/ByteRange" in path.read_bytes()}
    assert signed == {path.name for path in COUNTERSIGNED}
    assert len(signed) == 5


@pytest.mark.parametrize("path", COUNTERSIGNED, ids=lambda path: path.name)
def test_a_countersigned_file_extends_the_signed_one_and_both_signatures_hold(path: Path) -> None:
    first, second = (EXAMPLES / "documents" / path.name).read_bytes(), path.read_bytes()
    assert second.startswith(first)
    assert len(second) > len(first)
    assert (first.count(b"%%EOF"), second.count(b"%%EOF")) == (1, 2)
    names = []
    for signature in PdfFileReader(io.BytesIO(second)).embedded_signatures:
        certificate = signature.signer_cert
        assert isinstance(certificate, x509.Certificate)
        status = validate_pdf_signature(signature, ValidationContext(trust_roots=[certificate]))
        assert status.intact
        assert status.valid
        names.append(certificate.subject.native["common_name"])
    assert names == ["Sandbox Secretaria, fictici", "Sandbox Alcaldia, fictici"]


def test_the_book_of_decrees_has_1000_rows_with_unique_keys() -> None:
    with (EXAMPLES / "decrees.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";", strict=True))
    assert len(rows) == 1000
    assert len({row["numero"] for row in rows}) == 1000
    assert all(row["estat"] in {"vigent", "executat", "arxivat"} for row in rows)
    assert [row["data"] for row in rows] == sorted(row["data"] for row in rows)


def test_making_them_again_gives_the_same_bytes(maker: ModuleType, tmp_path: Path) -> None:
    maker.make(tmp_path, indexes=(7, 90, 130, 199))
    made = sorted((tmp_path / "documents").glob("*.pdf"))
    assert len(made) == 4
    for path in made:
        assert path.read_bytes() == (EXAMPLES / "documents" / path.name).read_bytes(), path.name
    assert (tmp_path / "decrees.csv").read_bytes() == (EXAMPLES / "decrees.csv").read_bytes()


def test_signed_files_that_are_there_are_kept(maker: ModuleType, tmp_path: Path) -> None:
    maker.make(tmp_path, indexes=(0,))
    path = tmp_path / "documents" / maker.document(0).name
    once = path.read_bytes()
    maker.make(tmp_path, indexes=(0,))
    assert path.read_bytes() == once
    maker.make(tmp_path, indexes=(0,), sign_anew=True)
    assert path.read_bytes() != once
    assert (tmp_path / "countersigned" / path.name).read_bytes().startswith(path.read_bytes())
