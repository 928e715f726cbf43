"""Who may ask what of the embedded exchange service: AOC grants it, by product, modality and purpose.

The service itself keeps the authorisations and asks them at each element of each request (`baas.exchange_service`).
Here it is decided who may change them, and the audit has each change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlmodel import Session

from baas.administrations import repository
from baas.administrations.model import Administration
from baas.audit import Audit
from baas.errors import Conflict, Forbidden, NotFound
from baas.exchange_service.authorisations import Authorisation, Granted
from baas.exchange_service.errors import NotServing
from baas.exchange_service.products import Modalities
from baas.exchange_service.service import ExchangeService
from baas.tenancy import CallerKind, Role, TenantScope
from baas.trust_service.pki import Enrolment
from baas.trust_service.service import TrustService


class NotAuthorised(Conflict):
    """The exchange would refuse what is about to be asked in an administration's name."""

    def __init__(self, lacking: Authorisation) -> None:
        self.lacking = lacking
        what = f"{lacking.product} {lacking.modality}"
        super().__init__(
            f"the exchange would refuse what {lacking.organisation} asks: it may not ask for {what} for {lacking.purpose}; "
            f"an operator grants it: baas exchange authorise {lacking.organisation} {what}"
        )


@dataclass(frozen=True)
class Standing:
    """An administration before the exchange: what it was ever granted, and what the caller may do there."""

    owner: Administration
    granted: tuple[Granted, ...]
    may_manage: bool
    """Grant and withdraw."""
    may_take_key: bool


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

    @property
    def offered(self) -> Mapping[str, Modalities]:
        """What there is to ask, by product."""
        return self._service.offered

    def listing(
        self, session: Session, scope: TenantScope, administration: str, *, withdrawn: bool
    ) -> tuple[Granted, ...]:
        """What the administration may ask, newest first; what it might once, too. For any role there, and AOC's staff."""
        owner = repository.administration(session, scope, administration)
        return tuple(each for each in self._service.granted(owner.code) if withdrawn or each.in_force)

    def standing(self, session: Session, scope: TenantScope, administration: str) -> Standing:
        """How the administration stands, withdrawn authorisations too. For whom `listing` is."""
        owner = repository.administration(session, scope, administration)
        return Standing(
            owner,
            self._service.granted(owner.code),
            _may(lambda: _require_operator(scope, owner, "managing authorisations")),
            _may(lambda: _require_key(scope, owner)),
        )

    def grant(
        self,
        session: Session,
        scope: TenantScope,
        administration: str,
        product: str,
        modality: str,
        purpose: str,
    ) -> Granted:
        """From now on the administration may ask this. For AOC's operators; idempotent. Invalid for what there is not."""
        owner = self._managed(session, scope, administration, "granting an authorisation of the exchange")
        self._service.authorise(owner.code, product, modality, purpose)
        granted = Authorisation(owner.code, product, modality, purpose)
        self._record(session, scope, owner, "exchange.authorise", granted)
        return next(each for each in self._service.granted(owner.code) if each.authorisation == granted)

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
        _require_key(scope, owner)
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
        _require_operator(scope, owner, act)
        return owner

    def _record(
        self, session: Session, scope: TenantScope, owner: Administration, act: str, about: Authorisation
    ) -> None:
        detail = {"product": about.product, "modality": about.modality, "purpose": about.purpose}
        self._audit.record(session, scope.caller, act, "authorisation", owner.code, owner.id, detail)


def _require_operator(scope: TenantScope, owner: Administration, act: str) -> None:
    scope.require(owner.id, act, staff=[CallerKind.OPERATOR])


def _require_key(scope: TenantScope, owner: Administration) -> None:
    scope.require_own(owner.id, "handing out a key of the exchange", Role.ADMIN, Role.DEVELOPER)


def _may(required: Callable[[], None]) -> bool:
    """Whether what is required holds, for who is to be shown a form or not."""
    try:
        required()
    except Forbidden:
        return False
    return True
