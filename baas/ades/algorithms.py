"""Which digests, signatures and keys a verdict relies on: a list of what is accepted, and all else is refused.

After ETSI TS 119 312: SHA-2 and SHA-3 of 256 bits and more, RSA from 2048 bits, elliptic curves from 256. No end dates
are kept, as in `sandbox.evidence.digest`. SHA-1 counts only where `Trust.legacy_sha1` says so, and whoever judges asks
`weak` afterwards what was relied on because of that, to say it.
"""

# mypy: allow-untyped-calls
# asn1crypto is untyped; what it returns is narrowed here

from __future__ import annotations

from datetime import datetime

from asn1crypto import algos, keys
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from pyhanko.sign.validation.utils import CMSAlgorithmUsagePolicy
from pyhanko_certvalidator.policy_decl import AlgorithmUsageConstraint

DIGESTS = frozenset({"sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512"})
MIN_RSA_BITS = 2048
_SIGNATURES = frozenset({"rsassa_pkcs1v15", "rsassa_pss", "ecdsa", "ed25519", "ed448"})
#: Named curves, as asn1crypto has them; brainpool's by their object identifiers too, which some versions do not name.
CURVES = frozenset(
    {
        "secp256r1", "secp384r1", "secp521r1", "brainpoolp256r1", "brainpoolp384r1", "brainpoolp512r1",
        "1.3.36.3.3.2.8.1.1.7", "1.3.36.3.3.2.8.1.1.11", "1.3.36.3.3.2.8.1.1.13",
    }
)  # fmt: skip


class Algorithms(CMSAlgorithmUsagePolicy):
    """What is accepted in one judgement, in the form in which pyHanko asks. `weak` fills while it judges."""

    def __init__(self, *, legacy_sha1: bool = False) -> None:
        self.legacy_sha1 = legacy_sha1
        self.weak: set[str] = set()

    def digest(self, name: str) -> bool:
        """Whether a digest algorithm counts, by its name in hashlib."""
        if name == "sha1" and self.legacy_sha1:
            self.weak.add("SHA-1")
            return True
        return name in DIGESTS

    def digest_algorithm_allowed(
        self, algo: algos.DigestAlgorithm, moment: datetime | None
    ) -> AlgorithmUsageConstraint:
        name = str(algo["algorithm"].native)
        return _answer("" if self.digest(name) else f"the digest algorithm {name} is not accepted")

    def signature_algorithm_allowed(
        self,
        algo: algos.SignedDigestAlgorithm,
        moment: datetime | None,
        public_key: keys.PublicKeyInfo | None,
    ) -> AlgorithmUsageConstraint:
        return _answer(self._objection(algo, public_key))

    def _objection(self, algo: algos.SignedDigestAlgorithm, public_key: keys.PublicKeyInfo | None) -> str:
        named = str(algo["algorithm"].native)
        try:
            mechanism = str(algo.signature_algo)
        except ValueError:
            mechanism = named
        if mechanism not in _SIGNATURES:
            return f"the signature algorithm {named} is not accepted"
        try:
            hashed = str(algo.hash_algo)
        except ValueError:
            hashed = ""  # Ed25519 and Ed448 have theirs within; for plain RSA the digest algorithm says it
        if hashed and mechanism not in ("ed25519", "ed448") and not self.digest(hashed):
            return f"the signature algorithm {named} rests on {hashed}, which is not accepted"
        return "" if public_key is None else _key_objection(public_key)


def weak_key(key: PublicKeyTypes) -> str:
    """Why a public key is not relied on; "" for one that is."""
    if isinstance(key, rsa.RSAPublicKey):
        return "" if key.key_size >= MIN_RSA_BITS else _too_short("RSA", key.key_size, MIN_RSA_BITS)
    if isinstance(key, ec.EllipticCurvePublicKey):
        known = key.curve.name.lower() in CURVES
        return "" if known else f"the curve {key.curve.name} is not accepted"
    if isinstance(key, (ed25519.Ed25519PublicKey, ed448.Ed448PublicKey)):
        return ""
    return f"keys of type {type(key).__name__} are not accepted"


def _key_objection(key: keys.PublicKeyInfo) -> str:
    kind = str(key.algorithm)
    if kind in ("rsa", "rsassa_pss"):
        bits = int(key.bit_size)
        return "" if bits >= MIN_RSA_BITS else _too_short("RSA", bits, MIN_RSA_BITS)
    if kind == "ec":
        form, curve = key.curve
        return "" if form == "named" and str(curve) in CURVES else f"the curve {curve} is not accepted"
    return "" if kind in ("ed25519", "ed448") else f"keys of type {kind} are not accepted"


def _too_short(kind: str, bits: int, least: int) -> str:
    return f"the {kind} key has {bits} bits; at least {least} are accepted"


def _answer(objection: str) -> AlgorithmUsageConstraint:
    return AlgorithmUsageConstraint(allowed=not objection, failure_reason=objection or None)
