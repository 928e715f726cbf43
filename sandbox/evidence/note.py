"""Signed notes (C2SP signed-note v1.0.0): a text, a blank line, and one Ed25519 signature line per key.

    <text, ending in a newline>
    <blank line>
    — <key name> <base64 of the 4-byte key id and the 64-byte signature>

The key id is SHA-256(name || "\\n" || 0x01 || public key)[:4]: it identifies, it does not authenticate.
Signatures by unknown keys are counted and ignored; one bad signature by a known key refuses the note.
A witness's dated cosignature is a line of the same form with another type byte: `cosignature.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, ClassVar, Self, TypeVar

from sandbox.errors import MalformedEvidence, VerificationError
from sandbox.evidence import ed25519
from sandbox.evidence.encoding import from_base64, to_base64
from sandbox.evidence.reasons import because

if TYPE_CHECKING:  # only who signs needs the library: notes are opened without it too
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

#: The signature type byte of Ed25519 notes.
ED25519 = b"\x01"
MAX_NOTE_BYTES = 1_000_000
MAX_SIGNATURES = 100
_VKEY = re.compile(r"(?P<name>[^+]+)\+(?P<id>[0-9a-f]{8})\+(?P<key>.+)")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_KEY_NAME = re.compile(r"[^\s+\x00-\x1f]+")
AnyVerifier = TypeVar("AnyVerifier", bound="NoteVerifier")


class NoteVerifier:
    """A named Ed25519 public key (its 32 bytes, or the key object) that notes are checked against."""

    TYPE: ClassVar[bytes] = ED25519

    def __init__(self, name: str, public_key: Ed25519PublicKey | bytes) -> None:
        if not _KEY_NAME.fullmatch(name):
            raise MalformedEvidence(f"a key name needs characters, none of them a space or '+'; got {name!r}")
        self.name = name
        self.public_bytes = public_key if isinstance(public_key, bytes) else public_key.public_bytes_raw()
        ed25519.require_key(self.public_bytes, f"key {name!r}")
        self.key_id = sha256(name.encode() + b"\n" + self.TYPE + self.public_bytes).digest()[:4]

    @classmethod
    def from_vkey(cls, vkey: str) -> Self:
        """The verifier that a vkey names: `name+hex key id+base64(type || public key)`."""
        match = _VKEY.fullmatch(vkey)
        if match is None:
            raise MalformedEvidence(f"a verifier key looks like name+1a2b3c4d+base64, got {vkey[:120]!r}")
        encoded = from_base64(match["key"], f"verifier key {match['name']!r}", length=33)
        if encoded[:1] != cls.TYPE:
            raise MalformedEvidence(
                f"verifier key {match['name']!r}: expected type {cls.TYPE[0]} (Ed25519), got {encoded[0]}"
            )
        verifier = cls(match["name"], encoded[1:])
        if verifier.key_id.hex() != match["id"]:
            raise MalformedEvidence(
                f"verifier key {match['name']!r}: the key's id is {verifier.key_id.hex()}, not {match['id']}"
            )
        return verifier

    @property
    def vkey(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{to_base64(self.TYPE + self.public_bytes)}"

    def verify(self, text: str, signature: bytes) -> None:
        """Raise VerificationError unless `signature` is this key's over `text` (RFC 8032)."""
        if not ed25519.verify(self.public_bytes, signature, text.encode()):
            raise because(
                "note.wrong-signature",
                "the signature by {key} is wrong",
                key=f"{self.name}+{self.key_id.hex()}",
            )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NoteVerifier) and (self.name, self.TYPE, self.public_bytes) == (
            other.name,
            other.TYPE,
            other.public_bytes,
        )

    def __hash__(self) -> int:
        return hash((self.name, self.TYPE, self.public_bytes))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.vkey!r})"


class NoteSigner:
    """A named Ed25519 private key (its 32-byte seed, or the key object) that signs notes."""

    def __init__(self, name: str, private_key: Ed25519PrivateKey | bytes) -> None:
        if isinstance(private_key, bytes):
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

            private_key = Ed25519PrivateKey.from_private_bytes(private_key)
        self.verifier = NoteVerifier(name, private_key.public_key())
        self._key = private_key

    @property
    def name(self) -> str:
        return self.verifier.name

    def signature_line(self, text: str) -> str:
        return line(self.verifier, self._key.sign(text.encode()))

    def sign_bytes(self, data: bytes) -> bytes:
        """The key's signature over these very bytes, which no note can begin with: they are not UTF-8 (`cose`)."""
        if data[:1] < b"\x80":
            raise ValueError("these bytes could be a note's text: sign them as one")
        return self._key.sign(data)


