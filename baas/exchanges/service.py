"""Who may ask what of the embedded exchange service: AOC grants it, by product, modality and purpose.

The service itself keeps the authorisations and asks them at each element of each request (`baas.exchange_service`).
Here it is decided who may change them, and the audit has each change.
"""

from __future__ import annotations

from sqlmodel import Session

from baas.administrations import repository
from baas.administrations.model import Administration
from baas.audit import Audit
from baas.errors import NotFound
from baas.exchange_service.authorisations import Authorisation
from baas.exchange_service.errors import NotServing
from baas.exchange_service.service import ExchangeService
from baas.tenancy import CallerKind, Role, TenantScope
from baas.trust_service.pki import Enrolment
from baas.trust_service.service import TrustService


class Exchanges:
    """The slice's service."""

    def __init__(self, audit: Audit, service: ExchangeService, trust_service: TrustService) -> None:
        self._audit, self._service, self._trust_service = audit, service, trust_service

    @property
    def address(self) -> str | None:
        """Where the embedded service answers; None while its server is not up."""
        try:
            return self._service.url
        except NotServing:
            return None

    def offered(self) -> dict[str, list[str]]:
        """The modalities by product that there are."""
        return {product: list(modalities) for product, modalities in self._service.offered.items()}

    def listing(self, session: Session, scope: TenantScope, administration: str) -> tuple[Authorisation, ...]:
        """What the administration may ask. For any role there, and AOC's staff."""
        owner = repository.administration(session, scope, administration)
        return self._service.authorisations(owner.code)

    def grant(
        self,
        session: Session,
        scope: TenantScope,
        administration: str,
        product: str,
        modality: str,
        purpose: str,
    ) -> Authorisation:
        """From now on the administration may ask this. For AOC's operators; idempotent. Invalid for what there is not."""
        owner = self._managed(session, scope, administration, "granting an authorisation of the exchange")
        self._service.authorise(owner.code, product, modality, purpose)
        granted = Authorisation(owner.code, product, modality, purpose)
        self._record(session, scope, owner, "exchange.authorise", granted)
        return granted

    def withdraw(
        self,
        session: Session,
        scope: TenantScope,
        administration: str,
        product: str,
        modality: str,
        purpose: str,
    ) -> None:
        """From now on no longer; what was answered stands. For AOC's operators. NotFound for one that there is not."""
        owner = self._managed(session, scope, administration, "withdrawing an authorisation of the exchange")
        wanted = Authorisation(owner.code, product, modality, purpose)
        if wanted not in self._service.authorisations(owner.code):
            raise NotFound("authorisation", f"{product}/{modality} {purpose}"[:200])
        self._service.withdraw(owner.code, product, modality, purpose)
        self._record(session, scope, owner, "exchange.withdraw", wanted)

    def key(self, session: Session, scope: TenantScope, administration: str) -> Enrolment:
        """The key and the certificate by which the administration's systems are known to the embedded service.

        The same each time, until it is revoked or ends. For its own admins and developers; the audit has it first.
        """
        owner = repository.administration(session, scope, administration)
        scope.require_own(owner.id, "handing out a key of the exchange", Role.ADMIN, Role.DEVELOPER)
        self._trust_service.enrol(owner.code, owner.name)
        found = self._trust_service.pki.application(owner.code)
        detail = {"serial": f"{found.certificate.serial_number:x}"}
        self._audit.record(session, scope.caller, "exchange.key", "certificate", owner.code, owner.id, detail)
        return found

    @property
    def roots_pem(self) -> bytes:
        """The roots of the embedded service, for its clients."""
        return self._service.roots_pem

    def _managed(self, session: Session, scope: TenantScope, administration: str, act: str) -> Administration:
        owner = repository.administration(session, scope, administration)
        scope.require(owner.id, act, staff=[CallerKind.OPERATOR])
        return owner

    def _record(
        self, session: Session, scope: TenantScope, owner: Administration, act: str, about: Authorisation
    ) -> None:
        detail = {"product": about.product, "modality": about.modality, "purpose": about.purpose}
        self._audit.record(session, scope.caller, act, "authorisation", owner.code, owner.id, detail)
