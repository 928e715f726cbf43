"""Which contracts lie on a chain, by what was deployed there: an address, its template, and the ABI that was verified."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlmodel import col

from baas.deployments.model import Deployment
from baas.store import Store
from baas.tenancy import TenantScope
from sandbox.artifacts import Artifact
from sandbox.catalogue import templates


@dataclass(frozen=True, slots=True)
class Deployed:
    """A deployment, and its artifact where this version still ships exactly that one."""

    deployment: Deployment
    artifact: Artifact | None

    @property
    def address(self) -> bytes:
        return bytes.fromhex(self.deployment.address.removeprefix("0x"))


class Contracts:
    def __init__(self, store: Store) -> None:
        self._store = store

    def on(self, scope: TenantScope, chain: str) -> list[Deployed]:
        """All deployments on the chain with this row's id, the oldest first."""
        with self._store.reading() as session:
            rows = session.exec(
                scope.select(Deployment).where(Deployment.chain == chain).order_by(col(Deployment.id))
            ).all()
        return [_deployed(row) for row in rows]

    def at(self, scope: TenantScope, chain: str, addresses: Iterable[str]) -> dict[str, Deployed]:
        """Those at some addresses, by address in lower case."""
        wanted = {each.lower() for each in addresses}
        return {
            each.deployment.address.lower(): each
            for each in (self.on(scope, chain) if wanted else ())
            if each.deployment.address.lower() in wanted
        }


def _deployed(row: Deployment) -> Deployed:
    template = templates().get(row.template)
    artifact = None if template is None else template.artifact()
    return Deployed(row, artifact if artifact and artifact.digest.hex() == row.artifact else None)
