"""The embedded trust service, whole: one PKI, one journal, and the parts that answer with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from fastapi import APIRouter

from baas.clock import Clock
from baas.errors import BaasError
from baas.trust_service import certificates, dss, hashed_log, http, secure_codes, signador
from baas.trust_service.acts import Acts
from baas.trust_service.hashed_log import HashedLog
from baas.trust_service.pki import Enrolment, Pki
from baas.trust_service.revocation import Revoked
from baas.trust_service.secure_codes import SecureCodes
from baas.trust_service.signador import Signador
from baas.trust_service.signador.signing import Cards
from baas.trust_service.tsa import http as tsa
from baas.trust_service.tsa.authority import TimeStampAuthority


@dataclass(frozen=True)
class Foundation:
    """What every part of the service stands on. A part keeps its own files, if it has any, in `directory`."""

    directory: Path
    clock: Clock
    pki: Pki
    acts: Acts
    authority: TimeStampAuthority

    def authenticate(self, code: str, secret: str) -> bool:
        """Whether `secret` is the client secret of an administration that is enrolled here (`clients.Authenticate`)."""
        known = self.pki.knows(code, secret)
        return known and self.pki.has_seal(code)


class TrustService:
    """One trust service in one directory: certificates, time-stamps, and whatever parts are listed in `_parts`.

    A second one may be opened on the same directory, with another clock: it has the same keys, and serial numbers do
    not repeat. That is how an operator who cheats works.
    """

    def __init__(self, foundation: Foundation) -> None:
        self.foundation = foundation
        self.pki, self.acts, self.authority = foundation.pki, foundation.acts, foundation.authority
        self._closing: list[Callable[[], None]] = [self.acts.close, self.pki.close]
        self._starting: list[Callable[[], None]] = []
        try:
            self._routers = self._parts()
        except BaseException:
            self.close()
            raise

    @classmethod
    def open(cls, directory: Path, clock: Clock, base: str = certificates.BASE) -> TrustService:
        """The service kept in `directory`, made on first use. Raises TrustServiceError, sqlite3.Error."""
        pki = Pki.open(directory, clock, base)
        try:
            acts = Acts(directory / "acts.sqlite", clock)
        except BaseException:
            pki.close()
            raise
        authority = TimeStampAuthority(pki, acts, clock)
        return cls(Foundation(directory, clock, pki, acts, authority))

    def _parts(self) -> list[APIRouter]:
        """The routers of the parts, in order: a part is opened here, and its `routes(part)` is one line of the list.

        What a part must let go of at the end goes into `self._closing`; the last one put there is closed first. What it
        does by itself it begins when the service is served: `self._starting`.
        """
        directory, clock = self.foundation.directory, self.foundation.clock
        authenticate = self.foundation.authenticate
        log = HashedLog.open(directory / "log", clock, self.authority.stamp)
        self._starting.append(log.start)
        self._closing.append(log.close)
        codes = SecureCodes.open(directory / "csv", clock)
        self._closing.append(codes.close)
        cards = Cards(self.pki, clock)
        self.signador = Signador.open(directory / "signador", clock, cards, self.authority.stamp, self.acts)
        self._closing.append(self.signador.close)
        return [
            tsa.routes(self.authority),
            http.routes(self.pki, self.acts),
            hashed_log.routes(log, authenticate, clock),
            secure_codes.routes(codes, authenticate, self._name_of),
            dss.routes(self._signatures(), authenticate),
            signador.routes(self.signador, self._signador_key, clock),
        ]

    def _name_of(self, code: str) -> str:
        try:
            return self.pki.seal(code).name
        except BaasError:
            return code

    def _signatures(self) -> dss.SignatureService:
        desk = dss.Desk(self.pki, self.acts, self.authority, self.foundation.clock)
        return dss.SignatureService(desk)

    def routes(self) -> APIRouter:
        """All that the service answers over HTTP. From here on it is a running service, and does what it does by itself."""
        for start in self._starting:
            start()
        router = APIRouter()
        for each in self._routers:
            router.include_router(each)
        return router

    @property
    def roots_pem(self) -> bytes:
        """The root certificates to give to verifiers, out of band."""
        return self.pki.root_pem

    def enrol(self, code: str, name: str, identifier: str = "") -> Enrolment:
        """The administration's seal; idempotent and durable (`Pki.enrol`)."""
        return self.pki.enrol(code, name, identifier)

    def revoke(self, serial: int, reason: x509.ReasonFlags = x509.ReasonFlags.unspecified) -> Revoked:
        return self.pki.revoke(serial, reason)

    def secret_of(self, code: str) -> str:
        """What the administration's systems show to the service, so that it knows for whom it acts."""
        return self.pki.secret_of(code)

    def register_domain(self, domain: str, code: str) -> str:
        """Whose systems ask Signador from this domain (`https://seu.example`), and the key that they are given.

        Idempotent. ValueError for a domain of another administration, NotEnrolled for one that has no seal.
        """
        self.pki.seal(code)
        self.signador.register(domain, code)
        return self._signador_key(domain)

    def _signador_key(self, domain: str) -> str:
        return self.pki.secret_of(f"signador {domain}")

    def close(self) -> None:
        """Idempotent."""
        while self._closing:
            self._closing.pop()()
