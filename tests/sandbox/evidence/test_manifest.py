"""Folder manifests: each file leads to the header that was notarised, and nothing else does."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from sandbox.errors import VerificationError
from sandbox.evidence import manifest, merkle
from sandbox.evidence.digest import digest_bytes
from sandbox.evidence.receipt import SaltedDigest

FILES = [f"fitxer {n}".encode() for n in range(11)]


def salted(data: bytes, salt: bytes) -> SaltedDigest:
    return SaltedDigest("sha-256", digest_bytes(data).value, salt)


MADE = [salted(data, bytes([n]) * 32) for n, data in enumerate(FILES)]
HEADER, PLACES = manifest.places(MADE)
NOTARISED = salted(HEADER, b"\xff" * 32)


def test_the_header_is_the_rfc_9162_root_of_the_commitments() -> None:
    leaves = [merkle.leaf_hash(each.commitment()) for each in MADE]
    assert json.loads(HEADER) == {
        "v": 1,
        "type": "baas-manifest",
        "size": len(FILES),
        "root": merkle.root(leaves).hex(),
    }


@pytest.mark.parametrize("place", PLACES)
def test_each_file_leads_to_it(place: manifest.FilePlace) -> None:
    manifest.require_header(place, NOTARISED)


@pytest.mark.parametrize(
    "change",
    [
        {"index": 4},
        {"size": 12},
        {"proof": PLACES[4].proof},
        {"file": salted(b"another", bytes([3]) * 32)},
        {"file": salted(FILES[3], bytes(32))},
        {"proof": ()},
        {"index": 11},
    ],
)
def test_what_was_changed_leads_elsewhere(change: dict[str, object]) -> None:
    with pytest.raises(VerificationError):
        manifest.require_header(replace(PLACES[3], **change), NOTARISED)  # type: ignore[arg-type]
