from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import DocumentChanged, EvidenceError, MalformedEvidence
from sandbox.evidence import commitment, digest
from sandbox.evidence.digest import Digest, digest_bytes, digest_file

# FIPS 180-4 and FIPS 202 examples: the digests of "abc".
ABC = {
    "sha-256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "sha-512": "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    "sha3-256": "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
}


@pytest.mark.parametrize(("slug", "expected"), ABC.items())
def test_published_digests(slug: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "abc"
    path.write_bytes(b"abc")
    assert digest_bytes(b"abc", slug) == Digest(slug, bytes.fromhex(expected)) == digest_file(path, slug=slug)


def test_progress_and_large_files(tmp_path: Path) -> None:
    data = os.urandom(1 << 10) * (2 << 10) + b"end"
    path = tmp_path / "large"
    path.write_bytes(data)
    seen: list[tuple[int, int]] = []
    assert (
        digest_file(path, lambda done, total: seen.append((done, total))).value
        == hashlib.sha256(data).digest()
    )
    assert seen == [(1 << 20, len(data)), (2 << 20, len(data)), (len(data), len(data))]


def test_a_file_that_changes_while_it_is_hashed(tmp_path: Path) -> None:
    def grow(path: Path) -> None:
        with path.open("ab") as file:
            file.write(b"more")

    def touch(path: Path) -> None:
        os.utime(path, ns=(1, 1))

    def replace(path: Path) -> None:
        other = path.with_suffix(".new")
        other.write_bytes(path.read_bytes())
        stat = path.stat()
        os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        other.replace(path)

    def truncate(path: Path) -> None:
        os.truncate(path, 10)

    for number, change in enumerate((grow, touch, replace, truncate, Path.unlink)):
        path = tmp_path / f"file{number}"
        path.write_bytes(bytes(3 << 20))
        with pytest.raises(DocumentChanged, match="changed while it was hashed"):
            digest_file(path, lambda done, _, p=path, c=change: c(p) if done == 1 << 20 else None)


def test_unknown_algorithms_and_wrong_lengths() -> None:
    with pytest.raises(MalformedEvidence, match="md5"):
        digest_bytes(b"", "md5")
    with pytest.raises(MalformedEvidence, match="32 bytes, got 31"):
        Digest("sha-256", bytes(31))
    assert {a.slug for a in digest.ALGORITHMS.values() if a.status == "active"} == {"sha-256"}


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=100))
def test_a_commitment_is_the_hmac_that_the_format_says(salt: bytes, document: bytes) -> None:
    value = hashlib.sha256(document).digest()
    expected = hmac.new(salt, b"baas-sandbox/commitment/v1\x00sha-256\x00" + value, hashlib.sha256).digest()
    assert commitment.commit("sha-256", value, salt) == expected
    assert commitment.check(expected, "sha-256", value, salt)
    assert not commitment.check(expected, "sha3-256", value, salt)
    assert not commitment.check(expected, "sha-256", value, bytes([salt[0] ^ 1]) + salt[1:])
    assert not commitment.check(bytes(32), "sha-256", value, salt)


def test_salts() -> None:
    assert len({commitment.new_salt() for _ in range(50)}) == 50
    assert commitment.new_salt(lambda size: b"x" * size) == b"x" * 32
    with pytest.raises(EvidenceError, match="salt"):
        commitment.commit("sha-256", bytes(32), b"short")
    with pytest.raises(EvidenceError, match="digest"):
        commitment.commit("sha-256", bytes(64), bytes(32))


def test_a_file_that_grows_as_fast_as_it_is_read_does_not_hold_us_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(bytes(1 << 20))

    def grow(_done: int, _total: int) -> None:
        with path.open("ab") as file:
            file.write(bytes(1 << 20))

    with pytest.raises(DocumentChanged):
        digest_file(path, grow)
