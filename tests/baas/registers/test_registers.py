"""Registers: rows become entries, checkpoints prove that nothing was taken away."""

from __future__ import annotations

import json
from typing import Any

import pytest

from baas.logs import effects
from baas.logs.model import Log
from baas.registers import versions
from baas.tenancy import across_administrations
from sandbox.errors import VerificationError
from sandbox.evidence import checkpoint as checkpoints
from sandbox.evidence import merkle, trust
from sandbox.evidence import receipt as receipts
from sandbox.evidence.canonical import dumps
from tests.baas.flows import TEST, checked, ok, until

COLUMNS = ["numero", "titol"]


def new_register(town: Any, name: str) -> str:
    """A register on a deployment of its own."""
    place = ok(
        town.member.post(f"/chains/{town.chain['id']}/deployments", json={"template": "hash-registry"}), 201
    )
    body = {"administration": town.code, "name": name, "key": "numero", "columns": COLUMNS}
    made = ok(town.member.post("/registers", json={**body, "deployment": place["id"]}), 201)
    assert (made["columns"], made["accepted"], made["problem"]) == (COLUMNS, 1, None)
    return str(made["id"])


@pytest.fixture
def register(town: Any, request: pytest.FixtureRequest) -> str:
    return new_register(town, request.node.name)


@pytest.fixture(scope="module")
def unwritten(town: Any) -> str:
    """A register that no test writes to."""
    return new_register(town, "sense assentaments")


def row(number: str, title: str = "Decret") -> dict[str, str]:
    return {"numero": number, "titol": title}


def append(town: Any, register: str, *rows: dict[str, str]) -> dict[str, Any]:
    return dict(ok(town.member.post(f"/registers/{register}/entries", json={"rows": list(rows)}), 202))


def checkpoint(town: Any, register: str) -> dict[str, Any]:
    """The newest checkpoint, once nothing waits."""

    def ask() -> dict[str, Any] | None:
        found = dict(ok(town.member.post(f"/registers/{register}/checkpoint")))
        return found if found["pending"] == 0 else None

    found = until(ask)
    assert found["problem"] is None
    return dict(found["checkpoint"])


def entries(town: Any, register: str, key: str) -> list[dict[str, Any]]:
    return list(ok(town.member.get(f"/registers/{register}/entries", params={"key": key}))["items"])


def receipt(town: Any, register: str, key: str, **query: Any) -> bytes:
    answer = town.member.get(f"/registers/{register}/receipt", params={"key": key, **query})
    assert answer.status_code == 200, answer.text
    return bytes(answer.content)


def trust_of(town: Any) -> trust.TrustRoot:
    return trust.parse(town.member.get(f"/administrations/{town.code}/trust").content)


def test_a_row_is_created_amended_and_left_without_effect(town: Any, register: str) -> None:
    assert append(town, register, row("17/2026"), row("18/2026")) | {"batch": ""} == {
        "batch": "", "created": 2, "amended": 0, "unchanged": 0, "first_index": 1, "warnings": [],
    }  # fmt: skip
    amended = append(town, register, row("17/2026", "Decret esmenat"), row("18/2026"))
    assert (amended["created"], amended["amended"], amended["unchanged"]) == (0, 1, 1)
    body = {"key": "17/2026", "reason": "annulled"}
    ok(town.member.post(f"/registers/{register}/revocations", json=body), 202)
    assert town.member.post(f"/registers/{register}/revocations", json=body).status_code == 409
    assert checkpoint(town, register)["size"] == 5
    versions = entries(town, register, "17/2026")
    assert [(each["version"], each["kind"], each["reason"]) for each in versions] == [
        (1, "create", None), (2, "amend", None), (3, "revoke", "annulled"),
    ]  # fmt: skip
    assert [each["content"] and each["content"]["titol"] for each in versions] == [
        "Decret", "Decret esmenat", None,
    ]  # fmt: skip
    root = trust_of(town)
    newest = receipt(town, register, "17/2026")
    assert receipts.parse(newest).entry.refers_to == versions[0]["index"]
    assert checked(dumps(row("17/2026", "Decret esmenat")), newest, root).ok
    assert checked(dumps(row("17/2026")), receipt(town, register, "17/2026", version=1), root).ok
    assert not checked(dumps(row("17/2026")), newest, root).ok
    absent = town.member.get(f"/registers/{register}/receipt", params={"key": "17/2026", "version": 3})
    assert absent.status_code == 404  # nothing to open in a revocation
    refused = town.member.post(f"/registers/{register}/entries", json={"rows": [row("17/2026", "x")]})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "#/rows/0")


def test_the_same_rows_again_write_nothing(town: Any, register: str) -> None:
    rows = [row(str(number)) for number in range(50)]
    append(town, register, *rows)
    again = append(town, register, *[dict(reversed(each.items())) for each in rows])
    nothing = {"batch": None, "created": 0, "amended": 0, "unchanged": 50, "first_index": None}
    assert again == nothing | {"warnings": []}
    assert checkpoint(town, register)["size"] == 51
    assert ok(town.member.get(f"/registers/{register}"))["accepted"] == 51


