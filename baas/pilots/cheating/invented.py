"""Documents that never went through the log, with the entries that the operator makes for them."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.evidence.commitment import commit, new_salt
from sandbox.evidence.digest import DEFAULT, Digest, digest_bytes
from sandbox.evidence.entry import Entry


@dataclass(frozen=True, slots=True)
class Invented:
    entry: Entry
    digest: Digest
    salt: bytes


def invented(label: str) -> Invented:
    digest, salt = digest_bytes(f"Document fictici: {label}".encode()), new_salt()
    return Invented(Entry("notarise", commit(DEFAULT, digest.value, salt)), digest, salt)
