"""A register's export, and the audit of it and of the mirror, without the service's help."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from baas.client import ApiProblem, Client
from baas.tenancy import Role
from baas.terminal import auditing, exporting
from baas.terminal.problems import Unusable
from sandbox.audit import CHECKPOINTS, DESCRIPTION, ROWS, TRUST, Directory, audit
from sandbox.evidence import trust as trust_roots
from sandbox.evidence.report import Result
from tests.baas.flows import anchored, digest, notarise, ok, until
from tests.baas.registers.test_registers import append, checkpoint, done, new_register, row

HELD = {"checkpoint", "anchor", "history", "tree", "tiles", "rows", "rules"}


@pytest.fixture(scope="module")
def client(world: Any) -> Any:
    with Client(world.server.url, world.town.token) as made:
        yield made


@pytest.fixture(scope="module")
def register(town: Any) -> str:
    made = new_register(town, "per exportar")
    append(town, made, *[row(str(number)) for number in range(300)])
    checkpoint(town, made)
    append(town, made, row("3", "esmenat"), row("300"))
    done(town, made, "rectifications", row=row("3", "corregit"))
    done(town, made, "revocations", key="4", reason="annulled")
    checkpoint(town, made)
    done(town, made, "supersessions", key="5", row=row("5 bis"))
    checkpoint(town, made)
    return made


@pytest.fixture(scope="module")
def exported(client: Client, register: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("export") / "decrets"
    shown = exporting.run(client, register, out)
    assert (shown.value["size"], shown.value["directory"]) == (306, str(out))
    return out


@pytest.fixture(scope="module")
def trust(client: Client, town: Any) -> trust_roots.TrustRoot:
    return trust_roots.parse(client.trust(town.code))


def test_an_export_is_audited_to_the_chain(exported: Path, trust: trust_roots.TrustRoot) -> None:
    report = audit(Directory(exported), trust)
    assert report.ok, report.to_text()
    assert {name for name, each in report.checks.items() if each.result is Result.PASSED} == HELD
    anchors = len((exported / CHECKPOINTS).read_bytes().splitlines())
    assert f"{anchors - 1} earlier checkpoints were signed and anchored" in report.checks["history"].text
    assert (exported / ROWS).stat().st_mode & 0o077 == 0
    assert [each for each in exported.parent.iterdir() if each != exported] == []


def test_its_own_trust_root_is_no_proof(exported: Path) -> None:
    report = audit(Directory(exported))
    assert report.ok
    assert report.checks["checkpoint"].flag


def test_what_is_changed_in_it_is_named(exported: Path, trust: trust_roots.TrustRoot) -> None:
    data = (exported / ROWS).read_bytes()
    lines = data.splitlines(keepends=True)
    (exported / ROWS).write_bytes(data.replace(b'"titol":"corregit"', b'"titol":"corregis"'))
    changed = audit(Directory(exported), trust)
    (exported / ROWS).write_bytes(data)
    (index,) = (number for number, line in enumerate(lines) if b"corregit" in line)
    assert [(each.file, each.index) for each in changed.findings] == [(ROWS, index)]


def test_an_anchor_that_does_not_hold(exported: Path, trust: trust_roots.TrustRoot) -> None:
    path = exported / CHECKPOINTS
    data = path.read_bytes()
    lines = data.splitlines(keepends=True)
    newest, oldest = json.loads(lines[-1]), json.loads(lines[0])
    for number, checks in ((-1, {"anchor"}), (0, {"history"})):
        other = [*lines]
        anchor = (oldest if number else newest)["anchor"]
        other[number] = json.dumps(json.loads(lines[number]) | {"anchor": anchor}).encode() + b"\n"
        path.write_bytes(b"".join(other))
        report = audit(Directory(exported), trust)
        assert {name for name, each in report.checks.items() if each.result is Result.FAILED} == checks
    for broken in (b"", b"{}\n", b"".join(reversed(lines)), b"".join(lines[:-1])):
        path.write_bytes(broken)
        assert not audit(Directory(exported), trust).ok
    path.write_bytes(data)


def test_the_command(exported: Path, tmp_path: Path) -> None:
    root = tmp_path / "trust.json"
    root.write_bytes((exported / TRUST).read_bytes())
    shown = auditing.run(str(exported), root, None, fresh=False)
    assert shown.ending == "ok"
    assert not list(exported.parent.glob("*.audit-state"))
    (exported / DESCRIPTION).rename(exported / "x")
    assert "keys were not compared" in auditing.run(str(exported), root, None, fresh=True).text
    (exported / "x").rename(exported / DESCRIPTION)
    with pytest.raises(Unusable, match="an exported or mirrored log"):
        auditing.run(str(tmp_path), root, None, fresh=False)


def test_a_published_log_is_audited_where_it_is_served(
    world: Any, client: Client, register: str, exported: Path, tmp_path: Path
) -> None:
    log = client.register(register)["log"]
    address = f"{world.server.url}/logs/{log}"
    root = tmp_path / "trust.json"
    root.write_bytes((exported / TRUST).read_bytes())
    from sandbox.errors import MalformedEvidence

    with pytest.raises(MalformedEvidence, match="no file 'checkpoint'"):
        auditing.run(address, root, None, fresh=False)
    client.publish_log(log)
    shown = auditing.run(address, root, tmp_path / "state", fresh=False)
    assert shown.ending == "ok"
    results = {each["name"]: each["result"] for each in shown.value["checks"]}
    assert {name for name, result in results.items() if result == "passed"} == {
        "checkpoint", "tree", "tiles", "rules",
    }  # fmt: skip
    client.withdraw_log(log)


def test_an_export_is_whole_or_not_there(client: Client, register: str, tmp_path: Path) -> None:
    class Broken(Client):
        def register_rows(self, register: str, start: int, stop: int) -> bytes:
            raise ApiProblem(503, {"title": "busy"})

    out = tmp_path / "export"
    broken = Broken(client.base_url, None)
    broken._http = client._http
    with pytest.raises(ApiProblem):
        exporting.run(broken, register, out)
    assert list(tmp_path.iterdir()) == []
    out.mkdir()
    with pytest.raises(Unusable, match="exists"):
        exporting.run(client, register, out)


def test_rows_are_for_the_administrations_people(world: Any, register: str) -> None:
    stranger = world.server.as_member(world.other.code, *Role)
    for path in ("rows", "anchors"):
        assert stranger.get(f"/registers/{register}/{path}").status_code == 404
    first = world.town.member.get(f"/registers/{register}/rows", params={"start": 2, "stop": 4})
    assert [json.loads(each)["index"] for each in first.text.splitlines()] == [2, 3]
    assert ok(world.town.member.get(f"/registers/{register}"))["published"] is None


def test_an_erased_row_carries_nothing_and_everything_else_still_holds(
    town: Any, client: Client, trust: trust_roots.TrustRoot, tmp_path: Path
) -> None:
    made = new_register(town, "amb supressions")
    append(town, made, *[row(str(number), "secret") for number in range(5)])
    append(town, made, row("2", "més secret"))
    done(town, made, "revocations", key="3", reason="error")
    checkpoint(town, made)
    ok(town.member.post(f"/registers/{made}/erasures", json={"basis": "unlawful", "indexes": [3, 6]}), 202)
    ok(town.member.post(f"/registers/{made}/erasures", json={"basis": "unlawful", "indexes": [4]}), 202)
    checkpoint(town, made)
    exporting.run(client, made, tmp_path / "export")
    lines = [json.loads(each) for each in (tmp_path / "export" / ROWS).read_bytes().splitlines()]
    assert [each["index"] for each in lines if each["kind"] == "erase"] == [8, 9, 10]
    for index in (3, 4, 6):
        held = {name: lines[index][name] for name in ("content", "salt", "algorithm", "key")}
        assert set(held.values()) == {None}, lines[index]
    fresh = trust_roots.parse(client.trust(town.code))
    report = audit(Directory(tmp_path / "export"), fresh)
    assert report.ok, report.to_text()


def test_a_published_document_log_is_audited_too(world: Any, client: Client, tmp_path: Path) -> None:
    town = world.town
    made = notarise(town, digest(b"un document"), digest(b"un altre"))
    first = made["items"][0]
    ok(town.member.post(f"/notarisations/{first}/revoke", json={"reason": "error"}), 202)
    anchored(town, first)
    (log,) = [each for each in client.logs(town.code) if each["kind"] == "documents"]
    until(lambda: client.logs(town.code) and _whole(client, log["id"]))
    client.publish_log(log["id"])
    root = tmp_path / "trust.json"
    root.write_bytes(client.trust(town.code))
    shown = auditing.run(f"{world.server.url}/logs/{log['id']}", root, None, fresh=False)
    client.withdraw_log(log["id"])
    assert shown.ending == "ok", shown.text


def _whole(client: Client, log: str) -> bool:
    (found,) = [each for each in client.logs() if each["id"] == log]
    return bool(found["anchored_size"] == found["accepted"])


def test_two_who_end_a_row_at_once_end_it_once(world: Any, town: Any) -> None:
    made = new_register(town, "alhora")
    append(town, made, row("1"))
    people = [world.server.as_member(town.code, Role.DEVELOPER) for _ in range(4)]

    def end(person: Any) -> int:
        body = {"key": "1", "reason": "error"}
        return int(person.post(f"/registers/{made}/revocations", json=body).status_code)

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(end, people)) == [202, 409, 409, 409]