def test_two_versions_in_one_append(town: Any, register: str) -> None:
    done = append(town, register, row("1", "a"), row("1", "b"), row("1", "b"), row("1", "a"))
    assert (done["created"], done["amended"], done["unchanged"]) == (1, 2, 1)
    assert [each["content"]["titol"] for each in entries(town, register, "1")] == ["a", "b", "a"]


@pytest.mark.parametrize(
    ("rows", "pointer"),
    [
        ([{"numero": "1"}], "#/rows/1"),
        ([{"numero": "1", "titol": "x", "autor": "y"}], "#/rows/1"),
        ([{"numero": " ", "titol": "x"}], "#/rows/1/numero"),
        ([{"numero": 1, "titol": "x"}], "#/rows/1/numero"),
        ([{"numero": None, "titol": "x"}], "#/rows/1/numero"),
    ],
)
def test_a_wrong_row_is_named_and_no_row_is_written(
    town: Any, unwritten: str, rows: list[Any], pointer: str
) -> None:
    answer = town.member.post(f"/registers/{unwritten}/entries", json={"rows": [row("1"), *rows]})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert ok(town.member.get(f"/registers/{unwritten}"))["accepted"] == 1


def test_a_row_with_other_columns_is_told_which(town: Any, unwritten: str) -> None:
    other = {name: value for name, value in row("1").items() if name != "numero"} | {"num": "1"}
    answer = town.member.post(f"/registers/{unwritten}/entries", json={"rows": [other]})
    columns = ", ".join(sorted(row("1")))
    assert answer.json()["detail"] == (
        f"/rows/0: expected exactly the register's columns {columns}, got a row without numero and with num besides"
    )


@pytest.mark.long
def test_every_checkpoint_extends_every_earlier_one(town: Any, register: str) -> None:
    for number in range(4):
        append(town, register, *[row(f"{number}/{each}") for each in range(7)])
        checkpoint(town, register)
    found = ok(town.member.get(f"/registers/{register}/checkpoints"))["items"]
    assert len(found) >= 4
    assert found[-1]["size"] == 29
    origin = ok(town.member.get(f"/registers/{register}"))["origin"]
    (known,) = [each for each in trust_of(town).logs if each.origin == origin]
    keys = [each.verifier for each in known.keys]
    for old in found:
        opened = checkpoints.open_checkpoint(old["checkpoint"], keys).checkpoint
        assert (opened.origin, opened.size, opened.root.hex()) == (origin, old["size"], old["root"])
        for new in found:
            if new["size"] < old["size"]:
                continue
            query = {"old": old["size"], "new": new["size"]}
            answer = ok(town.member.get(f"/registers/{register}/consistency", params=query))
            proof = [bytes.fromhex(each) for each in answer["proof"]]
            roots = [bytes.fromhex(each["root"]) for each in (old, new)]
            merkle.verify_consistency(old["size"], new["size"], proof, *roots)
            if proof:
                with pytest.raises(VerificationError):
                    merkle.verify_consistency(old["size"], new["size"], proof, roots[1], roots[1])
    sizes = [each["size"] for each in found]
    assert [each["old_size"] for each in found] == [0, *sizes[:-1]]


@pytest.mark.parametrize(("old", "new"), [(2, 1), (1, 10**30), (10**30, 10**30)])
def test_a_proof_of_sizes_that_are_none(town: Any, unwritten: str, old: int, new: int) -> None:
    answer = town.member.get(f"/registers/{unwritten}/consistency", params={"old": old, "new": new})
    assert answer.status_code == 409


def test_each_register_has_a_deployment_and_a_name_of_its_own(town: Any, unwritten: str) -> None:
    taken = ok(town.member.get(f"/registers/{unwritten}"))
    body = {"administration": town.code, "name": taken["name"], "key": "numero", "columns": COLUMNS}
    assert town.member.post("/registers", json=body).json()["type"].endswith("already-exists")
    other = {**body, "name": "un altre", "deployment": town.notary["id"]}  # not a hash-registry
    assert town.member.post("/registers", json=other).status_code == 409
    for columns in (["numero", "numero"], ["titol"]):
        wrong = town.member.post("/registers", json={**body, "name": "un altre", "columns": columns})
        assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "#/key")


def test_a_rows_digest_is_that_of_its_canonical_json(town: Any, register: str) -> None:
    text = {"numero": 'ñ\u0000\\"1', "titol": "Decret de l'alcaldia \U0001f4dc"}
    append(town, register, text)
    checkpoint(town, register)
    given = receipt(town, register, text["numero"])
    assert checked(dumps(text), given, trust_of(town)).ok
    assert entries(town, register, text["numero"])[0]["content"] == json.loads(dumps(text))


def done(town: Any, register: str, act: str, status: int = 202, **body: Any) -> dict[str, Any]:
    return dict(ok(town.member.post(f"/registers/{register}/{act}", json=body), status))


