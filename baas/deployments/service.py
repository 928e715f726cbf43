"""Deploys templates from a chain's technical account, through the chain's gateway, and records what was verified."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlmodel import col

from baas.audit import Audit
from baas.chains.model import Chain
from baas.chains.service import Chains
from baas.clock import Clock
from baas.deployments.model import Deployment
from baas.errors import Conflict
from baas.store import Store
from baas.store.paging import Paged, PageOf, paged
from baas.store.ulid import Ulids
from baas.tenancy import TenantScope
from sandbox import deployer, mirror
from sandbox.catalogue import template as find_template

#: The template whose contract repeats the permissions.
MIRROR = "account-allowlist"


@dataclass(frozen=True, slots=True)
class Mirrored:
    """Which state of the chain's permissions its mirror shows now, and the transactions that it took."""

    deployment: str
    address: str
    revision: int
    transactions: tuple[str, ...]


class Deployments:
    """The slice's service. Its methods open their own sessions, as those of `Chains` do."""

    def __init__(self, store: Store, clock: Clock, ids: Ulids, audit: Audit, chains: Chains) -> None:
        self._store, self._clock, self._ids, self._audit, self._chains = store, clock, ids, audit, chains
        #: Told of each deployment, once it is recorded.
        self.on_deployed: Callable[[Deployment], None] = lambda _made: None

    def deploy(
        self, scope: TenantScope, chain: str, template: str, parameters: Mapping[str, str]
    ) -> Deployment:
        """Deploy and verify; raises UnknownTemplate, ParameterError, RpcError (refused), DeploymentError."""
        manifest = find_template(template)
        row, awake = self._chains.administer(scope, chain, "deploying a template")
        with self._chains.sending(row.id):
            done = deployer.deploy(awake, manifest, parameters, self._chains.ANCHORING_ACCOUNT)
            # recorded before the account signs anything else: a rotation of its key looks at every deployment
            made = self._record(scope, row, done, parameters)
        self.on_deployed(made)
        return made

    def _record(
        self, scope: TenantScope, row: Chain, done: deployer.Deployment, parameters: Mapping[str, str]
    ) -> Deployment:
        deployment = Deployment(
            id=self._ids(),
            administration_id=row.administration_id,
            chain=row.id,
            template=done.template,
            version=done.template_version,
            parameters=json.dumps(dict(parameters), sort_keys=True),
            address=done.checksum_address(),
            transaction_hash=done.transaction_hash,
            block_number=done.block_number,
            artifact=done.artifact_digest.hex(),
            code_hash=f"0x{done.code_hash.hex()}",
            created=self._clock.now(),
        )
        with self._store.session() as session:
            session.add(deployment)
            self._audit.record(
                session,
                scope.caller,
                "template.deploy",
                "deployment",
                deployment.id,
                row.administration_id,
                {"chain": row.id, "template": done.template, "address": deployment.address},
            )
        return deployment

    def mirror(self, scope: TenantScope, chain: str) -> Mirrored:
        """Repeat the chain's permissions in its newest mirror contract, from the technical account that deployed it.

        Conflict where the chain has no such contract; ContractRefused where the account lost its role there.
        """
        row, awake = self._chains.administer(scope, chain, "mirroring the permissions")
        with self._store.reading() as session:
            of_chain = scope.select(Deployment).where(Deployment.chain == row.id)
            found = session.exec(
                of_chain.where(Deployment.template == MIRROR).order_by(col(Deployment.id).desc())
            ).first()
        if found is None:
            raise Conflict(f"there is no mirror of permissions on this chain: deploy the template {MIRROR}")
        with self._chains.sending(row.id):
            contract = bytes.fromhex(found.address[2:])
            revision, sent = mirror.mirror(awake, contract, self._chains.ANCHORING_ACCOUNT)
        with self._store.session() as session:
            self._audit.record(
                session,
                scope.caller,
                "permissions.mirror",
                "deployment",
                found.id,
                row.administration_id,
                {"chain": row.id, "revision": revision, "transactions": len(sent)},
            )
        return Mirrored(found.id, found.address, revision, tuple(sent))

    def listing(self, scope: TenantScope, chain: str, page: PageOf) -> Paged[Deployment]:
        row = self._chains.get(scope, chain)
        with self._store.reading() as session:
            statement = scope.select(Deployment).where(Deployment.chain == row.id)
            return paged(session, statement, col(Deployment.id), page)
