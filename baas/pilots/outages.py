"""The outage drill: every arm's service is cut off for real for some seconds, and documents go on being submitted.

An incumbent is asked by way of a relay, which refuses for one half of the outage and lets requests hang for the other
(the client gives each up after half of the outage). The chain arm's chain is stopped, and started again: documents are
accepted meanwhile, as acceptance needs no chain, and each must be anchored afterwards. Evidence kept from before is
checked while the service is away, as its holder would.

Only services of a laboratory are drilled: nobody cuts off a real one, or asks it more than a plan says.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from sqlmodel import Session, col

from baas.administrations import repository
from baas.chains.service import Chains
from baas.connectors import (
    ConnectorError,
    ConnectorSettings,
    ConnectorTimeout,
    NotOffline,
    Subject,
    connectors,
)
from baas.deployments.model import Deployment
from baas.errors import BaasError, Conflict
from baas.logs.model import Log, LogKind
from baas.logs.service import Logs, NotAnchoredYet
from baas.logs.trust import TrustRoots
from baas.metrics import CHAIN, Arm
from baas.notarisations.documents import Document
from baas.notarisations.service import Notarisations
from baas.pilots.arms import ChainArm, IncumbentArm
from baas.pilots.relay import Cut, Relay
from baas.store import Store
from baas.tenancy import TenantScope
from sandbox.errors import EvidenceError, SandboxError

LOGGER = logging.getLogger(__name__)

#: Seconds for which a service is cut off, and documents submitted meanwhile.
SECONDS: Final = 2.0
SUBMITTED: Final = 6
#: Seconds after its restoration within which a service must give good evidence, and what it accepted must be completed.
PATIENCE: Final = 60.0
#: Seconds between two tries after the restoration: what it adds to the time of recovery.
RETRY: Final = 0.05
#: The period of the hash-linked log in a drill, in seconds: a night would hide the outage.
LOG_PERIOD: Final = "0.5"


@dataclass(frozen=True)
class Outage:
    """What happened to one arm. Of the `submitted` documents each is counted once in the four that follow:

    `refused` at once, `timed_out` without an answer, `completed_later` (good evidence came once the service was back),
    `lost` (accepted, and no good evidence came). `seconds` is how long the service was away, `recovery_seconds` the time
    from its restoration to the first good evidence, None where none came. `kept_evidence_verifies` is whether evidence
    from before could be checked meanwhile, offline or as its holder checks it.
    """

    arm: Arm
    submitted: int
    refused: int
    timed_out: int
    completed_later: int
    lost: int
    seconds: float
    recovery_seconds: float | None
    kept_evidence_verifies: bool
    detail: str = ""

    def __post_init__(self) -> None:
        counted = self.refused + self.timed_out + self.completed_later + self.lost
        if (
            counted != self.submitted
            or min(self.refused, self.timed_out, self.completed_later, self.lost) < 0
        ):
            raise ValueError(
                f"outage of {self.arm}: {self.submitted} documents were submitted, {counted} counted"
            )


class DrillStopped(BaasError):
    """The service was stopped during the drill: then there is no table at all, and not half of one."""


class Drills:
    """Cuts the arms of an administration off, one drill for each at the same time.

    `settings_of` says where an arm's service is, by slug and administration; `resume` has the logs of a chain go on.
    """

    def __init__(
        self,
        store: Store,
        chains: Chains,
        logs: Logs,
        notarisations: Notarisations,
        trust: TrustRoots,
        settings_of: Callable[[str, str], ConnectorSettings],
        resume: Callable[[str], None],
        seconds: float = SECONDS,
    ) -> None:
        self._store, self._chains, self._logs = store, chains, logs
        self._notarisations, self._trust = notarisations, trust
        self._settings_of, self._resume, self._seconds = settings_of, resume, seconds

    def __call__(
        self,
        scope: TenantScope,
        administration: str,
        slugs: Sequence[str],
        stopping: Callable[[str], None],
        stop: threading.Event,
        subject: Subject = Subject.DOCUMENT,
    ) -> list[Outage]:
        """The chain's outage, and one for each arm of `slugs` that a laboratory serves. `subject` is what these are asked.

        `stopping` is told the chain's id before it is stopped, so that whoever comes after a crash can start it again.
        Raises DrillStopped once `stop` is set, and whatever made a drill impossible.
        """
        drills: list[Callable[[], Outage]] = [
            partial(self._of_the_chain, scope, administration, stopping, stop)
        ]
        for slug in slugs:
            settings = self._settings_of(slug, administration)
            if settings.environment.in_laboratory:
                asked = replace(settings, options={**settings.options, "subject": subject.value})
                drills.append(partial(self._of, slug, asked, stop))
        with ThreadPoolExecutor(len(drills), thread_name_prefix="drill") as pool:
            found = [drill.result() for drill in [pool.submit(each) for each in drills]]
        _go_on(stop)
        return found

    # -- an incumbent ------------------------------------------------------------------------------

    def _of(self, slug: str, settings: ConnectorSettings, stop: threading.Event) -> Outage:
        options = {**settings.options, **({"log_period": LOG_PERIOD} if slug == "log" else {})}
        away = self._seconds / 2
        with Relay.before(settings.url) as relay:
            by_way = replace(
                settings, url=relay.url_of(settings.url), options=options, timeout=max(away, 2 * RETRY)
            )
            patient = replace(by_way, timeout=PATIENCE)
            with (
                closing(connectors()[slug].open(by_way)) as connector,
                closing(connectors()[slug].open(patient)) as holder,
            ):
                arm = IncumbentArm(connector)
                kept_digest = secrets.token_bytes(32)
                kept = IncumbentArm(holder).submit(kept_digest, PATIENCE).content
                with ThreadPoolExecutor(SUBMITTED, thread_name_prefix=f"drill-{slug}") as pool:
                    under_way: list[Future[str]] = []
                    started = time.monotonic()
                    for how in (Cut.REFUSE, Cut.HANG):
                        relay.cut(how)
                        if how is Cut.REFUSE:
                            verifies, said = _still_verifies(arm, kept_digest, kept)
                        for _ in range(SUBMITTED // 2):
                            under_way.append(pool.submit(_outcome, arm))
                            stop.wait(away / (SUBMITTED // 2))
                    relay.restore()
                    restored = time.monotonic()
                    recovery = _recovery(arm, restored, stop)
                    outcomes = [each.result() for each in under_way]
        _go_on(stop)
        return Outage(
            arm=slug,
            submitted=len(outcomes),
            refused=outcomes.count("refused"),
            timed_out=outcomes.count("timed_out"),
            completed_later=outcomes.count("completed"),
            lost=outcomes.count("lost"),
            seconds=restored - started,
            recovery_seconds=recovery,
            kept_evidence_verifies=verifies,
            detail=f"refused and then hanging; {said}",
        )

    # -- the chain ---------------------------------------------------------------------------------

    def _of_the_chain(
        self, scope: TenantScope, administration: str, stopping: Callable[[str], None], stop: threading.Event
    ) -> Outage:
        arm = ChainArm(self._store, self._logs, self._notarisations, self._trust, scope, administration, stop)
        with self._store.reading() as session:
            chain = self._chain_of(session, scope, administration)
        kept_digest = secrets.token_bytes(32)
        kept = arm.submit(kept_digest, PATIENCE).content
        accepted: dict[str, bytes] = {}
        started = time.monotonic()
        with self._stopped(scope, chain, stopping):
            verifies, said = _still_verifies(arm, kept_digest, kept)
            for _ in range(SUBMITTED):
                digest = secrets.token_bytes(32)
                accepted[self._accepted(scope, administration, digest)] = digest
                stop.wait(self._seconds / SUBMITTED)
        restored = time.monotonic()
        _go_on(stop)
        completed, recovery = self._completed(scope, arm, accepted, restored, stop)
        return Outage(
            arm=CHAIN,
            submitted=len(accepted),
            refused=0,
            timed_out=0,
            completed_later=completed,
            lost=len(accepted) - completed,
            seconds=restored - started,
            recovery_seconds=recovery,
            kept_evidence_verifies=verifies,
            detail=f"its chain was stopped, and documents went on being accepted; {said}",
        )

    @contextmanager
    def _stopped(self, scope: TenantScope, chain: str, stopping: Callable[[str], None]) -> Iterator[None]:
        """The chain does not run inside, and runs again at the end, whatever happens."""
        stopping(chain)
        self._chains.stop(scope, chain)
        try:
            yield
        finally:
            self._chains.start(scope, chain)
            self._resume(chain)

    def _accepted(self, scope: TenantScope, administration: str, digest: bytes) -> str:
        """The notarisation's id, once it is acknowledged."""
        with self._store.session() as session:
            batch, log = self._notarisations.accept(
                session, scope, administration, [Document("sha-256", digest.hex())]
            )
        self._logs.poke(log)
        return f"{batch.id}-0"

    def _completed(
        self,
        scope: TenantScope,
        arm: ChainArm,
        accepted: dict[str, bytes],
        restored: float,
        stop: threading.Event,
    ) -> tuple[int, float | None]:
        """How many of those accepted have a receipt that verifies, and how soon the first had one."""
        waiting, first = dict(accepted), None
        while waiting and time.monotonic() - restored < PATIENCE:
            for notarisation, digest in list(waiting.items()):
                try:
                    with self._store.reading() as session:
                        receipt = self._notarisations.receipt(session, scope, notarisation)
                except NotAnchoredYet:
                    break  # they are anchored in their order
                arm.verify(digest, receipt.to_bytes())
                del waiting[notarisation]
                first = first or time.monotonic() - restored
            if waiting:
                stop.wait(RETRY)
                _go_on(stop)
        return len(accepted) - len(waiting), first

    def _chain_of(self, session: Session, scope: TenantScope, administration: str) -> str:
        """The chain that anchors the administration's documents."""
        owner = repository.administration(session, scope, administration)
        log = session.exec(
            scope.select(Log)
            .where(Log.administration_id == owner.id, Log.kind == LogKind.DOCUMENTS)
            .order_by(col(Log.number).desc())
        ).first()
        if log is None:
            raise Conflict(f"administration {administration} has notarised nothing: no chain can be cut off")
        return scope.get(session, Deployment, log.deployment_id).chain