def test_a_row_is_rectified_with_a_reason(town: Any, register: str) -> None:
    append(town, register, row("1", "Decrte"))
    done(town, register, "rectifications", row=row("1", "Decret"))
    same = town.member.post(f"/registers/{register}/rectifications", json={"row": row("1", "Decret")})
    assert (same.status_code, "nothing to rectify" in same.json()["detail"]) == (409, True)
    none = town.member.post(f"/registers/{register}/rectifications", json={"row": row("2", "x")})
    assert none.status_code == 404
    assert [(each["version"], each["kind"], each["reason"]) for each in entries(town, register, "1")] == [
        (1, "create", None), (2, "rectify", "error"),
    ]  # fmt: skip
    checkpoint(town, register)
    opened = receipts.parse(receipt(town, register, "1"))
    assert (opened.entry.kind, opened.entry.refers_to) == ("rectify", 1)
    assert checked(dumps(row("1", "Decret")), receipt(town, register, "1"), trust_of(town)).ok


def test_a_row_takes_anothers_place_once(town: Any, register: str) -> None:
    append(town, register, row("1"), row("2"))
    done(town, register, "supersessions", key="1", row=row("3", "en comptes de 1"))
    assert [each["kind"] for each in entries(town, register, "3")] == ["supersede"]
    for act, body in (
        ("supersessions", {"key": "1", "row": row("4")}),
        ("rectifications", {"row": row("1", "x")}),
        ("revocations", {"key": "1", "reason": "error"}),
    ):
        again = town.member.post(f"/registers/{register}/{act}", json=body)
        assert again.status_code == 409
        assert again.json()["detail"].startswith("row '1' was superseded by entry 3 already"), act
    amended = town.member.post(f"/registers/{register}/entries", json={"rows": [row("1", "x")]})
    assert (amended.status_code, amended.json()["got"]) == (422, "'1', superseded")
    used = town.member.post(f"/registers/{register}/supersessions", json={"key": "3", "row": row("2")})
    assert (used.status_code, used.json()["errors"][0]["pointer"]) == (422, "#/row/numero")
    done(town, register, "revocations", key="3", reason="annulled")
    over = town.member.post(f"/registers/{register}/supersessions", json={"key": "3", "row": row("5")})
    assert over.json()["detail"].startswith("row '3' was left without effect by entry 4 already")
    assert checkpoint(town, register)["size"] == 5


def test_a_reason_that_is_none_of_them(town: Any, unwritten: str) -> None:
    for act, body in (
        ("rectifications", {"row": row("1"), "reason": "x"}),
        ("supersessions", {"key": "1", "row": row("2"), "reason": "x"}),
    ):
        assert town.member.post(f"/registers/{unwritten}/{act}", json=body).status_code == 422


def test_columns_that_can_be_guessed_are_told_and_never_repeated(town: Any) -> None:
    """The rows are accepted: a register may need them. A key of them is told to be one."""
    body = {
        "administration": town.code,
        "name": "guessable",
        "key": "dni",
        "columns": ["dni", "correu", "num"],
    }
    deployed = ok(
        town.member.post(f"/chains/{town.chain['id']}/deployments", json={"template": "hash-registry"}), 201
    )
    register = ok(town.member.post("/registers", json=body | {"deployment": deployed["id"]}), 201)
    rows = [
        {
            "dni": f"0000000{number}{'TRWAGMYF'[number]}",
            "correu": f"a{number}@vila.example",
            "num": str(number),
        }
        for number in range(4)
    ]
    done = ok(town.member.post(f"/registers/{register['id']}/entries", json={"rows": rows}), 202)
    assert done["created"] == 4
    assert [each.partition(":")[0] for each in done["warnings"]] == [
        "column 'dni' looks like a DNI number",
        "column 'correu' looks like an e-mail address",
    ]
    assert "it is the key" in done["warnings"][0]
    assert "00000000T" not in "".join(done["warnings"])


def test_looking_for_a_row_and_for_what_ended_it_walks_no_whole_log(
    world: Any, town: Any, register: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each append looks for each of its keys: a walk would make the cost of all rows quadratic."""
    asked: list[str] = []
    real = versions.raw

    class Noted:
        def __init__(self, connection: Any) -> None:
            self.connection = connection

        def execute(self, statement: str, values: Any) -> Any:
            plan = self.connection.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
            asked.extend(line[3] for line in plan)
            return self.connection.execute(statement, values)

        def executemany(self, statement: str, values: Any) -> Any:
            return self.connection.executemany(statement, values)

    for module in (versions, effects):
        monkeypatch.setattr(module, "raw", lambda session: Noted(real(session)))
    append(town, register, row("1"))
    with world.server.services.store.reading() as session:
        log = session.exec(across_administrations(Log, TEST).where(Log.accepted > 1)).first()
        assert log is not None
        effects.follower(session, log, 1)
    assert len(asked) >= 4
    assert all("key=?" in plan or "refers_to=?" in plan or "position=?" in plan for plan in asked), asked
