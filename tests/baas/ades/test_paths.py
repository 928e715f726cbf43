"""Reading what paths are made of: once in each thread for what is small, and never half."""

from __future__ import annotations

import threading

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from baas.ades import paths
from tests.baas.ades.pki import Pki


def test_a_thread_reads_the_same_certificate_once_and_another_one_reads_its_own(pki: Pki) -> None:
    der = pki.root.certificate.public_bytes(Encoding.DER)
    first, elsewhere = paths.read_certificate(der), []
    assert first is not None
    assert first.dump() == der
    assert paths.read_certificate(bytes(bytearray(der))) is first
    other = threading.Thread(target=lambda: elsewhere.append(paths.read_certificate(der)))
    other.start()
    other.join()
    assert elsewhere[0] is not first
    assert elsewhere[0].dump() == der


def test_what_cannot_be_read_is_none_each_time(pki: Pki) -> None:
    der = pki.root.certificate.public_bytes(Encoding.DER)
    for _ in range(2):
        assert paths.read_certificate(der[:-1]) is None
        assert paths.read_certificate(b"") is None


def test_what_is_large_is_not_kept(pki: Pki, monkeypatch: pytest.MonkeyPatch) -> None:
    der = pki.root.certificate.public_bytes(Encoding.DER)
    monkeypatch.setattr(paths, "MOST_KEPT_BYTES", len(der) - 1)
    assert paths.read_certificate(der) is not paths.read_certificate(der)
