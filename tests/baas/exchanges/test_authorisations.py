"""Authorisations of the exchange over a real service: who grants, who sees, what is refused, and that the service asks."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from baas.tenancy import Role
from tests.baas.flows import ok

TOWN, OTHER = "9999990001", "9999990002"
PADRO = {"product": "PADRO", "modality": "RESIDENT"}


def path(code: str = TOWN) -> str:
    return f"/administrations/{code}/exchange-authorisations"


@pytest.fixture
def member(server: Any) -> httpx2.Client:
    server.administration(TOWN)
    server.administration(OTHER)
    client: httpx2.Client = server.as_member(TOWN, Role.ADMIN)
    return client


def granted(client: httpx2.Client, code: str = TOWN) -> list[tuple[str, str, str]]:
    items = ok(client.get(path(code)))["items"]
    return [(each["product"], each["modality"], each["purpose"]) for each in items]


def test_nothing_is_allowed_until_aoc_grants_it(server: Any, member: httpx2.Client) -> None:
    assert granted(member) == []
    operator = server.operator
    first = ok(operator.post(path(), json=PADRO), 201)
    assert ok(operator.post(path(), json=PADRO), 201) == first, "granted once"
    assert granted(member) == [("PADRO", "RESIDENT", "PROVES")]
    assert granted(server.operator, OTHER) == [], "only to whom it was granted"


def test_a_withdrawn_one_is_gone(server: Any, member: httpx2.Client) -> None:
    operator = server.operator
    ok(operator.post(path(), json=PADRO | {"purpose": "Ajut de menjador"}), 201)
    assert (
        operator.delete(f"{path()}/PADRO/RESIDENT", params={"purpose": "Ajut de menjador"}).status_code == 204
    )
    assert granted(member) == []
    again = operator.delete(f"{path()}/PADRO/RESIDENT", params={"purpose": "Ajut de menjador"})
    assert again.status_code == 404
    assert "Ajut de menjador" in again.json()["detail"]


def test_what_was_withdrawn_is_still_told_to_who_asks_for_it(server: Any, member: httpx2.Client) -> None:
    operator = server.operator
    given = ok(operator.post(path(), json=PADRO), 201)
    assert given["withdrawn"] is None
    operator.delete(f"{path()}/PADRO/RESIDENT")
    ok(operator.post(path(), json=PADRO | {"purpose": "Beques"}), 201)
    assert granted(member) == [("PADRO", "RESIDENT", "Beques")]
    every = ok(member.get(path(), params={"withdrawn": True}))["items"]
    assert [each["purpose"] for each in every] == ["Beques", "PROVES"], "those in force first"
    assert every[0]["withdrawn"] is None
    assert every[1]["since"] == given["since"] <= every[1]["withdrawn"]
    again = ok(operator.post(path(), json=PADRO), 201)
    assert again["withdrawn"] is None, "one that is given anew is another one, and in force"
    assert len(ok(member.get(path(), params={"withdrawn": True}))["items"]) == 3


def test_only_aocs_operators_grant(server: Any, member: httpx2.Client) -> None:
    refused = member.post(path(), json=PADRO)
    assert refused.status_code == 403
    assert member.delete(f"{path()}/PADRO/RESIDENT").status_code == 403
    assert member.get(path(OTHER)).status_code == 404
    assert member.post(path(OTHER), json=PADRO).status_code == 404
    assert granted(member) == []


@pytest.mark.parametrize(
    "body",
    [
        {"product": "PADRO", "modality": "NO_EXISTEIX"},
        {"product": "CADASTRE", "modality": "RESIDENT"},
        {"product": "padro", "modality": "RESIDENT"},
        PADRO | {"purpose": " "},
        PADRO | {"purpose": "x" * 251},
    ],
)
def test_what_there_is_not_is_refused(server: Any, member: httpx2.Client, body: dict[str, str]) -> None:
    refused = server.operator.post(path(), json=body)
    assert refused.status_code == 422, refused.text
    assert granted(member) == []


def test_each_change_is_in_the_audit(server: Any, member: httpx2.Client) -> None:
    operator = server.operator
    ok(operator.post(path(), json=PADRO), 201)
    operator.delete(f"{path()}/PADRO/RESIDENT")
    acts = [each["action"] for each in ok(operator.get("/audit", params={"administration": TOWN}))["items"]]
    assert {"exchange.authorise", "exchange.withdraw"} <= set(acts)


def test_it_says_where_the_service_is_and_what_it_has(member: httpx2.Client) -> None:
    shown = ok(member.get(path()))
    assert shown["address"].startswith("https://127.0.0.1:")
    assert "RESIDENT" in shown["offered"]["PADRO"]
