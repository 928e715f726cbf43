"""Puts the service together: the only module that names concrete parts. Explicit on purpose, no container."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from baas.accounts.service import Accounts
from baas.administrations import first
from baas.administrations.limits import Limits, LimitsOf
from baas.administrations.service import Administrations
from baas.administrations.tokens import IssuedToken, Tokens
from baas.audit import Audit
from baas.chains.fleet import Fleet, descriptors
from baas.chains.keystores import ChainKeystores
from baas.chains.metering import Meters
from baas.chains.permissions import ChainPermissions
from baas.chains.policy import Policy
from baas.chains.service import Chains
from baas.chains.states import States
from baas.chains.supervisor import Supervisor
from baas.clock import Clock, SystemClock
from baas.connectors import timestamp
from baas.custody.service import Custody
from baas.deployments.contracts import Contracts
from baas.deployments.mirror import Mirror
from baas.deployments.service import Deployments
from baas.errors import Conflict, NoAddress, SettingsError
from baas.evaluations.service import Evaluations
from baas.exchange_service.service import ExchangeService
from baas.exchanges.service import Exchanges
from baas.explorer.service import Explorer
from baas.incumbents import Incumbents, Outside
from baas.logs.batching import Batchings
from baas.logs.pipeline import Pipeline
from baas.logs.publication import Publication
from baas.logs.service import Logs
from baas.logs.stamps import Stamps
from baas.logs.trust import TrustRoots
from baas.logs.witnessing import Witnessing
from baas.notarisations.service import Notarisations
from baas.pilots.cheating.examiner import Examiner
from baas.pilots.handover_arm import HandOvers
from baas.pilots.opening import Opening
from baas.pilots.outages import Drills
from baas.pilots.runs import Runs
from baas.pilots.service import Pilots
from baas.privacy import ledger
from baas.privacy.erasures import Erasures
from baas.privacy.retention import Retention
from baas.privacy.scrubber import Scrubber
from baas.privacy.series import AllSeries
from baas.readiness.service import Readiness
from baas.registers.service import Registers
from baas.renewals.renewing import Renewing
from baas.renewals.service import Renewals
from baas.settings import Settings
from baas.store import Store
from baas.store.idempotency import forget_old
from baas.store.ulid import Ulids
from baas.telemetry import Telemetry
from baas.trust_service.service import TrustService
from baas.witnesses.service import Witnesses
from sandbox.engines.embedded.pool import Limits as PoolLimits
from sandbox.engines.embedded.pool import configure
from sandbox.evidence import algorithms
from sandbox.evidence.trust import AlgorithmEnd, TimestampRoot

#: The master key's place in the data directory, unless a setting names another one.
MASTER_KEY = "master.key"
#: The embedded trust service's place in the data directory.
TRUST_SERVICE = "trust-service"
#: The embedded exchange service's.
EXCHANGE_SERVICE = "exchange-service"
#: The place of its witnesses' files.
WITNESSES = "witnesses"


class Address:
    """Where this service answers HTTP; known once its server is up."""

    def __init__(self) -> None:
        self._url: str | None = None

    @property
    def known(self) -> bool:
        return self._url is not None

    @property
    def url(self) -> str:
        """`http://host:port`. NoAddress when no server is up: the arms of a pilot are asked over HTTP."""
        if self._url is None:
            raise NoAddress("this service has no address: start its server (baas serve), then run the pilot")
        return self._url

    def is_at(self, url: str) -> None:
        self._url = url


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
    telemetry: Telemetry
    limits: LimitsOf
    meters: Meters
    fleet: Fleet
    chains: Chains
    states: States
    supervisor: Supervisor
    permissions: ChainPermissions
    deployments: Deployments
    accounts: Accounts
    explorer: Explorer
    mirror: Mirror
    pipeline: Pipeline
    stamps: Stamps
    witnesses: Witnesses
    witnessing: Witnessing
    logs: Logs
    batchings: Batchings
    renewals: Renewals
    renewing: Renewing
    publication: Publication
    notarisations: Notarisations
    registers: Registers
    erasures: Erasures
    series: AllSeries
    retention: Retention
    scrubber: Scrubber
    trust: TrustRoots
    trust_service: TrustService
    exchange_service: ExchangeService
    exchanges: Exchanges
    address: Address
    readiness: Readiness
    pilots: Pilots
    runs: Runs
    evaluations: Evaluations

    @classmethod
    def build(cls, settings: Settings, clock: Clock | None = None) -> Self:
        """Opens the data directory; nothing runs yet.

        Raises StoreError, DataDirectoryLocked, StoreTooNew, MasterKeyError.
        """
        clock = clock or SystemClock()
        outside, ends = Outside.of(settings), _ends(settings)
        configure(PoolLimits.of(settings.sealers, settings.readers))
        store = Store.open(settings.data, settings.write_timeout)
        try:
            custody = Custody.open(store, clock, settings.master_key_file or settings.data / MASTER_KEY)
        except BaseException:
            store.close()
            raise
        ids = Ulids(clock)
        audit = Audit(clock)
        telemetry = Telemetry()
        fleet = Fleet(
            settings.data / "chains",
            settings.origin,
            most_awake=settings.awake_chains,
            now=lambda: clock.now().timestamp(),
            keystore_of=ChainKeystores(store, custody),
            on_wake=telemetry.wakes.observe,
        )
        limits = LimitsOf(
            Limits(settings.quota_chains, settings.quota_requests, settings.quota_bytes, settings.quota_gas),
            audit,
        )
        meters = Meters(store, clock, fleet, limits, telemetry, settings.quota_gas_hours)
        policy = Policy(
            timedelta(seconds=settings.hibernate_after),
            settings.chain_days,
            settings.chain_days_most,
            timedelta(days=settings.chain_grace_days),
        )
        chains = Chains(store, clock, ids, audit, fleet, limits, meters, policy)
        telemetry.show(
            ("baas_chains", "Chains by what is observed of them", "state", chains.counts),
            ("baas_chains_awake_bound", "How many chains may be awake", None, lambda: {"": fleet.bound}),
            ("baas_pending_transactions", "Accepted, in no block yet", None, lambda: {"": fleet.waiting()}),
            ("baas_open_descriptors", "Descriptors of this process", None, lambda: {"": descriptors()}),
        )
        contracts = Contracts(store)
        permissions = ChainPermissions(store, audit, chains, fleet)
        deployments = Deployments(store, clock, ids, audit, chains)
        trust_service = TrustService.open(settings.data / TRUST_SERVICE, clock)
        exchange_service = ExchangeService.open(settings.data / EXCHANGE_SERVICE, clock, trust_service)
        stamps = Stamps(store, clock, timestamp.asking(trust_service.authority, outside.timestamp))
        operator = settings.operator or settings.origin
        witnesses = Witnesses(
            store,
            clock,
            ids,
            audit,
            settings.data / WITNESSES,
            settings.origin,
            operator,
            settings.witnesses_file,
        )
        witnessing = Witnessing(store, clock, audit, witnesses)

        def anchored(log: int) -> None:
            stamps.poke()
            witnessing.poke(log)

        pipeline = Pipeline(store, clock, chains, on_anchored=anchored)
        states = States(store, clock, ids, audit, chains, fleet, settings.origin, pipeline.anchored)
        logs = Logs(clock, ids, settings.origin, pipeline, witnessing)
        renewals = Renewals(clock, ids, audit, logs, ends)
        logs.finishing = renewals.renewed
        notarisations = Notarisations(logs, audit)
        registers = Registers(clock, ids, audit, logs)
        erasures = Erasures(
            store,
            clock,
            ids,
            audit,
            logs,
            notarisations,
            registers,
            ledger.Ledger(settings.erasures_file or settings.data / ledger.NAME),
        )
        series = AllSeries(clock, ids, audit)
        retention = Retention(store, clock, series, erasures)
        trust = TrustRoots(_roots(trust_service, outside), operator, ends)
        address = Address()
        incumbents = Incumbents(outside, trust_service, exchange_service, store, lambda: address.url)
        examiner = Examiner(store, clock, chains, logs, trust, settings.data / TRUST_SERVICE)
        readiness = Readiness(clock, ids, audit)
        opening = Opening(incumbents)
        runs = Runs(
            store,
            clock,
            audit,
            logs,
            notarisations,
            trust,
            opening,
            examiner,
            Drills(store, chains, logs, notarisations, trust, incumbents, pipeline.resume),
            HandOvers(store, chains, permissions, deployments, trust),
        )
        pilots = Pilots(store, clock, ids, audit, logs, notarisations, trust, opening, readiness, runs)
        pilots.require_authorised = incumbents.require_authorised
        return cls(
            settings=settings,
            clock=clock,
            store=store,
            ids=ids,
            audit=audit,
            administrations=Administrations(clock, ids, audit),
            tokens=Tokens(store, clock, ids, audit, settings.token_days),
            telemetry=telemetry,
            limits=limits,
            meters=meters,
            fleet=fleet,
            chains=chains,
            states=states,
            supervisor=Supervisor(chains, settings.hibernate_after / 4),
            permissions=permissions,
            deployments=deployments,
            mirror=Mirror(store, chains, permissions, deployments),
            accounts=Accounts(store, audit, chains, contracts),
            explorer=Explorer(chains, contracts),
            pipeline=pipeline,
            stamps=stamps,
            witnesses=witnesses,
            witnessing=witnessing,
            logs=logs,
            batchings=Batchings(audit),
            renewals=renewals,
            renewing=Renewing(store, clock, chains, renewals, stamps),
            publication=Publication(clock, audit),
            notarisations=notarisations,
            registers=registers,
            erasures=erasures,
            series=series,
            retention=retention,
            scrubber=Scrubber(erasures, retention),
            trust=trust,
            trust_service=trust_service,
            exchange_service=exchange_service,
            exchanges=Exchanges(audit, exchange_service, trust_service),
            address=address,
            readiness=readiness,
            pilots=pilots,
            runs=runs,
            evaluations=Evaluations(clock, audit, notarisations, pilots),
        )

    def start(self) -> None:
        """Starts what runs by itself."""
        with self.store.session() as session:
            forget_old(session, self.clock.now())
        self.erasures.replay()
        self.chains.reconcile()
        self.runs.recover()
        self.exchange_service.start()
        self.pipeline.start()
        self.stamps.start()
        self.witnessing.start()
        self.renewing.start()
        self.supervisor.start()
        self.scrubber.start()

    def serve_exchange(self, host: str, port: int) -> str:
        """The embedded exchange service over HTTPS, beside the HTTP server that listens at `host` and `port`; its URL.

        Conflict where the settings name a port that cannot be had. Idempotent.
        """
        wanted = self.settings.exchange_port
        if wanted is not None:
            try:
                return self.exchange_service.serve(host, wanted)
            except OSError as error:
                raise Conflict(
                    f"BAAS_EXCHANGE_PORT: cannot listen on port {wanted} of {host} ({error.strerror}): stop what listens "
                    "there, or choose another (0 lets the system choose)"
                ) from None
        try:
            return self.exchange_service.serve(host, port + 1 if self.settings.port else 0)
        except (OSError, OverflowError):  # nobody asked for that port
            return self.exchange_service.serve(host, 0)

    def stop(self) -> None:
        """Stops what runs and frees the data directory; idempotent."""
        self.supervisor.stop()
        self.scrubber.stop()
        self.runs.stop(15.0)
        self.pipeline.stop()
        self.renewing.stop()
        self.stamps.stop()
        self.witnessing.stop()
        self.witnesses.close()
        self.mirror.stop()
        self.chains.close()
        self.exchange_service.close()
        self.trust_service.close()
        self.store.close()

    def initialise(self, label: str = "operator") -> IssuedToken:
        """The first operator with its token, shown once. Raises AlreadyInitialised."""
        with self.store.session() as session:
            return first.initialise(session, self.tokens, self.clock, self.ids, self.audit, label)


def _roots(embedded: TrustService, outside: Outside) -> list[TimestampRoot]:
    """Whose time-stamps receipts may rest on: the embedded authority's, and those of the one that the settings name."""
    roots = [TimestampRoot("Baas Sandbox (test, not qualified)", embedded.roots_pem.decode())]
    if outside.timestamp is not None:
        roots.append(TimestampRoot(outside.timestamp.url, outside.timestamp.trust_anchor.decode()))
    return roots


def _ends(settings: Settings) -> list[AlgorithmEnd]:
    """When algorithms end, as the settings say; SettingsError for one that is not known or a day that is not one."""
    found = []
    for each in settings.algorithm_ends.split():
        slug, _, day = each.partition("=")
        try:
            until = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError as error:
            raise SettingsError(f"BAAS_ALGORITHM_ENDS: {each}: {error}") from None
        if slug not in algorithms.KNOWN:
            raise SettingsError(
                f"BAAS_ALGORITHM_ENDS: expected one of {', '.join(algorithms.KNOWN)}, got {slug!r}"
            )
        found.append(AlgorithmEnd(slug, until))
    return found
