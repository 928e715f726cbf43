"""One chain of each engine, served by the whole service and by the bare application: writes and reads over HTTP."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from baas.administrations.model import AdministrationKind
from baas.app import serving
from baas.settings import load_settings
from baas.tenancy import Caller, CallerKind, Role, TenantScope
from baas.wiring import Services
from sandbox.engines import SealingNode, engine
from sandbox.spec import ChainSpec
from tests.bench.fleet import load, peers
from tests.bench.fleet.bare import Bare
from tests.bench.fleet.rpc import SIGNER, Rpc, bodies, call, deploy, notarise, notary, wait_for_nonce

EACH = 100
LIMIT = 120.0


class Fleet:
    """The whole service in this process with one administration, over real HTTP."""

    def __init__(self, services: Services, url: str) -> None:
        self.services, self.url = services, url
        self._count = 0
        self.next_administration()

    def next_administration(self) -> None:
        """Chains are made for a new administration from here on; one may have only so many."""
        self._count += 1
        operator = TenantScope(Caller(CallerKind.OPERATOR, "bench"))
        self.code = f"99{self._count:08}"
        services = self.services
        with services.store.session() as session:
            body = services.administrations.create(
                session, operator, self.code, "Banc de proves (fictici)", AdministrationKind.OTHER
            )
            member = services.administrations.add_member(
                session, operator, self.code, "bench", frozenset(Role)
            )
            self.administration, actor = body.id, member.id
        roles = {self.administration: frozenset(Role)}
        self.scope = TenantScope(
            Caller(CallerKind.MEMBER, actor, administration_id=self.administration, roles=roles)
        )

    def rpc_url(self, chain: str) -> str:
        """The address of a chain of the newest administration, with a token in it."""
        with self.services.store.session() as session:
            issued = self.services.tokens.issue_rpc(
                session, self.scope, "bench", self.administration, chain, 1
            )
        return f"{self.url}/rpc/{chain}/{issued.text}"

    def hibernate(self, chain: str) -> None:
        """Let it sleep now, as the supervisor does with one that is idle."""
        fleet = self.services.chains._fleet
        if fleet.awake(chain) is not None:
            assert fleet.hibernate(chain, 30)  # a request's hold on it ends after its answer

    @classmethod
    @contextmanager
    def open(cls, folder: Path) -> Iterator[Fleet]:
        services = Services.build(load_settings(data=folder, host="127.0.0.1", port=0))
        services.start()
        try:
            with serving(services) as url:
                yield cls(services, url)
        finally:
            services.stop()

    def chain(self, engine_slug: str) -> tuple[str, int]:
        """A new chain on which the load's signer may send and deploy: its RPC address with a token, its chain id."""
        row = self.services.chains.create(self.scope, self.code, "bench", engine_slug)
        for act in ("send", "deploy"):
            self.services.permissions.allow(self.scope, row.id, SIGNER.address, act)
        return self.rpc_url(row.id), row.chain_id


def writes(url: str, chain_id: int, count: int, clients: int = 1) -> float:
    """Transactions per second, from the first body sent to the last transaction mined; the contract is deployed before."""
    loads = bodies(chain_id, count, EACH)
    deploy(Rpc(url), chain_id)
    start = time.perf_counter()
    load.run(url, loads, clients)
    wait_for_nonce(Rpc(url), count + 1)  # a connection that is idle during the load would be closed
    return count / (time.perf_counter() - start)


def reads(url: str, clients: int, calls: int) -> float:
    """eth_call per second with so many clients, each over a connection of its own."""
    message = {"from": SIGNER.address, "to": notary(), "data": f"0x{notarise().hex()}"}
    one = json.dumps(call("eth_call", message, "latest")).encode()
    return calls / float(load.run(url, [one] * calls, clients)["seconds"])


@contextmanager
def bare_embedded(folder: Path) -> Iterator[tuple[str, int]]:
    """The embedded engine's node with nothing in front of it."""
    spec = ChainSpec(chain_id=secrets.randbelow(10**9) + 1, genesis_time=int(time.time()) - 60)
    directory = folder / secrets.token_hex(8)
    directory.mkdir(parents=True)
    embedded = engine("embedded")
    embedded.create(directory, spec)
    node = embedded.open(directory, spec)
    assert isinstance(node, SealingNode)

    def seal(batch: Any) -> None:
        while batch:
            sealed = node.seal(batch, node.head().timestamp + 1, time_limit=LIMIT)
            assert not sealed.dropped, sealed.dropped
            batch = batch[len(sealed.included) :]

    def read(method: str, params: list[Any]) -> Any:
        return node.read(method, params, time_limit=LIMIT)

    try:
        with Bare(seal, read, spec.seal_after_ms / 1000).served() as url:
            yield url, spec.chain_id
    finally:
        node.close()


@contextmanager
def bare_anvil(binary: Path) -> Iterator[tuple[str, int]]:
    """Anvil that mines when it is told to, batched in the same way, without journal or policy."""
    with peers.anvil(
        binary,
        "--chain-id", str(peers.ANVIL_ID), "--no-mining", "--order", "fifo", "--gas-limit", "1000000000000",
        "--prune-history", "256",
    ) as writer:  # fmt: skip
        local = threading.local()  # a connection for each of the application's threads

        def seal(batch: Any) -> None:
            sent = [call("eth_sendRawTransaction", f"0x{raw.hex()}", number=n) for n, raw in enumerate(batch)]
            answers = json.loads(writer.post(json.dumps(sent).encode()))
            assert all("result" in answer for answer in answers), answers[:1]
            writer("evm_mine")

        def read(method: str, params: list[Any]) -> Any:
            if not hasattr(local, "rpc"):
                local.rpc = Rpc(writer.url)
            return local.rpc(method, *params)

        with Bare(seal, read, 0.05).served() as url:
            yield url, peers.ANVIL_ID