def _outcome(arm: IncumbentArm) -> str:
    """What comes of one document that is submitted now."""
    digest = secrets.token_bytes(32)
    try:
        content = arm.submit(digest, 0.0).content
    except ConnectorTimeout:
        return "timed_out"
    except (ConnectorError, EvidenceError):
        return "refused"
    return "completed" if _holds(arm, digest, content) else "lost"


def _recovery(arm: IncumbentArm, restored: float, stop: threading.Event) -> float | None:
    """Seconds from the restoration to the first good evidence for a document that is submitted after it."""
    while time.monotonic() - restored < PATIENCE:
        _go_on(stop)
        if _outcome(arm) == "completed":
            return time.monotonic() - restored
        stop.wait(RETRY)
    return None


def _holds(arm: IncumbentArm, digest: bytes, content: bytes) -> bool:
    return _still_verifies(arm, digest, content)[0]


def _still_verifies(arm: IncumbentArm | ChainArm, digest: bytes, content: bytes) -> tuple[bool, str]:
    """Whether evidence can be checked now, and how: offline, or else by asking as its holder does."""
    try:
        arm.verify(digest, content)
    except NotOffline:
        pass
    except (EvidenceError, SandboxError) as error:
        return False, f"evidence from before does not verify: {_first_line(error)}"
    else:
        return True, "evidence from before verifies offline"
    try:
        arm.confirm(digest, content)
    except (ConnectorError, EvidenceError) as error:
        return False, f"evidence from before cannot be checked: {_first_line(error)}"
    return True, "evidence from before is confirmed by its service"


def _first_line(error: Exception) -> str:
    return (str(error).partition("\n")[0] or type(error).__name__)[:200]


def _go_on(stop: threading.Event) -> None:
    if stop.is_set():
        raise DrillStopped("the service was stopped before the outage drill had ended")
