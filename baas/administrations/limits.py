"""What each administration may use: what the settings say, or what AOC's operators said of it alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace

from sqlmodel import Session, col

from baas.administrations import repository
from baas.administrations.model import AdministrationLimits
from baas.audit import Audit
from baas.tenancy import CallerKind, Role, TenantScope, across_administrations


@dataclass(frozen=True, slots=True)
class Limits:
    """`requests_per_second` counts calls of the API and of JSON-RPC, each one of a batch; `gas_per_period` is of the
    period that the settings say."""

    chains: int = 20
    requests_per_second: int = 2_000
    stored_bytes: int = 2 * 1024**3
    gas_per_period: int = 200 * 10**9


NAMES = tuple(each.name for each in fields(Limits))


class LimitsOf:
    """The slice's service of limits. `default` is what the settings say."""

    def __init__(self, default: Limits, audit: Audit) -> None:
        self.default, self._audit = default, audit

    def of(self, session: Session, administration_id: str) -> Limits:
        """What the administration with this id may use, whoever asks."""
        row = _row(session, administration_id)
        if row is None:
            return self.default
        said = {name: value for name in NAMES if (value := getattr(row, name)) is not None}
        return replace(self.default, **said)

    def get(self, session: Session, scope: TenantScope, code: str) -> tuple[str, Limits]:
        """The administration's id and its limits, for its members and for operators."""
        owner = repository.administration(session, scope, code)
        scope.require(owner.id, "reading limits", *Role, staff=[CallerKind.OPERATOR])
        return owner.id, self.of(session, owner.id)

    def set(
        self, session: Session, scope: TenantScope, code: str, said: Mapping[str, int | None]
    ) -> tuple[str, Limits]:
        """Says some of them of one administration; None goes back to the settings. For operators."""
        owner = repository.administration(session, scope, code)
        scope.require_staff("setting limits", CallerKind.OPERATOR)
        row = _row(session, owner.id) or AdministrationLimits(administration_id=owner.id)
        for name, value in said.items():
            setattr(row, name, value)
        session.add(row)
        session.flush()
        now = self.of(session, owner.id)
        self._audit.record(
            session, scope.caller, "administration.limits", "administration", owner.id, owner.id, asdict(now)
        )
        return owner.id, now


def _row(session: Session, administration_id: str) -> AdministrationLimits | None:
    return session.exec(
        across_administrations(AdministrationLimits, "limits hold for whoever acts").where(
            col(AdministrationLimits.administration_id) == administration_id
        )
    ).one_or_none()
