"""Cosignatures (C2SP tlog-cosignature, Ed25519 `cosignature/v1`, type 0x04): what a witness states of a checkpoint.

A cosignature is one more line of the checkpoint's note. Its signature is 8 bytes of time (seconds since 1970, big
endian) and 64 of Ed25519 (RFC 8032) over

    cosignature/v1
    time <seconds, decimal>
    <the checkpoint's text: origin, size, root>

It says: at that time this was the largest tree that I had seen of that log, and it extends all that I cosigned before.
The message does not hold the witness's name: a key must not be used under two names.

Cosignatures by unknown keys are counted and ignored; one wrong cosignature by a known key refuses the checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sandbox.errors import MalformedEvidence
from sandbox.evidence.note import NoteVerifier, by_identity, line, split

if TYPE_CHECKING:  # only a witness needs the library
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

#: The signature type byte of Ed25519 cosignatures.
COSIGNATURE = b"\x04"
_TIME_SIZE, _SIGNATURE_SIZE = 8, 64


class CosignatureVerifier(NoteVerifier):
    """A witness's name and Ed25519 public key; `from_vkey` and `vkey` are of type 4."""

    TYPE: ClassVar[bytes] = COSIGNATURE

    def verify(self, text: str, signature: bytes) -> None:
        """Raise VerificationError unless `signature`, its time included, is this witness's over `text`."""
        super().verify(_message(text, time_of(signature, self.name)), signature[_TIME_SIZE:])


@dataclass(frozen=True, slots=True)
class Cosignature:
    """That a witness's key signed a checkpoint, and when it says it did, in seconds since 1970."""

    verifier: CosignatureVerifier
    signature: bytes

    @property
    def time(self) -> int:
        return time_of(self.signature, self.verifier.name)

    @property
    def line(self) -> str:
        return line(self.verifier, self.signature)


@dataclass(frozen=True, slots=True)
class Cosigned:
    """The cosignatures of a checkpoint by known keys (the earliest of each), and how many other signatures it has."""

    cosignatures: tuple[Cosignature, ...]
    unknown: int


class Cosigner:
    """A witness's name and private key (its 32-byte seed, or the key object)."""

    def __init__(self, name: str, private_key: Ed25519PrivateKey | bytes) -> None:
        if isinstance(private_key, bytes):
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

            private_key = Ed25519PrivateKey.from_private_bytes(private_key)
        self.verifier = CosignatureVerifier(name, private_key.public_key())
        self._key = private_key

    def cosign(self, text: str, time: int) -> Cosignature:
        """The cosignature of a checkpoint's text at `time`. Only for one that extends all that were cosigned before."""
        signature = self._key.sign(_message(text, time).encode())
        return Cosignature(self.verifier, time.to_bytes(_TIME_SIZE, "big") + signature)


def open_cosignatures(note_text: str, witnesses: Iterable[CosignatureVerifier]) -> Cosigned:
    """Check every cosignature by a known key; none need be there. Who signed for the log is checked elsewhere.

    MalformedEvidence: not a note. VerificationError: a known key's cosignature is wrong.
    """
    known = by_identity(witnesses)
    text, signatures = split(note_text)
    found: dict[CosignatureVerifier, Cosignature] = {}
    unknown = set()
    for name, key_id, signature in signatures:
        verifier = known.get((name, key_id))
        if verifier is None:
            unknown.add((name, key_id + signature))
            continue
        verifier.verify(text, signature)
        new = Cosignature(verifier, signature)
        found[verifier] = min(found.get(verifier, new), new, key=lambda each: each.time)
    return Cosigned(tuple(found.values()), len(unknown))


def with_cosignatures(note_text: str, cosignatures: Sequence[Cosignature]) -> str:
    """The same note with these lines at its end; those that it has already are not repeated."""
    lines = dict.fromkeys(each.line for each in cosignatures)
    return note_text + "".join(new for new in lines if new not in note_text)


def time_of(signature: bytes, name: str) -> int:
    """The time that a cosignature states, unchecked. MalformedEvidence when it has not that form."""
    if len(signature) != _TIME_SIZE + _SIGNATURE_SIZE:
        raise MalformedEvidence(
            f"a cosignature has {_TIME_SIZE} bytes of time and {_SIGNATURE_SIZE} of signature; "
            f"that by {name!r} has {len(signature)}"
        )
    time = int.from_bytes(signature[:_TIME_SIZE], "big")
    if time >= 2**63:
        raise MalformedEvidence(f"the cosignature by {name!r} has a time of 2^63 seconds or more")
    return time


def _message(text: str, time: int) -> str:
    return f"cosignature/v1\ntime {time}\n{text}"
