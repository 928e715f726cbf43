"""What many tests begin with: an administration with a chain and both templates, and the waits in between."""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx2

from baas.chains.model import Chain
from baas.deployments.model import Deployment
from baas.logs.model import Log
from baas.notarisations.documents import Document
from baas.tenancy import Caller, CallerKind, Role, TenantScope, across_administrations
from baas.wiring import Services
from sandbox.evidence import receipt as receipts
from sandbox.evidence.report import Report
from sandbox.evidence.trust import TrustRoot
from sandbox.evidence.verify import verify

T = TypeVar("T")
TEST = "a test looks at what the service wrote"


@dataclass(frozen=True)
class Town:
    """One administration of a running server: its chain, its deployments, and a member with every role."""

    code: str
    id: str
    member: httpx2.Client
    token: str
    chain: dict[str, Any]
    notary: dict[str, Any]
    registry: dict[str, Any]


def until(ask: Callable[[], T | None], seconds: float = 100.0) -> T:
    """What `ask` answers once it is something; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := ask()):
        assert time.monotonic() < deadline, f"waited {seconds} s for {ask}"
        time.sleep(0.02)
    return found


def ok(response: httpx2.Response, status: int = 200) -> Any:
    assert response.status_code == status, response.text
    return response.json()


def new_town(server: Any, code: str) -> Town:
    administration = server.administration(code, f"Vila {code}")
    actor = server.member(code, *Role)
    token = server.token_of(actor["id"])
    member = server.client(token)
    chain = ok(member.post("/chains", json={"administration": code, "label": "prova"}), 201)
    deployments = [
        ok(member.post(f"/chains/{chain['id']}/deployments", json={"template": template}), 201)
        for template in ("document-notary", "hash-registry")
    ]
    return Town(code, administration["id"], member, token, chain, *deployments)


def digest(data: bytes) -> dict[str, str]:
    return {"digest": hashlib.sha256(data).hexdigest()}


def notarise(town: Town, *documents: dict[str, str], key: str | None = None) -> dict[str, Any]:
    """Accepts these digests as one batch."""
    body = {"administration": town.code, "documents": list(documents)}
    headers = {"Idempotency-Key": key} if key else {}
    return dict(ok(town.member.post("/notarisations", json=body, headers=headers), 202))


def anchored(town: Town, notarisation: str) -> dict[str, Any]:
    """The notarisation, once it is anchored."""

    def ask() -> dict[str, Any] | None:
        found = dict(ok(town.member.get(f"/notarisations/{notarisation}")))
        return found if found["state"] == "anchored" else None

    return until(ask)


def stamped(town: Town, notarisation: str) -> dict[str, Any]:
    """The notarisation, once its checkpoint has a time-stamp: from then on its receipt is the same each time."""

    def ask() -> dict[str, Any] | None:
        found = dict(ok(town.member.get(f"/notarisations/{notarisation}")))
        return found if found["timestamped"] else None

    return until(ask)


def checked(document: bytes, receipt: bytes, trust: TrustRoot) -> Report:
    """The offline verification of a receipt as it was handed out."""
    return verify(document, receipts.parse(receipt), trust)


# -- without HTTP ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """The same of a service without a server."""

    code: str
    scope: TenantScope
    chain: Chain
    notary: Deployment


def new_place(services: Services, code: str = "9999990001") -> Place:
    """An administration with a chain and the document template; its scope has every role."""
    operator = services.initialise()
    staff = TenantScope(services.tokens.authenticate(operator.text))
    with services.store.session() as session:
        owner = services.administrations.create(session, staff, code, "Vilafictícia", "ajuntament")
    scope = scope_of(owner.id)
    chain = services.chains.create(scope, code, "prova")
    return Place(code, scope, chain, services.deployments.deploy(scope, chain.id, "document-notary", {}))


def scope_of(administration_id: str) -> TenantScope:
    roles = {administration_id: frozenset(Role)}
    return TenantScope(Caller(CallerKind.MEMBER, "member", "persona", "token", administration_id, roles))


def accept(services: Services, place: Place, *documents: bytes, poke: bool = True) -> str:
    """Accepts documents as one batch; its id."""
    given = [Document("sha-256", hashlib.sha256(data).hexdigest()) for data in documents]
    with services.store.session() as session:
        batch, log = services.notarisations.accept(session, place.scope, place.code, given)
    if poke:
        services.logs.poke(log)
    return batch.id


def log_of(services: Services, number: int = 1) -> Log:
    with services.store.reading() as session:
        return session.exec(across_administrations(Log, TEST).where(Log.number == number)).one()


def all_anchored(services: Services, number: int = 1) -> Log:
    """The log, once all that it accepted is anchored."""

    def ask() -> Log | None:
        log = log_of(services, number)
        return log if log.anchored_size == log.accepted else None

    return until(ask)


_CODES = itertools.count(9_999_900_000)


def fresh_code() -> str:
    """A code that no administration of this process' tests has: a module's fixture may be made more than once."""
    return str(next(_CODES))
