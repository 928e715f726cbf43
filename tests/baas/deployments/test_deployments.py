"""Deployments: what lies on the chain is the reviewed code, and what cannot be deployed leaves no row."""

from __future__ import annotations

from typing import Any

from eth_utils import keccak

from baas.chains.service import Chains
from sandbox.catalogue import templates
from tests.baas.flows import ok


def test_the_code_on_the_chain_is_the_artifacts(world: Any) -> None:
    town = world.town
    for made, slug in ((town.notary, "document-notary"), (town.registry, "hash-registry")):
        artifact = templates()[slug].artifact()
        call = {"jsonrpc": "2.0", "id": 1, "method": "eth_getCode", "params": [made["address"], "latest"]}
        answer = ok(town.member.post(f"{world.server.url}/rpc/{town.chain['id']}", json=call))
        code = bytes.fromhex(answer["result"][2:])
        assert artifact.matches(code)
        assert (made["template"], made["artifact"]) == (slug, artifact.digest.hex())
        if not artifact.immutable_references:
            assert made["code_hash"] == f"0x{keccak(code).hex()}"
    listed = ok(town.member.get(f"/chains/{town.chain['id']}/deployments", params={"limit": 500}))["items"]
    assert [each["id"] for each in listed][:2] == [town.notary["id"], town.registry["id"]]


def test_what_cannot_be_deployed_is_refused_by_name(town: Any) -> None:
    path = f"/chains/{town.chain['id']}/deployments"
    before = ok(town.member.get(path, params={"limit": 500}))["items"]
    for body, status, slug in (
        ({"template": "nothing"}, 404, "unknown-template"),
        ({"template": "document-notary", "parameters": {"admin": "0x12"}}, 422, "invalid-parameter"),
        ({"template": "document-notary", "parameters": {"owner": "x"}}, 422, "invalid-parameter"),
        ({"template": "document-notary", "parameters": {"admin": f"0x{'0' * 40}"}}, 422, "invalid-parameter"),
    ):
        answer = town.member.post(path, json=body)
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (status, slug), answer.text
    assert ok(town.member.get(path, params={"limit": 500}))["items"] == before


def test_an_account_that_may_not_deploy(town: Any) -> None:
    """The platform's own account goes through the same door: taken off the list, it is refused like any other."""
    chain = ok(town.member.post("/chains", json={"administration": town.code, "label": "tancada"}), 201)
    accounts = ok(town.member.get(f"/chains/{chain['id']}/accounts"))["items"]
    (account,) = (each for each in accounts if each["label"] == Chains.ANCHORING_ACCOUNT)
    ok(town.member.delete(f"/chains/{chain['id']}/permissions/deploy/{account['address']}"))
    answer = town.member.post(f"/chains/{chain['id']}/deployments", json={"template": "hash-registry"})
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "chain-refused")
    assert ok(town.member.get(f"/chains/{chain['id']}/deployments"))["items"] == []


def test_every_template_is_explained_in_three_languages(town: Any) -> None:
    listed = ok(town.member.get("/templates"))["items"]
    assert {each["slug"] for each in listed} == set(templates())
    for each in listed:
        assert ok(town.member.get(f"/templates/{each['slug']}")) == each
        assert {"ca", "es", "en"} <= set(each["title"]) & set(each["summary"]) & set(each["privacy_note"])


def test_the_permissions_are_mirrored_on_the_chain(town: Any) -> None:
    body = {"administration": town.code, "label": "mirall"}
    chain = ok(town.member.post("/chains", json=body), 201)
    refused = town.member.post(f"/chains/{chain['id']}/mirror")
    assert (refused.status_code, "account-allowlist" in refused.json()["detail"]) == (409, True)

    template = {"template": "account-allowlist"}
    deployed = ok(town.member.post(f"/chains/{chain['id']}/deployments", json=template), 201)
    who = "0x" + "51" * 20
    ok(town.member.post(f"/chains/{chain['id']}/permissions", json={"address": who, "act": "send"}), 201)
    shown = ok(town.member.post(f"/chains/{chain['id']}/mirror"))
    assert (shown["deployment"], shown["address"]) == (deployed["id"], deployed["address"])
    changes = ok(town.member.get(f"/chains/{chain['id']}/permission-changes"))["items"]
    assert shown["revision"] == max(each["id"] for each in changes)
    assert len(shown["transactions"]) <= 1  # the service does it by itself as well, and may have been quicker
    again = ok(town.member.post(f"/chains/{chain['id']}/mirror"))
    assert again == shown | {"transactions": []}
