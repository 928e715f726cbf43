"""A signer's PEM file: read as it was written, in any order; what is none is refused without a word of the key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from baas.ades import pem
from baas.ades.types import AdesError, Signer
from baas.clock import SystemClock
from baas.trust_service.pki import Pki

TOWN = "9999990001"


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pki]:
    made = Pki.open(tmp_path_factory.mktemp("pki"), SystemClock())
    made.enrol(TOWN, "Ajuntament de Prova")
    yield made
    made.close()


@pytest.fixture(scope="module")
def signer(pki: Pki) -> Signer:
    return pki.application(TOWN).signer


def same(one: Signer, other: Signer) -> bool:
    return (one.certificate, one.chain, one.key.private_numbers()) == (
        other.certificate,
        other.chain,
        other.key.private_numbers(),
    )


def blocks(file: bytes) -> list[bytes]:
    return [b"-----BEGIN" + part for part in file.split(b"-----BEGIN")[1:]]


def test_what_was_written_is_read(signer: Signer) -> None:
    assert signer.chain
    assert same(pem.read(pem.write(signer)), signer)


def test_the_order_says_nothing_and_a_root_is_left_out(signer: Signer, pki: Pki) -> None:
    key, own, above = blocks(pem.write(signer))
    assert same(pem.read(pki.root_pem + above + b"a comment\n" + own + key), signer)


def test_a_key_alone_and_a_certificate_alone_are_no_signer(signer: Signer) -> None:
    key, own, above = blocks(pem.write(signer))
    with pytest.raises(AdesError, match="certificate in PEM"):
        pem.read(key)
    with pytest.raises(AdesError, match="private key in PEM"):
        pem.read(own + above)
    with pytest.raises(AdesError, match="this very key"):
        pem.read(key + above)


def test_a_key_under_a_password_is_refused(signer: Signer) -> None:
    locked = signer.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    _, own, _ = blocks(pem.write(signer))
    with pytest.raises(AdesError, match="without a password"):
        pem.read(locked + own)


def test_what_cannot_be_read_is_not_told(signer: Signer) -> None:
    key, own, _ = blocks(pem.write(signer))
    lines = key.split(b"\n")
    with pytest.raises(AdesError) as refused:
        pem.read(b"\n".join([lines[0], lines[1][:-4] + b"AAAA", *lines[2:]]) + own)
    assert lines[1][:16].decode() not in str(refused.value)
    assert refused.value.__cause__ is None
    with pytest.raises(AdesError, match="bytes"):
        pem.read(b"x" * (pem.MAX_BYTES + 1))


def test_a_file_on_disk(signer: Signer, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(pem.write(signer).replace(b"\n", b"\r\n"))
    assert same(pem.read((tmp_path / "key.pem").read_bytes()), signer)
