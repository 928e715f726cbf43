"""Keys at rest: a vault turns an account's key into a keystore v3, any other secret into sealed bytes, and back.

A keystore v3 is the JSON of the Web3 Secret Storage Definition, which geth, cast and wallets read: AES-128-CTR
under a key that is derived from a password, with a Keccak-256 MAC. In a chain's file the password is a vault's
256 random bits, and so one round of PBKDF2 is enough: stretching helps against guessing, and there is nothing
to guess. What is handed out is under a password of a person's, and is stretched with scrypt as geth does it.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sandbox.accounts import address_of
from sandbox.errors import KeystoreError

#: The file of a chain's own vault, in the chain's directory, where no service keeps one for it.
VAULT_FILE = "keystore-password"
#: Bytes of a keystore that is given to us, and the most that its key derivation may ask for: scrypt's memory is
#: 128·n·r bytes (geth's own n = 2^18, r = 8 asks for 256 MiB), its time grows with n·r·p, PBKDF2's with c.
MAX_KEYSTORE = 64 * 1024
MAX_SCRYPT_MEMORY, MAX_SCRYPT_WORK, MAX_PBKDF2_ROUNDS = 256 * 2**20, 2**23, 5_000_000

_NONCE = 12
_heavy = threading.Lock()  # one derivation under a person's password at a time: each takes a quarter of a GiB


class Vault(Protocol):
    """What keeps the private keys of chains. All of it raises KeystoreError when it cannot open something."""

    def encrypt(self, private_key: bytes) -> str:
        """An account's key as a keystore v3."""

    def decrypt(self, keystore: str) -> bytes:
        """The account's key again."""

    def wrap(self, secret: bytes, purpose: str) -> bytes:
        """Any other secret, bound to its purpose."""

    def unwrap(self, wrapped: bytes, purpose: str) -> bytes:
        """The secret again; not for another purpose than it was wrapped for."""


@dataclass(frozen=True, slots=True)
class PasswordVault:
    """A vault that is one password of 32 random bytes. As text, for tools that ask for one, it is their hex."""

    password: bytes = field(repr=False)

    @classmethod
    def new(cls) -> PasswordVault:
        return cls(secrets.token_bytes(32))

    def __post_init__(self) -> None:
        if len(self.password) != 32:
            raise KeystoreError(f"a keystore's password is 32 bytes, got {len(self.password)}")

    def encrypt(self, private_key: bytes) -> str:
        return _keystore(private_key, self.password.hex(), "pbkdf2", 1)

    def decrypt(self, keystore: str) -> bytes:
        return _private_key(
            json.loads(keystore), self.password.hex(), "this chain's keystore has another password"
        )

    def wrap(self, secret: bytes, purpose: str) -> bytes:
        return wrap(self._wrapping_key(), secret, purpose)

    def unwrap(self, wrapped: bytes, purpose: str) -> bytes:
        return unwrap(self._wrapping_key(), wrapped, purpose)

    def _wrapping_key(self) -> bytes:
        return HKDF(SHA256(), 32, salt=None, info=b"baas-sandbox/wrap").derive(self.password)


def wrap(key: bytes, secret: bytes, purpose: str) -> bytes:
    """AES-256-GCM: a random nonce of 12 bytes, then what is sealed. `purpose` is bound to it as associated data."""
    nonce = secrets.token_bytes(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, secret, purpose.encode())


def unwrap(key: bytes, wrapped: bytes, purpose: str) -> bytes:
    """What was wrapped. KeystoreError for another key or purpose, and when a bit of it was changed."""
    try:
        return AESGCM(key).decrypt(wrapped[:_NONCE], wrapped[_NONCE:], purpose.encode())
    except (InvalidTag, ValueError) as error:
        raise KeystoreError(
            f"the {purpose} cannot be opened: it was sealed under another key, or it was changed"
        ) from error


