"""Puts the service together: the only module that names concrete parts. Explicit on purpose, no container."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from baas.administrations import first
from baas.administrations.service import Administrations
from baas.administrations.tokens import IssuedToken, Tokens
from baas.audit import Audit
from baas.chains.fleet import Fleet
from baas.chains.service import Chains
from baas.clock import Clock, SystemClock
from baas.deployments.service import Deployments
from baas.logs.pipeline import Pipeline
from baas.logs.service import Logs
from baas.logs.trust import TrustRoots
from baas.notarisations.service import Notarisations
from baas.registers.service import Registers
from baas.settings import Settings
from baas.store import Store
from baas.store.idempotency import forget_old
from baas.store.ulid import Ulids


@dataclass(frozen=True)
class Services:
    """Every part of a running service. `build`, `start`, use, `stop`."""

    settings: Settings
    clock: Clock
    store: Store
    ids: Ulids
    audit: Audit
    administrations: Administrations
    tokens: Tokens
    chains: Chains
    deployments: Deployments
    pipeline: Pipeline
    logs: Logs
    notarisations: Notarisations
    registers: Registers
    trust: TrustRoots

    @classmethod
    def build(cls, settings: Settings, clock: Clock | None = None) -> Self:
        """Opens the data directory; nothing runs yet. Raises StoreError, DataDirectoryLocked, StoreTooNew."""
        clock = clock or SystemClock()
        store = Store.open(settings.data, settings.write_timeout)
        ids = Ulids(clock)
        audit = Audit(clock)
        chains = Chains(store, clock, ids, audit, Fleet(settings.data / "chains", settings.origin))
        pipeline = Pipeline(store, clock, chains)
        logs = Logs(clock, ids, settings.origin, pipeline)
        return cls(
            settings=settings,
            clock=clock,
            store=store,
            ids=ids,
            audit=audit,
            administrations=Administrations(clock, ids, audit),
            tokens=Tokens(store, clock, ids, audit, settings.token_days),
            chains=chains,
            deployments=Deployments(store, clock, ids, audit, chains),
            pipeline=pipeline,
            logs=logs,
            notarisations=Notarisations(logs, audit),
            registers=Registers(clock, ids, audit, logs),
            trust=TrustRoots(),
        )

    def start(self) -> None:
        """Starts what runs by itself."""
        with self.store.session() as session:
            forget_old(session, self.clock.now())
        self.chains.reconcile()
        self.pipeline.start()

    def stop(self) -> None:
        """Stops what runs and frees the data directory; idempotent."""
        self.pipeline.stop()
        self.chains.close()
        self.store.close()

    def initialise(self, label: str = "operator") -> IssuedToken:
        """The first operator with its token, shown once. Raises AlreadyInitialised."""
        with self.store.session() as session:
            return first.initialise(session, self.tokens, self.clock, self.ids, self.audit, label)
