"""Keeps the AccountAllowlist contracts of a chain up to its permissions: by and by, and never forgotten.

Nothing is stored: a contract says which revision it shows, and what is missing is looked for when a chain wakes, when
its permissions change, and when such a contract is deployed. A crash in between is made good at the next waking.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

from baas.chains.leases import holding
from baas.chains.permissions import ChainPermissions
from baas.chains.service import Chains
from baas.deployments.model import Deployment
from baas.deployments.service import MIRROR, Deployments
from baas.errors import BaasError, StoreClosed
from baas.store import Store
from baas.tenancy import across_administrations
from sandbox import mirror
from sandbox.errors import SandboxError

LOGGER = logging.getLogger(__name__)

#: Seconds before another attempt; after the last one, the next change or waking tries again.
RETRIES = (1.0, 5.0, 30.0, 120.0)


class Mirror:
    """Background work of one service; `poke` a chain when there may be something to mirror."""

    def __init__(
        self, store: Store, chains: Chains, permissions: ChainPermissions, deployments: Deployments
    ) -> None:
        self._store, self._chains = store, chains
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="mirror")
        self._guard = threading.Lock()
        self._busy: set[str] = set()
        self._again: set[str] = set()
        self._timers: dict[str, threading.Timer] = {}
        self._stopped = False
        permissions.on_change = self.poke
        deployments.on_deployed = lambda made: self.poke(made.chain) if made.template == MIRROR else None

    def poke(self, chain: str, attempt: int = 0) -> None:
        """Cheap, never waits, and never lost while a job runs."""
        with self._guard:
            if self._stopped:
                return
            if chain in self._busy:
                self._again.add(chain)
                return
            self._busy.add(chain)
            self._pool.submit(self._work, chain, attempt)

    def stop(self) -> None:
        with self._guard:
            self._stopped = True
            for timer in self._timers.values():
                timer.cancel()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _work(self, chain: str, attempt: int) -> None:
        try:
            self._bring_up_to_date(chain)
        except StoreClosed:
            pass
        except Exception as error:  # a job must never die silently: it is logged and tried again
            if not self._stopped:
                ours = isinstance(error, BaasError | SandboxError)
                LOGGER.warning("chain %s is not mirrored: %s", chain, error, exc_info=not ours)
                self._try_later(chain, attempt)
        with self._guard:
            self._busy.discard(chain)
            again = chain in self._again
            self._again.discard(chain)
        if again:
            self.poke(chain)

    def _try_later(self, chain: str, attempt: int) -> None:
        if attempt >= len(RETRIES):
            return
        timer = threading.Timer(RETRIES[attempt], self.poke, [chain, attempt + 1])
        timer.daemon = True
        with self._guard:
            if self._stopped:
                return
            if before := self._timers.pop(chain, None):
                before.cancel()
            self._timers[chain] = timer
            timer.start()

    def _bring_up_to_date(self, chain: str) -> None:
        with self._store.reading() as session:
            found = session.exec(
                across_administrations(Deployment, "the mirror serves every administration's chains").where(
                    Deployment.chain == chain, Deployment.template == MIRROR
                )
            ).all()
            contracts = [bytes.fromhex(each.address[2:]) for each in found]
        for contract in contracts:
            if self._stopped:
                return
            with holding():
                awake = self._chains.awake(chain)
                with self._chains.sending(chain):
                    mirror.mirror(awake, contract, self._chains.ANCHORING_ACCOUNT)
