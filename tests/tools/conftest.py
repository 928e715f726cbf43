"""A real service over real HTTP for the tools: on each engine a chain of the same administration."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount

from baas.settings import Settings
from baas.tenancy import Role
from baas.wiring import Services
from tests.baas.conftest import Server, ShiftedClock, initialised_server
from tests.baas.flows import ok
from tests.tools import toolbox
from tests.tools.toolbox import Toolbox

ENGINES = ("embedded", "anvil")  # the engines that seal; `baas engine install anvil` brings the second
CODE = "9999990001"


@pytest.fixture(scope="session")
def tools() -> Toolbox:
    return toolbox.installed()


@pytest.fixture(scope="session")
def server(tools: Toolbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    clock = ShiftedClock()
    services = Services.build(Settings(data=tmp_path_factory.mktemp("tools") / "data", port=0), clock)
    services.start()
    with initialised_server(services, clock) as started:
        started.administration(CODE)
        yield started
    services.stop()


@dataclass(frozen=True)
class Place:
    """One chain, and who works there: `developer` makes tokens and keys, `admin` decides who may send."""

    server: Server
    chain: dict[str, Any]
    developer: httpx2.Client
    admin: httpx2.Client
    token: str

    @property
    def url(self) -> str:
        return f"{self.server.url}/rpc/{self.chain['id']}"

    def wallet_token(self) -> str:
        made = self.developer.post(f"/chains/{self.chain['id']}/tokens", json={"label": "wallet"})
        return str(ok(made, 201)["token"])

    def allow(self, address: str) -> None:
        """The administrator lets an address send and deploy."""
        for act in ("send", "deploy"):
            body = {"address": address, "act": act}
            ok(self.admin.post(f"/chains/{self.chain['id']}/permissions", json=body), 201)

    def ask_and_let_in(self, address: str) -> None:
        """What a refused person does: asks, with the token that it has; an administrator accepts what was asked."""
        for act in ("send", "deploy"):
            wanted = {"address": address, "act": act, "message": "per a la prova de les eines"}
            asked = self.call("baas_requestAccess", wanted)
            accept = f"/chains/{self.chain['id']}/access-requests/{asked['id']}/accept"
            ok(self.admin.post(accept, json={"reason": "és de la casa"}))
            assert self.call("baas_accessRequest", asked["id"])["state"] == "accepted"

    def answer(self, method: str, params: list[Any]) -> dict[str, Any]:
        """The public address's answer, with the developer's token."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        headers = {"Authorization": f"Bearer {self.token}"}
        return dict(httpx2.post(self.url, json=body, headers=headers).json())

    def call(self, method: str, *params: Any) -> Any:
        """Its result; a refusal fails the test."""
        answer = self.answer(method, list(params))
        assert "error" not in answer, answer
        return answer["result"]


@pytest.fixture(scope="session", params=ENGINES)
def place(server: Server, request: pytest.FixtureRequest) -> Place:
    engine = request.param
    developer_token = server.token_of(server.member(CODE, Role.DEVELOPER)["id"])
    developer = server.client(developer_token)
    admin = server.as_member(CODE, Role.ADMIN)
    body = {"administration": CODE, "label": f"eines-{engine}", "engine": engine}
    chain = ok(developer.post("/chains", json=body), 201)
    return Place(server, chain, developer, admin, developer_token)


@pytest.fixture
def account() -> LocalAccount:
    """A key that nobody has seen before, without balance."""
    made: LocalAccount = Account.create()
    return made


@pytest.fixture
def folder(tmp_path: Path, tools: Toolbox) -> Path:
    """Where a developer works: the tools' packages, and the artifact that the programs deploy."""
    (tmp_path / "node_modules").symlink_to(tools.modules)
    artifact = toolbox.TREE / "contracts" / "artifacts" / "HashRegistry.json"
    (tmp_path / "HashRegistry.json").write_bytes(artifact.read_bytes())
    return tmp_path
