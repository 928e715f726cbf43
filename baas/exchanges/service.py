"""Who may ask what of the embedded exchange service: AOC grants it, by product, modality and purpose.

The service itself keeps the authorisations and asks them at each element of each request (`baas.exchange_service`).
Here it is decided who may change them, and the audit has each change.
"""

from __future__ import annotations

from sqlmodel import Session

from baas.administrations import repository
from baas.administrations.model import Administration
from baas.audit import Audit
from baas.errors import Invalid, NotFound
from baas.exchange_service.authorisations import Authorisation
from baas.exchange_service.products import products
from baas.exchange_service.service import ExchangeService
from baas.tenancy import CallerKind, Role, TenantScope


class Exchanges:
    """The slice's service."""

    def __init__(self, audit: Audit, service: ExchangeService) -> None:
        self._audit, self._service = audit, service

    @property
    def address(self) -> str | None:
        """Where the embedded service answers; None while its server is not up."""
        return self._service.url

    def offered(self) -> dict[str, list[str]]:
        """The modalities by product that there are."""
        return {each.code: sorted(each.modalities) for each in products().values()}

    def listing(self, session: Session, scope: TenantScope, administration: str) -> list[Authorisation]:
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
        offered = self.offered()
        if modality not in offered.get(product, []):
            known = ", ".join(f"{code}/{each}" for code, found in offered.items() for each in found)
            raise Invalid("/modality", f"a modality of a product that there is: {known}", f"{product}/{modality}")
        granted = self._service.authorise(owner.code, product, modality, purpose)
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
        wanted = (product, modality, purpose)
        for each in self._service.authorisations(owner.code):
            if (each.product, each.modality, each.purpose) == wanted:
                self._service.withdraw(owner.code, *wanted)
                self._record(session, scope, owner, "exchange.withdraw", each)
                return
        raise NotFound("authorisation", f"{product}/{modality} {purpose}"[:200])

    def _managed(
        self, session: Session, scope: TenantScope, administration: str, act: str
    ) -> Administration:
        owner = repository.administration(session, scope, administration)
        scope.require(owner.id, act, staff=[CallerKind.OPERATOR])
        return owner

    def _record(
        self, session: Session, scope: TenantScope, owner: Administration, act: str, about: Authorisation
    ) -> None:
        detail = {"product": about.product, "modality": about.modality, "purpose": about.purpose}
        self._audit.record(session, scope.caller, act, "authorisation", owner.code, owner.id, detail)
