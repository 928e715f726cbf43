"""The Python client of the REST API: one method per act, JSON in, JSON out.

Errors are ApiProblem with the problem details (RFC 9457) that the service answered. One class on purpose, however long:
it is the list of what can be asked, and it changes for one reason, the API.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2

Json = dict[str, Any]
#: Seconds for which a named problem may stand before whoever waits is told: it may be about to be solved.
STUCK = 10.0
#: Seconds for which a receipt waits for the witnesses of its log.
WITNESSES = 10.0


class ApiProblem(Exception):
    """The service refused or failed; `status`, `title`, `detail` and `problem` are what it said."""

    def __init__(self, status: int, problem: Json) -> None:
        self.status, self.problem = status, problem
        self.title = str(problem.get("title", "error"))
        self.detail = str(problem.get("detail", ""))
        super().__init__(
            f"{self.title} ({status}): {self.detail}" if self.detail else f"{self.title} ({status})"
        )

    @property
    def waits_for_witnesses(self) -> bool:
        """Whether what was asked for is there as soon as more witnesses have cosigned."""
        return str(self.problem.get("type", "")).endswith("/not-witnessed-yet")


class Client:
    """A session with one service as one token. Thread-safe as far as httpx2.Client is."""

    def __init__(self, base_url: str, token: str | None, *, timeout: float = 60.0) -> None:
        self.base_url = base_url.rstrip("/")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # a proxy of the environment has no business between two ends of the same machine
        remote = httpx2.URL(self.base_url).host not in ("127.0.0.1", "::1", "localhost")
        # servers hang up on idle connections: one that was idle for longer is not used again
        limits = httpx2.Limits(keepalive_expiry=2.0)
        self._http = httpx2.Client(
            base_url=self.base_url, headers=headers, timeout=timeout, trust_env=remote, limits=limits
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    # -- the one way out ---------------------------------------------------------------------------

    def request(
        self, method: str, path: str, *, idempotency_key: str | None = None, **arguments: Any
    ) -> httpx2.Response:
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else None
        response = self._http.request(method, path, headers=headers, **arguments)
        if response.is_error:
            raise ApiProblem(response.status_code, _problem(response))
        return response

    def _get(self, path: str, **params: Any) -> Any:
        given = {name: value for name, value in params.items() if value is not None}
        return self.request("GET", f"/api/v1{path}", params=given).json()

    def _proof(self, path: str, params: Json | None = None) -> bytes:
        """What is made from an anchored checkpoint: witnesses that are about to cosign it are waited for a moment."""
        deadline = time.monotonic() + WITNESSES
        while True:
            try:
                return self.request("GET", f"/api/v1{path}", params=params).content
            except ApiProblem as problem:
                if not problem.waits_for_witnesses or time.monotonic() > deadline:
                    raise
            time.sleep(0.1)

    def _post(self, path: str, body: Json | None = None, *, key: str | None = None) -> Any:
        response = self.request("POST", f"/api/v1{path}", json=body or {}, idempotency_key=key)
        return response.json() if response.content else None

    def _delete(self, path: str) -> None:
        self.request("DELETE", f"/api/v1{path}")

    def _pages(self, path: str, **params: Any) -> Iterator[Json]:
        cursor: str | None = None
        while True:
            page = self._get(path, after=cursor, **params)
            yield from page["items"]
            cursor = page.get("next")
            if cursor is None:
                return

    # -- administrations, members, tokens ------------------------------------------------------------

    def me(self) -> Json:
        return dict(self._get("/me"))

    def create_administration(self, code: str, name: str, kind: str = "other") -> Json:
        return dict(self._post("/administrations", {"code": code, "name": name, "kind": kind}))

    def administrations(self) -> list[Json]:
        return list(self._pages("/administrations"))

    def code_of(self, administration_id: str) -> str:
        """The code of an administration that one may see."""
        return next(str(each["code"]) for each in self.administrations() if each["id"] == administration_id)

    def limits(self, administration: str) -> Json:
        return dict(self._get(f"/administrations/{administration}/limits"))

    def set_limits(self, administration: str, **limits: int | None) -> Json:
        """Those that are named; None goes back to what the settings say."""
        path = f"/api/v1/administrations/{administration}/limits"
        return dict(self.request("PUT", path, json=limits).json())

    def fleet(self) -> Json:
        return dict(self._get("/fleet"))

    def suspend_administration(self, administration: str, reason: str) -> Json:
        return dict(self._post(f"/administrations/{administration}/suspend", {"reason": reason}))

    def resume_administration(self, administration: str, reason: str) -> Json:
        return dict(self._post(f"/administrations/{administration}/resume", {"reason": reason}))

    def create_member(self, administration: str, label: str, roles: Sequence[str]) -> Json:
        return dict(
            self._post(f"/administrations/{administration}/members", {"label": label, "roles": list(roles)})
        )

    def members(self, administration: str) -> list[Json]:
        return list(self._pages(f"/administrations/{administration}/members"))

    def create_token(self, label: str, actor: str | None = None, *, days: int | None = None) -> Json:
        """A token for oneself, or for the member or staff `actor`; its text is in this answer and never again."""
        return dict(self._post("/tokens", {"label": label, "actor_id": actor, "days": days}))

    def tokens(self, administration: str | None = None) -> list[Json]:
        """One's own tokens, or all of an administration's."""
        return list(self._pages(f"/administrations/{administration}/tokens" if administration else "/tokens"))

    def revoke_token(self, token: str) -> None:
        self._delete(f"/tokens/{token}")

    def grant_mandate(self, administration: str, provider: str, roles: Sequence[str], *, days: int) -> Json:
        body = {"provider": provider, "roles": list(roles), "days": days}
        return dict(self._post(f"/administrations/{administration}/mandates", body))

    def mandates(self, administration: str) -> list[Json]:
        return list(self._pages(f"/administrations/{administration}/mandates"))

    def revoke_mandate(self, administration: str, mandate: str) -> None:
        self._delete(f"/administrations/{administration}/mandates/{mandate}")

    def audit(self, administration: str | None = None) -> list[Json]:
        return list(self._pages("/audit", administration=administration))

    # -- chains ------------------------------------------------------------------------------------

    def create_chain(
        self,
        administration: str,
        label: str,
        *,
        engine: str = "embedded",
        faucet: bool = True,
        endpoint: str = "",
    ) -> Json:
        body: Json = {"administration": administration, "label": label, "engine": engine, "faucet": faucet}
        body |= {"endpoint": endpoint}
        return dict(self._post("/chains", body))

    def give_test_ether(self, chain: str, address: str, ether: str) -> Json:
        """From the chain's faucet, as a decimal number of ether; it is worth nothing."""
        return dict(self._post(f"/chains/{chain}/faucet", {"address": address, "amount": ether}))

    def chains(self, administration: str | None = None) -> list[Json]:
        return list(self._pages("/chains", administration=administration))

    def chain(self, chain: str) -> Json:
        return dict(self._get(f"/chains/{chain}"))

    def start_chain(self, chain: str) -> Json:
        return dict(self._post(f"/chains/{chain}/start"))

    def stop_chain(self, chain: str) -> Json:
        return dict(self._post(f"/chains/{chain}/stop"))

    def extend_chain(self, chain: str, days: int) -> Json:
        """Its new end, in days from now."""
        return dict(self._post(f"/chains/{chain}/extend", {"days": days}))

    def delete_chain(self, chain: str) -> None:
        self._delete(f"/chains/{chain}")

    # -- a chain's state -----------------------------------------------------------------------------

    def take_snapshot(self, chain: str, name: str) -> Json:
        return dict(self._post(f"/chains/{chain}/snapshots", {"name": name}))

    def snapshots(self, chain: str) -> list[Json]:
        return list(self._get(f"/chains/{chain}/snapshots")["items"])

    def verify_snapshot(self, chain: str, name: str) -> Json:
        return dict(self._get(f"/chains/{chain}/snapshots/{name}/check"))

    def restore_snapshot(self, chain: str, name: str) -> Json:
        return dict(self._post(f"/chains/{chain}/snapshots/{name}/restore"))

    def remove_snapshot(self, chain: str, name: str) -> None:
        self._delete(f"/chains/{chain}/snapshots/{name}")

    def branches(self, chain: str) -> list[Json]:
        return list(self._get(f"/chains/{chain}/branches")["items"])

    def clone_chain(self, chain: str, label: str, snapshot: str | None = None) -> Json:
        return dict(self._post(f"/chains/{chain}/clone", {"label": label, "snapshot": snapshot}))

    def export_chain(self, chain: str, to: Path, password: str | None = None) -> int:
        """Write the chain's archive to a new file; its bytes. Nothing is left of one that ends too early."""
        written = 0
        body = {"password": password}
        with self._http.stream("POST", f"/api/v1/chains/{chain}/export", json=body) as response:
            if response.is_error:
                response.read()
                raise ApiProblem(response.status_code, _problem(response))
            with to.open("xb") as file:
                try:
                    for piece in response.iter_bytes():
                        written += file.write(piece)
                except BaseException:
                    to.unlink(missing_ok=True)
                    raise
        return written

    def import_chain(
        self,
        administration: str,
        label: str,
        archive: Path,
        *,
        as_clone: bool = False,
        sealing_key: str | None = None,
        password: str | None = None,
    ) -> Json:
        params: Json = {"administration": administration, "label": label, "as_clone": as_clone}
        if sealing_key is not None:
            params["sealing_key"] = sealing_key
        headers = {"Content-Type": "application/zip"}
        if password is not None:
            headers["Keystore-Password"] = password
        with archive.open("rb") as file:
            response = self._http.post("/api/v1/chains/import", params=params, headers=headers, content=file)
        if response.is_error:
            raise ApiProblem(response.status_code, _problem(response))
        return dict(response.json())

    def chain_clock(self, chain: str) -> Json:
        return dict(self._get(f"/chains/{chain}/clock"))

    def move_clock(self, chain: str, seconds: int) -> Json:
        return dict(self._post(f"/chains/{chain}/clock", {"seconds": seconds}))

    def operations(self, chain: str) -> list[Json]:
        return list(self._get(f"/chains/{chain}/operations")["items"])

    # -- accounts and permissions --------------------------------------------------------------------

    def accounts(self, chain: str) -> list[Json]:
        return list(self._get(f"/chains/{chain}/accounts")["items"])

    def create_account(self, chain: str, label: str) -> Json:
        return dict(self._post(f"/chains/{chain}/accounts", {"label": label}))

    def import_account(
        self,
        chain: str,
        label: str,
        *,
        keystore: str | None = None,
        password: str | None = None,
        private_key: str | None = None,
    ) -> Json:
        """With a keystore v3 and its password, or a private key in hex."""
        given = {"keystore": keystore, "password": password, "private_key": private_key}
        body = {"label": label} | {name: value for name, value in given.items() if value is not None}
        return dict(self._post(f"/chains/{chain}/accounts/import", body))

    def export_account(self, chain: str, label: str, password: str) -> Json:
        """The account's key as a keystore v3 under `password`, in the answer's `keystore`."""
        return dict(self._post(f"/chains/{chain}/accounts/{label}/export", {"password": password}))

    def rotate_account(self, chain: str, label: str) -> Json:
        return dict(self._post(f"/chains/{chain}/accounts/{label}/rotate"))

    def send_transaction(self, chain: str, transaction: Json, *, key: str | None = None) -> Json:
        """Send with a custodial account; under the same `key` once. See `POST /chains/{chain}/transactions`."""
        return dict(
            self._post(f"/chains/{chain}/transactions", transaction, key=key or secrets.token_hex(16))
        )

    def permissions(self, chain: str, address: str | None = None) -> list[Json]:
        return list(self._pages(f"/chains/{chain}/permissions", address=address))

    def allow(self, chain: str, address: str, act: str, **narrowing: Any) -> Json:
        """Give a permission: `role`, `target`, `selector`, `max_value` (wei as text), `expires` (seconds since 1970)."""
        return dict(self._post(f"/chains/{chain}/permissions", {"address": address, "act": act, **narrowing}))

    def withdraw(self, chain: str, permission: int) -> None:
        self._delete(f"/chains/{chain}/permissions/{permission}")

    def disallow(self, chain: str, address: str, act: str) -> list[Json]:
        """Take away all permissions of an address for an act; they are in the answer."""
        path = f"/api/v1/chains/{chain}/permissions/{act}/{address}"
        return list(self.request("DELETE", path).json()["items"])

    def permission_changes(self, chain: str) -> list[Json]:
        return list(self._pages(f"/chains/{chain}/permission-changes"))

    def explain(self, chain: str, **said: Any) -> Json:
        """What would happen to `raw`, or to a transaction of `from` to `to` with `data` and `value`: a dry run."""
        return dict(self._post(f"/chains/{chain}/explain", said))

    def request_access(self, chain: str, address: str, act: str, message: str = "", **narrowing: Any) -> Json:
        body = {"address": address, "act": act, "message": message, **narrowing}
        return dict(self._post(f"/chains/{chain}/access-requests", body))

    def access_requests(self, chain: str, state: str | None = None) -> list[Json]:
        return list(self._pages(f"/chains/{chain}/access-requests", state=state))

    def accept_request(self, chain: str, request: int, **narrowing: Any) -> Json:
        return dict(self._post(f"/chains/{chain}/access-requests/{request}/accept", narrowing))

    def reject_request(self, chain: str, request: int, reason: str) -> Json:
        return dict(self._post(f"/chains/{chain}/access-requests/{request}/reject", {"reason": reason}))

    def refusals(self, chain: str, rule: str | None = None, sender: str | None = None) -> list[Json]:
        return list(self._pages(f"/chains/{chain}/refusals", rule=rule, sender=sender))

    def refusal_summary(self, chain: str) -> Json:
        return dict(self._get(f"/chains/{chain}/refusals/summary"))

    def create_rpc_token(self, chain: str, *, days: int | None = None, admin: bool = False) -> Json:
        """A token of one chain's RPC, at the administrator's endpoint with `admin`."""
        given = {"days": days} if days is not None else {}
        return dict(
            self._post(f"/chains/{chain}/tokens", given | {"endpoint": "admin" if admin else "public"})
        )

    def rpc(self, chain: str, method: str, *params: Any, admin: bool = False) -> Json:
        """One JSON-RPC call as it answers: `{"result": …}` or `{"error": …}`."""
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        return dict(self.request("POST", f"/{'rpc-admin' if admin else 'rpc'}/{chain}", json=call).json())

    def blocks(self, chain: str, *, highest: int | None = None, limit: int = 25) -> Json:
        """A page of blocks, the newest first; its `next` is the `highest` of the following one."""
        return dict(self._get(f"/chains/{chain}/blocks", highest=highest, limit=limit))

    def block(self, chain: str, block: str | int, *, start: int = 0) -> Json:
        return dict(self._get(f"/chains/{chain}/blocks/{block}", start=start))

    def transaction(self, chain: str, transaction_hash: str) -> Json:
        """One transaction with its decoded input and events."""
        return dict(self._get(f"/chains/{chain}/transactions/{transaction_hash}"))

    def address(self, chain: str, address: str) -> Json:
        return dict(self._get(f"/chains/{chain}/addresses/{address}"))

    # -- templates and deployments -------------------------------------------------------------------

    def templates(self) -> list[Json]:
        return list(self._get("/templates")["items"])

    def template(self, slug: str) -> Json:
        return dict(self._get(f"/templates/{slug}"))

    def deploy(self, chain: str, template: str, parameters: dict[str, str] | None = None) -> Json:
        return dict(
            self._post(f"/chains/{chain}/deployments", {"template": template, "parameters": parameters or {}})
        )

    def deployments(self, chain: str) -> list[Json]:
        return list(self._get(f"/chains/{chain}/deployments")["items"])

    def mirror_permissions(self, chain: str) -> Json:
        return dict(self._post(f"/chains/{chain}/mirror"))

    # -- notarisations -----------------------------------------------------------------------------

    def notarise(
        self,
        administration: str,
        digests: Iterable[str],
        *,
        algorithm: str = "sha-256",
        key: str | None = None,
    ) -> Json:
        """Accept these hex digests as one batch. On return they are on disk: `{"batch", "items": [{"id", …}]}`."""
        documents = [{"algorithm": algorithm, "digest": digest} for digest in digests]
        return self.notarise_documents(administration, documents, key=key)

    def notarise_documents(
        self, administration: str, documents: Sequence[Json], *, key: str | None = None
    ) -> Json:
        """As `notarise`, for documents with `supersedes` or with digests by other algorithms (`also`)."""
        body = {"administration": administration, "documents": list(documents)}
        return dict(self._post("/notarisations", body, key=key or secrets.token_hex(16)))

    def versions(self, notarisation: str) -> list[Json]:
        """Every version of its document, the first one first, and what ended the last one, if anything did."""
        return list(self._get(f"/notarisations/{notarisation}/versions")["items"])

    def with_digest(self, digest: str) -> list[Json]:
        """The notarisations that recorded this hex digest, oldest first."""
        return list(self._get("/notarisations/by-digest", digest=digest)["items"])

    def batching(self, administration: str) -> Json:
        return dict(self._get(f"/administrations/{administration}/batching"))

    def set_batching(self, administration: str, entries: int, seconds: int) -> Json:
        """Anchor documents when `entries` of them wait, or when the oldest has waited for `seconds`."""
        path = f"/api/v1/administrations/{administration}/batching"
        return dict(self.request("PUT", path, json={"entries": entries, "seconds": seconds}).json())

    def notarisation(self, notarisation: str) -> Json:
        return dict(self._get(f"/notarisations/{notarisation}"))

    def notarisations(self, administration: str | None = None) -> Iterator[Json]:
        return self._pages("/notarisations", administration=administration)

    def revoke_notarisation(self, notarisation: str, reason: str) -> Json:
        return dict(self._post(f"/notarisations/{notarisation}/revoke", {"reason": reason}))

    def receipt(
        self, notarisation: str, *, previous: bool = False, format_: str = "json", lang: str = "ca"
    ) -> bytes:
        """Its receipt as a file of that format (`baas.receipts.Format`), in a language where people read it.

        With `previous`, with the checkpoint before it, which bounds its time from below.
        """
        params = _format(format_, lang) | ({"previous": True} if previous else {})
        return self._proof(f"/notarisations/{notarisation}/receipt", params)

    def receipts(self, batch: str) -> list[bytes]:
        """Every receipt of a batch, in the order of its documents."""
        return self._proof(f"/notarisations/batches/{batch}/receipts").splitlines()

    def wait_anchored(self, notarisation: str, *, timeout: float = 60.0) -> Json:
        """Poll until the notarisation is anchored; TimeoutError says where it stood."""
        return _until(
            lambda: self.notarisation(notarisation),
            lambda now: now["state"] == "anchored",
            lambda now: (
                f"notarisation {notarisation} is still {now['state']!r}; it is not lost: "
                f"get its receipt later (baas receipt {notarisation})"
            ),
            timeout,
        )

    def wait_stamped(self, notarisation: str, *, timeout: float = 5.0) -> bool:
        """Wait until its checkpoint has a time-stamp, which receipts then hold; False when that took too long."""
        try:
            _until(
                lambda: self.notarisation(notarisation),
                lambda now: now["timestamped"] is not None,
                lambda now: "no time-stamp yet",
                timeout,
            )
        except TimeoutError:
            return False
        return True

    # -- privacy -----------------------------------------------------------------------------------

    def erase_notarisation(self, notarisation: str, basis: str) -> Json:
        """For good. See `wait_erased` for when no file of the service holds it any more."""
        return dict(self._post(f"/notarisations/{notarisation}/erasure", {"basis": basis}))

    def erase_rows(
        self, register: str, indexes: Sequence[int], basis: str, *, keep_key: bool = False
    ) -> Json:
        """Row versions by their indexes in the log, for good."""
        body = {"indexes": list(indexes), "basis": basis, "keep_key": keep_key}
        return dict(self._post(f"/registers/{register}/erasures", body))

    def erasures(self, administration: str | None = None) -> list[Json]:
        return list(self._pages("/erasures", administration=administration))

    def erasure(self, erasure: str) -> Json:
        return dict(self._get(f"/erasures/{erasure}"))

    def wait_erased(self, erasure: str, *, timeout: float = 300.0) -> Json:
        """Poll until the database's files are overwritten too; after a TimeoutError the rows are gone all the same."""
        return _until(
            lambda: self.erasure(erasure),
            lambda now: now["state"] == "erased",
            lambda now: (
                f"erasure {erasure} is {now['state']!r}: nothing finds it, and the files are overwritten soon"
            ),
            timeout,
        )

    def create_series(self, administration: str, name: str, code: str, **said: Any) -> Json:
        """`data_class` and `legal_basis`; `years` or `until` where it is not kept for good."""
        given = {name: value for name, value in said.items() if value is not None}
        return dict(
            self._post("/series", {"administration": administration, "name": name, "code": code} | given)
        )

    def all_series(self, administration: str | None = None) -> list[Json]:
        return list(self._pages("/series", administration=administration))

    def series(self, series: str) -> Json:
        return dict(self._get(f"/series/{series}"))

    def use_series(self, series: str, subject: str) -> Json:
        """`documents`, or a register's id, belong to it from now on."""
        return dict(self._post(f"/series/{series}/uses", {"subject": subject}))

    def write_dpia(self, series: str, content: Json) -> Json:
        return dict(self._post(f"/series/{series}/dpia", content))

    def dpia(self, series: str, *, format: str = "json", lang: str = "ca") -> bytes:  # noqa: A002  # as the API says it
        params = {"format": format, "lang": lang}
        return self.request("GET", f"/api/v1/series/{series}/dpia", params=params).content

    def retention_due(self, administration: str | None = None) -> Json:
        return dict(self._get("/retention", administration=administration))

    def erase_due(self, series: str) -> list[Json]:
        return list(self._post(f"/series/{series}/erase-due")["items"])

    # -- readiness ---------------------------------------------------------------------------------

    def readiness(self, administration: str, *, lang: str = "ca") -> Json:
        """What the real services need, each item open or done."""
        return dict(self._get(f"/administrations/{administration}/readiness", lang=lang))

    def readiness_history(self, administration: str, item: str) -> list[Json]:
        return list(self._get(f"/administrations/{administration}/readiness/{item}")["items"])

    def declare_readiness(self, administration: str, item: str, *, done: bool, **said: Any) -> Json:
        """`reference`, `fields`, `note` and `expires` (a day as 2031-12-31), as the item asks for them."""
        body = {"done": done} | {name: value for name, value in said.items() if value}
        path = f"/api/v1/administrations/{administration}/readiness/{item}"
        return dict(self.request("PUT", path, json=body).json())

    # -- exchange ----------------------------------------------------------------------------------

    def exchange_authorisations(self, administration: str) -> Json:
        """What the administration may ask of the exchange (`items`), what could be granted, and the service's address."""
        return dict(self._get(f"/administrations/{administration}/exchange-authorisations"))

    def authorise_exchange(
        self, administration: str, product: str, modality: str, purpose: str = "PROVES"
    ) -> Json:
        """For AOC's operators; idempotent."""
        body = {"product": product, "modality": modality, "purpose": purpose}
        return dict(self._post(f"/administrations/{administration}/exchange-authorisations", body))

    def withdraw_exchange(
        self, administration: str, product: str, modality: str, purpose: str = "PROVES"
    ) -> None:
        """For AOC's operators."""
        path = f"/api/v1/administrations/{administration}/exchange-authorisations/{product}/{modality}"
        self.request("DELETE", path, params={"purpose": purpose})

    def exchange_key(self, administration: str) -> Json:
        """The key of the administration's systems for the embedded exchange (`key`, PEM), its `roots` and `address`."""
        return dict(self._post(f"/administrations/{administration}/exchange-key"))

    # -- renewals ----------------------------------------------------------------------------------

    def request_renewal(self, administration: str, algorithm: str, leaves: Sequence[str] = ()) -> Json:
        """Renew all that the service can, or a holder's own leaf hashes."""
        body = {"administration": administration, "algorithm": algorithm, "leaves": list(leaves)}
        return dict(self._post("/renewals", body, key=secrets.token_hex(16)))

    def renewals(self, administration: str | None = None) -> list[Json]:
        return list(self._pages("/renewals", administration=administration))

    def renewal(self, renewal: str) -> Json:
        return dict(self._get(f"/renewals/{renewal}"))

    def renewal_proof(self, renewal: str, leaf: str) -> Json:
        """What goes into the receipt under `renewals`, with the document's digest in place of the zeros."""
        return dict(self._get(f"/renewals/{renewal}/proof", leaf=leaf)["renewal"])

    def needing_documents(self, administration: str, algorithm: str) -> list[Json]:
        path = f"/administrations/{administration}/needing-documents"
        return list(self._get(path, algorithm=algorithm)["items"])

    # -- registers ---------------------------------------------------------------------------------

    def create_register(
        self,
        administration: str,
        name: str | None,
        key: str | None = None,
        columns: Sequence[str] | None = None,
        deployment: str | None = None,
        *,
        preset: str | None = None,
        numbering: str | None = None,
    ) -> Json:
        body = {
            "administration": administration,
            "name": name,
            "key": key,
            "columns": list(columns) if columns is not None else None,
            "deployment": deployment,
            "preset": preset,
            "numbering": numbering,
        }
        return dict(self._post("/registers", body))

    def registers(self, administration: str | None = None) -> list[Json]:
        return list(self._pages("/registers", administration=administration))

    def register_presets(self) -> list[Json]:
        return list(self._get("/register-presets")["items"])

    def numbering(self, register: str, language: str = "ca") -> Json:
        """Missing numbers, rows with several versions, numbers used twice."""
        return dict(self._get(f"/registers/{register}/numbering", lang=language))

    def register(self, register: str) -> Json:
        return dict(self._get(f"/registers/{register}"))

    def append(self, register: str, rows: Sequence[dict[str, str]], *, key: str | None = None) -> Json:
        return dict(
            self._post(
                f"/registers/{register}/entries", {"rows": list(rows)}, key=key or secrets.token_hex(16)
            )
        )

    def entries(self, register: str, key: str) -> list[Json]:
        return list(self._get(f"/registers/{register}/entries", key=key)["items"])

    def revoke_entry(self, register: str, key: str, reason: str) -> Json:
        return dict(self._post(f"/registers/{register}/revocations", {"key": key, "reason": reason}))

    def rectify_entry(self, register: str, row: dict[str, str], reason: str) -> Json:
        body = {"row": row, "reason": reason}
        return dict(self._post(f"/registers/{register}/rectifications", body, key=secrets.token_hex(16)))

    def supersede_entry(self, register: str, key: str, row: dict[str, str], reason: str) -> Json:
        body = {"key": key, "row": row, "reason": reason}
        return dict(self._post(f"/registers/{register}/supersessions", body, key=secrets.token_hex(16)))

    def entry_receipt(
        self, register: str, key: str, version: int | None = None, *, format_: str = "json", lang: str = "ca"
    ) -> bytes:
        """A row's receipt as a file of that format; of its newest version with content, unless said."""
        params = {"key": key} | _format(format_, lang) | ({"version": version} if version is not None else {})
        return self._proof(f"/registers/{register}/receipt", params)

    def checkpoint(self, register: str, *, timeout: float = 60.0) -> Json:
        """Wait until all that was accepted is anchored, and answer the newest checkpoint."""
        return _until(
            lambda: dict(self._post(f"/registers/{register}/checkpoint")),
            lambda now: now["pending"] == 0,
            lambda now: (
                f"{now['pending']} entries of register {register} are not anchored yet; they are not lost"
            ),
            timeout,
        )

    def checkpoints(self, register: str) -> list[Json]:
        return list(self._get(f"/registers/{register}/checkpoints")["items"])

    def consistency(self, register: str, old_size: int, new_size: int) -> list[bytes]:
        """The RFC 9162 proof that the log of `new_size` entries extends the log of `old_size`."""
        answer = self._get(f"/registers/{register}/consistency", old=old_size, new=new_size)
        return [bytes.fromhex(node) for node in answer["proof"]]

    def register_rows(self, register: str, start: int, stop: int) -> bytes:
        """Lines of an export's rows.jsonl."""
        params = {"start": start, "stop": stop}
        return self.request("GET", f"/api/v1/registers/{register}/rows", params=params).content

    def register_anchors(self, register: str, after: int) -> list[tuple[bytes, int]]:
        """Lines of an export's checkpoints.jsonl, each with the size that its checkpoint states."""
        found = self.request("GET", f"/api/v1/registers/{register}/anchors", params={"after": after}).content
        lines = found.splitlines(keepends=True)
        return [(line, int(json.loads(line)["checkpoint"].split("\n")[1])) for line in lines]

    # -- logs as static files ------------------------------------------------------------------------

    def logs(self, administration: str | None = None) -> list[Json]:
        return list(self._pages("/logs", administration=administration))

    def publish_log(self, log: str) -> Json:
        return dict(self._post(f"/logs/{log}/publish"))

    def withdraw_log(self, log: str) -> Json:
        return dict(self._post(f"/logs/{log}/withdraw"))

    def log_witnesses(self, log: str) -> Json:
        return dict(self._get(f"/logs/{log}/witnesses"))

    def set_log_witnesses(self, log: str, threshold: int, witnesses: Sequence[str]) -> Json:
        body = {"threshold": threshold, "witnesses": list(witnesses)}
        return dict(self.request("PUT", f"/api/v1/logs/{log}/witnesses", json=body).json())

    def clear_log_witnesses(self, log: str) -> None:
        self._delete(f"/logs/{log}/witnesses")

    def log_file(self, log: str, path: str) -> bytes:
        """One of a log's static files: `checkpoint`, `tile/0/000`."""
        return self.request("GET", f"/logs/{log}/{path}").content

    # -- witnesses ---------------------------------------------------------------------------------

    def create_witness(self, administration: str, label: str = "w1") -> Json:
        return dict(self._post("/witnesses", {"administration": administration, "label": label}))

    def witnesses(self, administration: str | None = None) -> list[Json]:
        return list(self._pages("/witnesses", administration=administration))

    def known_witnesses(self) -> list[Json]:
        return list(self._get("/known-witnesses")["items"])

    def witness(self, witness: str) -> Json:
        return dict(self._get(f"/witnesses/{witness}"))

    def follow_log(self, witness: str, origin: str, key: str) -> None:
        self._post(f"/witnesses/{witness}/follow", {"origin": origin, "key": key})

    def unfollow_log(self, witness: str, origin: str) -> None:
        self._post(f"/witnesses/{witness}/unfollow", {"origin": origin})

    # -- trust, pilots -----------------------------------------------------------------------------

    def trust(self, administration: str) -> bytes:
        return self.request("GET", f"/api/v1/administrations/{administration}/trust").content

    def create_pilot(self, administration: str, title: str, plan: Json) -> Json:
        return dict(self._post("/pilots", {"administration": administration, "title": title, "plan": plan}))

    def pilots(self, administration: str | None = None) -> list[Json]:
        return list(self._pages("/pilots", administration=administration))

    def pilot(self, pilot: str) -> Json:
        return dict(self._get(f"/pilots/{pilot}"))

    def arms(self, administration: str, *, check: bool = False) -> list[Json]:
        """The arms that a plan may name; with `check` each incumbent's service does its real work once."""
        found = self._get(f"/administrations/{administration}/arms", check=str(check).lower())
        return list(found["items"])

    def freeze_pilot(self, pilot: str) -> Json:
        return dict(self._post(f"/pilots/{pilot}/freeze"))

    def run_pilot(self, pilot: str) -> Json:
        return dict(self._post(f"/pilots/{pilot}/run"))

    def wait_measured(
        self,
        pilot: str,
        *,
        on_progress: Callable[[int, int], None] = lambda acts, of: None,
        timeout: float = 3600.0,
    ) -> Json:
        """Poll until the run has ended; TimeoutError says how far it was."""

        def ask() -> Json:
            now = self.pilot(pilot)
            on_progress(now["acts"], now["acts_planned"])
            return now

        return _until(
            ask,
            lambda now: now["state"] != "running",
            lambda now: f"pilot {pilot}: {now['acts']} of {now['acts_planned']} acts",
            timeout,
            every=0.2,
        )

    def evaluate_pilot(self, pilot: str) -> Json:
        return dict(self._post(f"/pilots/{pilot}/evaluate"))

    def decide_pilot(self, pilot: str, decision: str, reason: str) -> Json:
        return dict(self._post(f"/pilots/{pilot}/decide", {"decision": decision, "reason": reason}))

    def report(self, pilot: str, *, html: bool = False) -> bytes:
        return self.request("GET", f"/api/v1/pilots/{pilot}/report{'.html' if html else ''}").content


