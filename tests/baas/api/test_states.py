"""Snapshots, clones, exported chains and clocks over HTTP: who may, what is recorded, what comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import httpx2
import pytest

from baas.tenancy import Role
from sandbox.chain import Chain
from sandbox.spec import ChainSpec

CODE, OTHER = "9999900001", "9999900002"


@pytest.fixture
def made(server: Any) -> dict[str, Any]:
    """An administration with a chain and one member of each role."""
    server.administration(CODE)
    admin = server.as_member(CODE, Role.ADMIN)
    chain = admin.post("/chains", json={"administration": CODE, "label": "one"}).json()
    return {
        "chain": chain,
        "admin": admin,
        "developer": server.as_member(CODE, Role.DEVELOPER),
        "auditor": server.as_member(CODE, Role.AUDITOR),
    }


def ok(response: httpx2.Response, status: int = 200) -> Any:
    assert response.status_code == status, response.text
    return response.json() if response.content else None


def actions(client: httpx2.Client) -> list[str]:
    return [event["action"] for event in ok(client.get("/audit"))["items"]]


def test_a_snapshot_is_taken_checked_restored_and_removed(made: dict[str, Any]) -> None:
    path = f"/chains/{made['chain']['id']}"
    admin, developer = made["admin"], made["developer"]
    taken = ok(developer.post(f"{path}/snapshots", json={"name": "start"}), 201)
    assert (taken["name"], taken["number"], len(taken["state_digest"])) == ("start", 0, 64)
    assert ok(made["auditor"].get(f"{path}/snapshots"))["items"] == [taken]
    assert developer.post(f"{path}/snapshots", json={"name": "start"}).status_code == 409
    assert developer.post(f"{path}/snapshots", json={"name": "No!"}).status_code == 422
    assert made["auditor"].post(f"{path}/snapshots", json={"name": "x"}).status_code == 403
    assert ok(developer.get(f"{path}/snapshots/start/check"))["holds"] is True
    assert developer.get(f"{path}/snapshots/none/check").status_code == 404

    assert developer.post(f"{path}/snapshots/start/restore").status_code == 403
    key = {"Idempotency-Key": "once"}
    gone = ok(admin.post(f"{path}/snapshots/start/restore", headers=key))
    assert ok(admin.post(f"{path}/snapshots/start/restore", headers=key)) == gone
    assert ok(developer.get(f"{path}/branches"))["items"] == [gone]
    assert gone["branch"] == 1
    assert ok(developer.delete(f"{path}/snapshots/start"), 204) is None
    done = [event["act"] for event in ok(made["auditor"].get(f"{path}/operations"))["items"]]
    assert done == ["snapshot.remove", "snapshot.restore", "snapshot.take"]
    assert {"snapshot.take", "snapshot.restore", "snapshot.remove"} <= set(actions(made["auditor"]))


def test_a_chain_with_anchors_is_cloned_and_not_restored(made: dict[str, Any], server: Any) -> None:
    path = f"/chains/{made['chain']['id']}"
    ok(made["admin"].post(f"{path}/snapshots", json={"name": "start"}), 201)
    server.services.states._anchored = lambda chain: chain == made["chain"]["id"]
    refused = made["admin"].post(f"{path}/snapshots/start/restore")
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (409, "illegal-restore")
    assert "clone" in refused.json()["detail"]
    clone = ok(made["developer"].post(f"{path}/clone", json={"label": "two", "snapshot": "start"}), 201)
    assert clone["parent"]["chain_id"] == made["chain"]["chain_id"]
    assert clone["chain_id"] != made["chain"]["chain_id"]
    assert ok(made["developer"].get(f"/chains/{clone['id']}/accounts"))["items"]
    assert made["auditor"].post(f"{path}/clone", json={"label": "three"}).status_code == 403


def test_a_clock_is_moved_by_admins_alone_and_it_is_written_down(made: dict[str, Any]) -> None:
    path = f"/chains/{made['chain']['id']}/clock"
    assert ok(made["auditor"].get(path)) == {"acts": 0, "offset_ms": 0}
    assert made["developer"].post(path, json={"seconds": 60}).status_code == 403
    assert ok(made["admin"].post(path, json={"seconds": 60})) == {"acts": 1, "offset_ms": 60_000}
    assert made["admin"].post(path, json={"seconds": 2**50}).status_code == 422
    back = made["admin"].post(path, json={"seconds": -(2**31)})
    assert (back.status_code, back.json()["type"].rpartition("/")[2]) == (409, "illegal-clock")
    assert "clock.move" in actions(made["auditor"])


def test_an_exported_chain_comes_back_as_a_clone_and_not_as_itself(made: dict[str, Any], server: Any) -> None:
    path = f"/chains/{made['chain']['id']}"
    assert made["auditor"].post(f"{path}/export", json={}).status_code == 403
    assert made["developer"].post(f"{path}/export", json={"password": "x" * 20}).status_code == 403
    answer = made["developer"].post(f"{path}/export", json={})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    archive = answer.content

    def bring(client: httpx2.Client, data: bytes, headers: Any = None, **params: Any) -> httpx2.Response:
        return client.post(
            "/chains/import",
            params={"administration": CODE, "label": "here", **params},
            content=data,
            headers=headers,
        )

    before = len(ok(made["admin"].get("/chains"))["items"])
    assert bring(made["developer"], archive).status_code == 403
    same = bring(made["admin"], archive)
    assert (same.status_code, "--as-clone" in same.json()["detail"]) == (409, True)
    broken = bring(made["admin"], archive[:-1] + b"x", as_clone=True)
    assert (broken.status_code, broken.json()["type"].rpartition("/")[2]) == (422, "transfer-refused")
    assert len(ok(made["admin"].get("/chains"))["items"]) == before
    key = {"Idempotency-Key": "import-once"}
    clone = ok(
        bring(made["admin"], archive, key, as_clone=True, sealing_key=made["chain"]["sealing_key"]), 201
    )
    assert (
        ok(bring(made["admin"], archive, key, as_clone=True, sealing_key=made["chain"]["sealing_key"]), 201)
        == clone
    )
    assert clone["parent"]["chain_id"] == made["chain"]["chain_id"]
    assert len(ok(made["admin"].get("/chains"))["items"]) == before + 1
    assert not list((server.services.settings.data / "chains").glob(".export-*"))
    assert {"chain.export", "chain.import"} <= set(actions(made["auditor"]))


def test_an_import_that_failed_uses_no_chain_id_up(
    made: dict[str, Any], server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Chain.create(tmp_path / "elsewhere", ChainSpec(4242, 1_700_000_000)) as elsewhere:
        archive = b"".join(elsewhere.export())

    def bring() -> httpx2.Response:
        params = {"administration": CODE, "label": "here"}
        response: httpx2.Response = made["admin"].post("/chains/import", params=params, content=archive)
        return response

    with monkeypatch.context() as patch:
        patch.setattr(server.services.audit, "record", Mock(side_effect=OSError("the disk is full")))
        assert bring().status_code == 500
    assert ok(bring(), 201)["chain_id"] == 4242
    assert bring().status_code == 409


def test_another_administration_sees_none_of_it(made: dict[str, Any], server: Any) -> None:
    server.administration(OTHER)
    stranger = server.as_member(OTHER, Role.ADMIN)
    path = f"/chains/{made['chain']['id']}"
    for method, below in (
        ("GET", "/snapshots"), ("POST", "/snapshots/start/restore"), ("POST", "/export"), ("GET", "/operations"),
        ("GET", "/clock"), ("GET", "/branches"),
    ):  # fmt: skip
        body = {} if below == "/export" else None
        assert stranger.request(method, path + below, json=body).status_code == 404
    taken = stranger.post("/chains/import", params={"administration": CODE, "label": "x"}, content=b"")
    assert taken.status_code == 404
