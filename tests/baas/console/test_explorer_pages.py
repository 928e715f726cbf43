"""The explorer's pages by HTTP: they link to each other, find what is typed, and show nothing of others."""

from __future__ import annotations

import re
from typing import Any

import pytest

from baas.tenancy import Role
from tests.baas.console.person import Person, words
from tests.baas.flows import ok


@pytest.fixture(scope="module")
def person(world: Any) -> Person:
    somebody = Person(world.server)
    token = world.server.token_of(world.server.member(world.town.code, Role.AUDITOR)["id"])
    assert somebody.sign_in(token).status_code == 303
    return somebody


def links(page: Any) -> set[str]:
    return set(re.findall(r'href="(/console/chains/[^"]+)"', page.text))


def test_from_the_chain_one_reaches_every_kind_of_page(world: Any, person: Person) -> None:
    town = world.town
    base = f"/console/chains/{town.chain['id']}"
    assert f"{base}/blocks" in links(person.get(base))
    number = ok(
        town.member.get(f"/chains/{town.chain['id']}/transactions/{town.notary['transaction_hash']}")
    )["block"]
    blocks = person.get(f"{base}/blocks?highest={number}")
    assert f"{base}/blocks/{number}" in links(blocks)
    block = person.get(f"{base}/blocks/{number}")
    assert f"{base}/transactions/{town.notary['transaction_hash']}" in links(block)
    transaction = person.get(f"{base}/transactions/{town.notary['transaction_hash']}")
    assert {f"{base}/blocks/{number}", f"{base}/addresses/{town.notary['address']}"} <= links(transaction)
    assert "RoleGranted(bytes32,address,address)" in words(transaction)
    assert "compte anchoring" in words(transaction)
    address = person.get(f"{base}/addresses/{town.notary['address']}")
    assert "document-notary" in words(address)
    everything = links(blocks) | links(block) | links(transaction) | links(address)
    assert len(everything) > 5
    for each in everything:
        assert person.get(each).status_code == 200, each


def test_what_is_typed_is_found(world: Any, person: Person) -> None:
    town = world.town
    base = f"/console/chains/{town.chain['id']}"
    block = ok(town.member.get(f"/chains/{town.chain['id']}/blocks/0"))
    for typed, path in (
        ("0", "blocks/0"),
        (f" {block['hash'].upper().replace('X', 'x')} ", f"blocks/{block['hash']}"),
        (town.notary["transaction_hash"], f"transactions/{town.notary['transaction_hash']}"),
        (town.notary["address"], f"addresses/{town.notary['address'].lower()}"),
    ):
        answer = person.get(f"{base}/blocks", params={"q": typed})
        assert (answer.status_code, answer.headers["location"]) == (303, f"{base}/{path}")
        assert person.get(answer.headers["location"]).status_code == 200
    for typed in ("<b>res</b>", "999999999", "0x12", f"0x{'00' * 32}", "0xzz", "²"):
        answer = person.get(f"{base}/blocks", params={"q": typed})
        assert (answer.status_code, "<b>res" in answer.text) == (404, False)
        assert "no hi ha res que es digui" in words(answer)


def test_names_of_nothing_are_not_found_and_others_chains_are_not_there(world: Any, person: Person) -> None:
    mine, others = (f"/console/chains/{each.chain['id']}" for each in (world.town, world.other))
    for path in (
        "blocks/latest", "blocks/999999999", "blocks/-1", f"blocks/0x{'00' * 32}", "blocks/0x0",
        "transactions/1", f"transactions/0x{'00' * 32}", "addresses/0x1", "addresses/anchoring",
    ):  # fmt: skip
        assert person.get(f"{mine}/{path}").status_code == 404, path
    for path in ("blocks", "blocks/0", "blocks?q=0", f"addresses/0x{'11' * 20}"):
        assert person.get(f"{others}/{path}").status_code == 404, path