def _format(slug: str, lang: str) -> dict[str, Any]:
    """The query of a receipt's format; none for the one that is given anyway."""
    return {} if slug == "json" else {"format": str(slug), "lang": lang}


def _until(
    ask: Callable[[], Json],
    done: Callable[[Json], bool],
    told: Callable[[Json], str],
    timeout: float,
    every: float = 0.05,
) -> Json:
    """The first answer that is `done`, asked for each `every` seconds.

    TimeoutError with what is `told` after `timeout` seconds, or sooner when the service has named for `STUCK` seconds a
    problem that waiting does not solve.
    """
    started = time.monotonic()
    fine = started  # when no problem was named last
    while not done(now := ask()):
        moment = time.monotonic()
        problem = now.get("problem")
        fine = fine if problem else moment
        if moment - started > timeout or moment - fine > STUCK:
            raise TimeoutError(told(now) + (f"; it waits because: {problem}" if problem else ""))
        time.sleep(every)
    return now


def _problem(response: httpx2.Response) -> Json:
    try:
        problem = response.json()
    except ValueError:
        return {"title": response.reason_phrase, "detail": response.text[:500]}
    return (
        problem
        if isinstance(problem, dict)
        else {"title": response.reason_phrase, "detail": str(problem)[:500]}
    )
