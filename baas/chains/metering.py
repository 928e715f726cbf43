"""What each administration uses of its chains, and the refusal when it is more than it may.

Gas is never kept in a total of its own that a crash could make wrong: it follows from the chains' files (blocks, and the
limits of what waits), from the register of deleted chains, and from what is being accepted at this moment. The total is
remembered while it cannot pass the limit, and found out anew when it might.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sqlmodel import col

from baas.administrations.limits import Limits, LimitsOf
from baas.administrations.model import SpentGas
from baas.chains.fleet import Fleet
from baas.chains.model import Chain
from baas.clock import Clock
from baas.errors import TooMuch
from baas.store import Store
from baas.telemetry import Telemetry
from baas.tenancy import across_administrations
from sandbox.chain import gas_used_while_closed
from sandbox.errors import EngineError, OverQuota
from sandbox.gas_records import HOUR, of_closed
from sandbox.lifecycle import DesiredState

FOR_ALL = "an administration's use is counted whoever causes it"
#: Seconds for which limits, stored bytes and an exhausted total are believed before they are looked at again.
BELIEVED = 2.0


class Bucket:
    """A token bucket: `rate` a second, twice as many at once. What is taken by a batch may leave it owing."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now, self._level, self._at = now, math.inf, now()
        self._lock = threading.Lock()

    def take(self, rate: int, cost: int = 1) -> int | None:
        """None when there was something to take, else the whole seconds until there is."""
        with self._lock:
            self._fill(rate)
            if self._level < 1:
                return max(1, math.ceil((1 - self._level) / rate))
            self._level -= cost
            return None

    def owe(self, rate: int, cost: int) -> None:
        with self._lock:
            self._fill(rate)
            self._level -= cost

    def _fill(self, rate: int) -> None:
        now = self._now()
        self._level = min(2.0 * rate, self._level + (now - self._at) * rate)
        self._at = now


@dataclass
class _Account:
    """What is known of one administration's use. The lock is held while its total is found out."""

    bucket: Bucket
    lock: threading.Lock = field(default_factory=threading.Lock)
    limits: Limits | None = None
    limits_at: float = 0.0
    since: int = -1
    counted: int = 0
    counted_at: float = -math.inf
    admitted: int = 0
    in_flight: int = 0
    waiting: int = 0
    stored: int = 0
    stored_at: float = -math.inf


