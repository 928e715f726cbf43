"""What seals and time-stamps cost by themselves, in process, beside the bare signatures that they cannot do without."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from functools import partial

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from baas.ades import cades, xades
from baas.ades.types import Level, Revocation, Trust
from baas.connectors import timestamp
from baas.wiring import Services
from sandbox.evidence.digest import Digest
from tests.bench.figures import Figure, turns

SECONDS = 1.0
ROUNDS = 3
DIGEST = Digest("sha-256", hashlib.sha256(b"document fictici").digest())
KEY = ec.generate_private_key(ec.SECP256R1())
ALGORITHM = ec.ECDSA(hashes.SHA256())
SIGNATURE = KEY.sign(DIGEST.value, ALGORITHM)


def rate(act: Callable[[], object]) -> float:
    """How often a second, over about a second."""
    act()
    done, start = 0, time.perf_counter()
    while (passed := time.perf_counter() - start) < SECONDS:
        act()
        done += 1
    return done / passed


def _signatures(count: int) -> None:
    for _ in range(count):
        KEY.sign(DIGEST.value, ALGORITHM)


def _checks(count: int) -> None:
    public = KEY.public_key()
    for _ in range(count):
        public.verify(SIGNATURE, DIGEST.value, ALGORITHM)


def figures(services: Services) -> list[Figure]:
    trust_service = services.trust_service
    pki = trust_service.pki
    signer = pki.enrol("9999990007", "Banc de proves (fictici)").signer
    now = services.clock.now
    stamper = timestamp.asking(trust_service.authority, None)
    crls = tuple(pki.crl(issuer) for issuer in ("root", "issuing"))
    trust = Trust((pki.root,), intermediates=signer.chain, revocation=Revocation(crls=crls))
    seal = cades.sign(DIGEST, Level.T, signer, stamper=stamper, now=now())
    xml = xades.sign(DIGEST, Level.T, signer, stamper=stamper, now=now())
    for verdict in (cades.validate(seal, DIGEST, trust, now()), xades.validate(xml, DIGEST, trust, now())):
        assert verdict.ok, verdict
    sides: list[tuple[str, Callable[[], object], Callable[[], object], str]] = [
        (
            "time-stamps made and verified, durable",
            partial(stamper, DIGEST),
            partial(_signatures, 1),
            "bare ECDSA signature",
        ),
        (
            "CAdES-T seals made, time-stamp and all",
            lambda: cades.sign(DIGEST, Level.T, signer, stamper=stamper, now=now()),
            partial(_signatures, 2),
            "two bare signatures",
        ),
        (
            "XAdES-T seals made",
            lambda: xades.sign(DIGEST, Level.T, signer, stamper=stamper, now=now()),
            partial(_signatures, 2),
            "two bare signatures",
        ),
        (
            "CAdES-T seals validated, with path, revocation and time-stamp",
            lambda: cades.validate(seal, DIGEST, trust, now()),
            partial(_checks, 7),
            "seven bare checks: two signatures, three certificates, two CRLs",
        ),
        (
            "XAdES-T seals validated",
            lambda: xades.validate(xml, DIGEST, trust, now()),
            partial(_checks, 7),
            "seven bare checks",
        ),
    ]
    found = []
    for name, ours, bare, against in sides:
        mine, theirs = turns(ROUNDS, partial(rate, ours), partial(rate, bare))
        found.append(Figure(f"{name} (against {against})", mine, "per second", theirs, mine / theirs))
    return found