def directory_vault(directory: Path, *, make: bool = False) -> PasswordVault:
    """The vault of a chain that no service keeps one for: a password in a file (mode 0600) beside the chain's.

    It protects the chain's file where that alone is copied or handed on; it protects nothing from whoever can
    read the directory.
    """
    path = directory / VAULT_FILE
    if make:
        vault = PasswordVault.new()
        with os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w"
        ) as file:
            file.write(f"{vault.password.hex()}\n")
            file.flush()
            os.fsync(file.fileno())  # without it none of the chain's keys can be opened
        return vault
    try:
        return PasswordVault(bytes.fromhex(path.read_text(encoding="ascii").strip()))
    except FileNotFoundError:
        raise KeystoreError(
            f"there is no {VAULT_FILE} in {directory}: this chain's keys are kept elsewhere, such as by the service "
            "that made it; open it there, or give its keystore"
        ) from None
    except ValueError as error:
        raise KeystoreError(f"{path} is no keystore password: expected 64 hex digits") from error


def export_keystore(private_key: bytes, password: str) -> str:
    """A keystore v3 under a person's password, by scrypt with geth's own numbers: half a second, 256 MiB."""
    with _heavy:
        return _keystore(private_key, password, "scrypt", 2**18)


def import_keystore(text: str, password: str) -> bytes:
    """The private key in anybody's keystore v3. KeystoreError says what is wrong: its form, or the password."""
    keystore = _checked(text)
    with _heavy:
        key = _private_key(
            keystore, password, "the password is wrong, or the keystore was changed (its MAC does not match)"
        )
    stated = str(keystore.get("address", "")).lower().removeprefix("0x")
    if stated and stated != address_of(key).hex():
        raise KeystoreError(
            f"the keystore says address 0x{stated}, and its key is that of 0x{address_of(key).hex()}: "
            "do not use this file"
        )
    return key


def _eth_account() -> Any:
    from sandbox._eth_account import Account  # most of a second, for processes that use a key

    return Account


def _keystore(private_key: bytes, password: str, kdf: Any, rounds: int) -> str:
    made = _eth_account().encrypt(private_key, password, kdf=kdf, iterations=rounds)
    return json.dumps({**made, "address": made["address"].lower().removeprefix("0x")})


def _private_key(keystore: dict[str, Any], password: str, wrong: str) -> bytes:
    try:
        return bytes(_eth_account().decrypt(keystore, password))
    except (ValueError, TypeError, KeyError, NotImplementedError) as error:
        mismatch = "MAC mismatch" in str(error)
        raise KeystoreError(wrong if mismatch else f"the keystore cannot be read: {error}") from None


def _checked(text: str) -> dict[str, Any]:
    """The keystore, once it is certain that deriving its key takes bounded memory and time."""
    if len(text) > MAX_KEYSTORE:
        raise KeystoreError(f"a keystore is at most {MAX_KEYSTORE} characters, got {len(text)}")
    try:
        found = json.loads(text)
        version = found["version"]
        crypto = found.get("crypto") or found["Crypto"]  # geth's first files had the capital
        kdf, given = crypto["kdf"], crypto["kdfparams"]
        numbers = {name: given[name] for name in (("n", "r", "p") if kdf == "scrypt" else ("c",))}
        size, ciphertext, cipher = given["dklen"], bytes.fromhex(crypto["ciphertext"]), crypto["cipher"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise KeystoreError(
            "this is no keystore: expected the JSON of the Web3 Secret Storage Definition, version 3, "
            "as geth, cast and wallets write it"
        ) from None
    if version != 3:
        raise KeystoreError(f"expected a keystore of version 3, got version {str(version)[:20]!r}")
    if not all(type(number) is int and number > 0 for number in numbers.values()):
        raise KeystoreError(
            f"the numbers of the keystore's {kdf!s:.20} are positive integers, got something else"
        )
    if kdf == "scrypt":
        memory, work = 128 * numbers["n"] * numbers["r"], numbers["n"] * numbers["r"] * numbers["p"]
        bounded = memory <= MAX_SCRYPT_MEMORY and work <= MAX_SCRYPT_WORK
    else:
        bounded = kdf == "pbkdf2" and numbers["c"] <= MAX_PBKDF2_ROUNDS
    if not bounded:
        raise KeystoreError(
            "the keystore asks for another or a costlier key derivation than is done here: expected scrypt with at "
            f"most n = 2^18 at r = 8, or pbkdf2 with at most {MAX_PBKDF2_ROUNDS:,} rounds"
        )
    if (size, len(ciphertext), cipher) != (32, 32, "aes-128-ctr"):
        raise KeystoreError("expected a keystore of one 32-byte key, under aes-128-ctr with dklen 32")
    return {**found, "crypto": crypto}