@dataclass(frozen=True, slots=True)
class OpenedNote:
    """A note's text and who vouches for it: the known keys that signed, and how many unknown ones did."""

    text: str
    verified: tuple[NoteVerifier, ...]
    unknown_signatures: int

    @property
    def verified_names(self) -> tuple[str, ...]:
        return tuple(verifier.name for verifier in self.verified)


def sign(text: str, signers: Sequence[NoteSigner]) -> str:
    """The note of `text` with one signature line per signer, in their order."""
    if not text.endswith("\n") or _CONTROL.search(text):
        raise MalformedEvidence(
            f"a note's text ends in a newline and has no other control character; got {text[-80:]!r}"
        )
    if not signers:
        raise ValueError("a note needs at least one signer")
    return text + "\n" + "".join(signer.signature_line(text) for signer in signers)


def open_note(text: str, verifiers: Iterable[NoteVerifier]) -> OpenedNote:
    """Read a note and check every signature by a known key; at least one must be there.

    MalformedEvidence: not a note. VerificationError: a known key's signature is wrong, or none is there.
    """
    known = by_identity(verifiers)
    body, signatures = split(text)
    verified: dict[tuple[str, bytes], NoteVerifier] = {}
    unknown: set[tuple[str, bytes]] = set()
    for name, key_id, signature in signatures:
        identity = (name, key_id)
        if identity in verified:
            continue  # a repeated signature adds nothing
        if identity not in known:
            unknown.add((name, key_id + signature))
            continue
        known[identity].verify(body, signature)
        verified[identity] = known[identity]
    if not verified:
        named = ", ".join(sorted({name for name, _, _ in signatures}))
        if not known:
            raise because(
                "note.no-key",
                "no known key signed this note: it names {named}; known here: none",
                named=named,
            )
        here = ", ".join(sorted(verifier.name for verifier in known.values()))
        raise because(
            "note.unknown-key",
            "no known key signed this note: it names {named}; known here: {known}",
            named=named,
            known=here,
        )
    return OpenedNote(body, tuple(verified.values()), len(unknown))


def line(verifier: NoteVerifier, signature: bytes) -> str:
    """The line of a note that says: this key signed it so."""
    return f"— {verifier.name} {to_base64(verifier.key_id + signature)}\n"


def by_identity(verifiers: Iterable[AnyVerifier]) -> dict[tuple[str, bytes], AnyVerifier]:
    """Known keys by what a signature line names: key name and key id. VerificationError when two keys share them."""
    known: dict[tuple[str, bytes], AnyVerifier] = {}
    for verifier in verifiers:
        other = known.setdefault((verifier.name, verifier.key_id), verifier)
        if other != verifier:
            raise VerificationError(f"two known keys share the name and id {other.name}+{other.key_id.hex()}")
    return known


def split(text: str) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """A note's text and its signatures as (key name, key id, signature), all still unchecked."""
    if len(text) > MAX_NOTE_BYTES or _CONTROL.search(text) or "\ufffd" in text:
        raise MalformedEvidence("a note is UTF-8 text of at most 1 MB without control characters")
    separator = text.rfind("\n\n")
    body, block = text[: separator + 1], text[separator + 2 :]
    if separator < 0 or not block.endswith("\n"):
        raise MalformedEvidence(
            "a note is a text, a blank line, and signature lines that each end in a newline"
        )
    lines = block[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise MalformedEvidence(f"a note has at most {MAX_SIGNATURES} signatures, got {len(lines)}")
    return body, [_signature(line) for line in lines]


def _signature(line: str) -> tuple[str, bytes, bytes]:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "—" or not _KEY_NAME.fullmatch(parts[1]):
        raise MalformedEvidence(f"a signature line is '— name base64', got {line[:120]!r}")
    data = from_base64(parts[2], f"signature by {parts[1]!r}")
    if len(data) < 5:
        raise MalformedEvidence(f"signature by {parts[1]!r}: expected a 4-byte key id and a signature")
    return parts[1], data[:4], data[4:]