class Meters:
    """The accounts of every administration. `period` is in hours; `ticks` gives monotonic seconds."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        fleet: Fleet,
        limits: LimitsOf,
        telemetry: Telemetry,
        period: int = 24,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._clock, self._fleet, self._limits = store, clock, fleet, limits
        self._telemetry, self._period, self._ticks = telemetry, period, ticks
        self._accounts: dict[str, _Account] = {}
        self._owner: dict[str, str] = {}
        self._guard = threading.Lock()
        fleet.meter_of = self.meter

    def belongs(self, chain: str, administration_id: str) -> None:
        """To be said before a chain is opened: whose it is."""
        self._owner[chain] = administration_id

    def meter(self, chain: str) -> ChainMeter | None:
        owner = self._owner.get(chain)
        return None if owner is None else ChainMeter(self, owner, self._telemetry)

    def changed(self, administration_id: str) -> None:
        """Its limits were set, or its chains deleted: nothing remembered of it is believed any more."""
        account = self._account(administration_id)
        with account.lock:
            account.limits, account.counted_at, account.stored_at = None, -math.inf, -math.inf

    # -- requests ----------------------------------------------------------------------------------

    def request(self, administration_id: str) -> None:
        """One request. TooMuch when there were more than may be in a second."""
        account = self._account(administration_id)
        rate = self._limits_of(administration_id, account).requests_per_second
        wait = account.bucket.take(rate)
        if wait is not None:
            raise TooMuch("requests per second", rate, rate, wait)

    def owe(self, administration_id: str, calls: int) -> None:
        account = self._account(administration_id)
        account.bucket.owe(self._limits_of(administration_id, account).requests_per_second, calls)

    # -- gas and bytes -----------------------------------------------------------------------------

    def admit(self, administration_id: str, gas: int, size: int) -> None:
        """OverQuota where this transaction would be more gas in the period, or more bytes, than it may use."""
        account = self._account(administration_id)
        limits = self._limits_of(administration_id, account)
        with account.lock:
            self._require_bytes(administration_id, account, limits.stored_bytes, size)
            now = int(self._clock.now().timestamp())
            since = now // HOUR // self._period * self._period
            if since != account.since or account.counted + account.admitted + gas > limits.gas_per_period:
                self._count(administration_id, account, since)
            used = account.counted + account.admitted
            if used + gas > limits.gas_per_period:
                again = (since + self._period) * HOUR - now
                if (
                    used - account.waiting + gas <= limits.gas_per_period
                ):  # what waits asked for more than it uses
                    again = math.ceil(BELIEVED)
                raise OverQuota(
                    "Gas limit of the period exceeded", "gas-quota", limits.gas_per_period, used, again
                )
            account.admitted += gas
            account.in_flight += gas
            account.stored += size

    def settled(self, administration_id: str, gas: int) -> None:
        account = self._account(administration_id)
        with account.lock:
            account.in_flight -= gas

    def require_room(self, administration_id: str) -> int:
        """How many bytes more its chains may hold. TooMuch where they hold as many as they may."""
        account = self._account(administration_id)
        limit = self._limits_of(administration_id, account).stored_bytes
        with account.lock:
            try:
                self._require_bytes(administration_id, account, limit, 0)
                return limit - account.stored
            except OverQuota as over:
                raise TooMuch("stored bytes", over.limit, over.used, over.retry_after) from None

    def used(self, administration_id: str) -> tuple[int, int]:
        """Gas of this period and bytes, found out now."""
        account = self._account(administration_id)
        with account.lock:
            self._count(administration_id, account, self._since())
            self._weigh(administration_id, account)
            return account.counted + account.admitted, account.stored

    def spend(self, chain: str, administration_id: str) -> None:
        """Keep the gas of a chain that is closed and about to be deleted: to be called in between. Twice is as once."""
        hours, _ = of_closed(self._fleet.directory(chain), self._since())
        with self._store.session() as session:
            for hour, gas in hours.items():
                session.merge(SpentGas(chain=chain, hour=hour, administration_id=administration_id, gas=gas))

    def _since(self) -> int:
        return int(self._clock.now().timestamp()) // HOUR // self._period * self._period

    def _count(self, administration_id: str, account: _Account, since: int) -> None:
        """Find the total out, under the account's lock. What is in flight may be on disk already: it counts twice then,
        and once the next time; never not at all."""
        if since == account.since and self._ticks() - account.counted_at < BELIEVED and not account.admitted:
            return
        in_flight, total, waiting = account.in_flight, 0, 0
        chains = self._chains(administration_id)
        for chain in chains:
            with self._fleet.peek(chain) as awake:
                try:
                    used, waits = self._asleep(chain, since) if awake is None else awake.gas_used(since)
                except EngineError:  # it is being started again: its file says all but its last blocks
                    used, waits = self._asleep(chain, since)
            total, waiting = total + used, waiting + waits
        with self._store.reading() as session:
            spent = across_administrations(SpentGas, FOR_ALL).where(
                col(SpentGas.administration_id) == administration_id, col(SpentGas.hour) >= since
            )
            total += sum(row.gas for row in session.exec(spent) if row.chain not in chains)
        account.since, account.counted, account.admitted = since, total + waiting, in_flight
        account.waiting = waiting + in_flight
        account.counted_at = self._ticks()

    def _asleep(self, chain: str, since: int) -> tuple[int, int]:
        return gas_used_while_closed(self._fleet.directory(chain), since)

    def _require_bytes(self, administration_id: str, account: _Account, limit: int, size: int) -> None:
        if self._ticks() - account.stored_at >= BELIEVED:
            self._weigh(administration_id, account)
        if account.stored + size > limit:
            again = max(1, math.ceil(BELIEVED))
            raise OverQuota("Stored bytes exceed the limit", "stored-bytes", limit, account.stored, again)

    def _weigh(self, administration_id: str, account: _Account) -> None:
        directories = map(self._fleet.directory, self._chains(administration_id))
        account.stored, account.stored_at = sum(map(_size, directories)), self._ticks()

    def _chains(self, administration_id: str) -> set[str]:
        """Its chains, with those that are deleted by their row and still there: their gas may not be kept yet."""
        with self._store.reading() as session:
            rows = session.exec(
                across_administrations(Chain, "an administration's use is measured for the service").where(
                    Chain.administration_id == administration_id
                )
            ).all()
        return {
            row.id
            for row in rows
            if row.desired != DesiredState.DELETED or self._fleet.directory(row.id).exists()
        }

    def _limits_of(self, administration_id: str, account: _Account) -> Limits:
        limits = account.limits
        if limits is None or self._ticks() - account.limits_at >= BELIEVED:
            with self._store.reading() as session:
                limits = account.limits = self._limits.of(session, administration_id)
            account.limits_at = self._ticks()
        return limits

    def _account(self, administration_id: str) -> _Account:
        with self._guard:
            if administration_id not in self._accounts:
                self._accounts[administration_id] = _Account(Bucket(self._ticks))
            return self._accounts[administration_id]


class ChainMeter:
    """One chain's meter: a `sandbox.gateway.Meter` on its administration's account."""

    def __init__(self, meters: Meters, administration_id: str, telemetry: Telemetry) -> None:
        self._meters, self._owner, self._telemetry = meters, administration_id, telemetry

    def calls(self, count: int) -> None:
        if count > 1:  # the first one was taken at the door
            self._meters.owe(self._owner, count - 1)

    def answered(self, kind: str, refused_by: str | None) -> None:
        self._telemetry.answered(kind, refused_by)

    def sealed(self, count: int) -> None:
        self._telemetry.sealed.inc(count)

    def admit(self, gas: int, size: int) -> None:
        self._meters.admit(self._owner, gas, size)

    def settled(self, gas: int) -> None:
        if gas:
            self._meters.settled(self._owner, gas)


def _size(directory: Path) -> int:
    """Bytes of a chain's files; what is removed meanwhile counts nothing."""
    total = 0
    for path in directory.rglob("*") if directory.is_dir() else ():
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue
    return total
