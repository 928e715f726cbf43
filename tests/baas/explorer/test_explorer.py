"""The explorer over REST: every page, decoded by the deployed templates' ABIs, and honest about what is unknown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from baas.tenancy import Role
from baas.wiring import Services
from tests.baas.flows import Town, anchored, digest, new_place, notarise, ok

COMMITMENT = f"0x{'c1' * 32}"


@pytest.fixture
def town(world: Any) -> Town:
    return world.town


def at(town: Town, path: str) -> str:
    return f"/chains/{town.chain['id']}{path}"


def mined(world: Any, town: Town, **body: Any) -> str:
    sent = ok(town.member.post(at(town, "/transactions"), json={"account": "anchoring", **body}), 202)
    world.server.services.chains.awake(town.chain["id"]).wait(sent["hash"])
    return str(sent["hash"])


def shown_of(world: Any, town: Town, **body: Any) -> dict[str, Any]:
    return dict(ok(town.member.get(at(town, f"/transactions/{mined(world, town, **body)}"))))


def test_blocks_come_newest_first_and_page_down_to_block_zero(world: Any, town: Town) -> None:
    for number in range(3):
        mined(world, town, to=f"0x{'77' * 20}", data=f"0x{number:02x}")
    reader = world.server.as_member(town.code, Role.AUDITOR)
    head = ok(reader.get(at(town, "")))["head"]["number"]
    numbers: list[int] = []
    highest = None
    while True:
        asked = {"limit": 2} | ({} if highest is None else {"highest": highest})
        page = ok(reader.get(at(town, "/blocks"), params=asked))
        assert len(page["items"]) <= 2
        numbers += [each["number"] for each in page["items"]]
        highest = page["next"]
        if highest is None:
            break
    assert numbers[0] >= head
    assert numbers == list(range(numbers[0], -1, -1))
    beyond = ok(reader.get(at(town, "/blocks"), params={"highest": 2**62, "limit": 1}))
    assert beyond["items"][0]["number"] >= head
    assert reader.get(at(town, "/blocks"), params={"limit": 101}).status_code == 422


def test_a_block_by_number_and_by_hash_with_its_transactions(world: Any, town: Town) -> None:
    sent = mined(
        world, town, to=town.notary["address"], call={"function": "notarise", "arguments": [COMMITMENT]}
    )
    number = ok(town.member.get(at(town, f"/transactions/{sent}")))["block"]
    block = ok(town.member.get(at(town, f"/blocks/{number}")))
    assert ok(town.member.get(at(town, f"/blocks/{block['hash']}")))["items"] == block["items"]
    row = next(each for each in block["items"] if each["hash"] == sent)
    assert (row["function"], row["to"]["template"], row["sender"]["label"]) == (
        "notarise",
        "document-notary",
        "anchoring",
    )
    assert ok(town.member.get(at(town, f"/blocks/{number}"), params={"start": 1000}))["items"] == []
    few = ok(town.member.get(at(town, f"/blocks/{number}"), params={"limit": 1}))
    assert len(few["items"]) == 1
    for absent in ("999999999999999999", f"0x{'ab' * 32}"):
        assert town.member.get(at(town, f"/blocks/{absent}")).status_code == 404
    for malformed in ("latest", "-1", "0xab", "1" * 40):
        assert town.member.get(at(town, f"/blocks/{malformed}")).status_code == 422


def test_a_transaction_to_a_template_is_told_in_its_words(world: Any, town: Town) -> None:
    commitment = f"0x{'c2' * 32}"
    call = {"function": "notarise", "arguments": [commitment]}
    shown = shown_of(world, town, to=town.notary["address"], call=call)
    assert shown["state"] == "succeeded"
    assert shown["decoded"] == {
        "name": "notarise",
        "signature": "notarise(bytes32)",
        "values": [{"name": "commitment", "type": "bytes32", "value": commitment}],
    }
    (event,) = shown["events"]
    assert event["decoded"]["signature"] == "Notarised(bytes32,address)"
    assert event["decoded"]["values"][0]["value"] == commitment
    assert event["emitter"]["template"] == "document-notary"
    assert (shown["events_total"], shown["sender"]["label"], shown["created"]) == (1, "anchoring", None)
    again = shown_of(world, town, to=town.notary["address"], call=call)
    assert (again["state"], again["events"]) == ("reverted", [])


def test_an_anchor_is_read_as_what_it_is(town: Town) -> None:
    done = anchored(town, notarise(town, digest(b"explored"))["items"][0])
    shown = ok(town.member.get(at(town, f"/transactions/{town.notary['transaction_hash']}")))
    assert shown["created"]["template"] == "document-notary"
    assert [each["name"] for each in shown["decoded"]["values"]] == ["admin", "notary"]
    assert done["state"] == "anchored"
    account = shown["sender"]["address"]
    view = ok(town.member.get(at(town, f"/addresses/{account}")))
    assert (view["label"], view["state"], view["code_bytes"]) == ("anchoring", "current", 0)
    assert {each["template"] for each in view["deployments"]} == {"document-notary", "hash-registry"}
    block = ok(town.member.get(at(town, "/blocks"), params={"limit": 1}))["items"][0]
    assert block["transactions"] >= 1


def test_what_no_abi_explains_is_raw_and_says_so(world: Any, town: Town) -> None:
    code = (
        "0x60006000a000"  # emits a log without topics, then stops; as init code it creates an empty contract
    )
    created = shown_of(world, town, data=code)
    assert (created["decoded"], created["to"], created["created"]["template"]) == (None, None, None)
    (event,) = created["events"]
    assert (event["decoded"], event["topics"], event["data"]) == (None, [], "0x")
    unknown = shown_of(world, town, to=f"0x{'66' * 20}", data="0xdeadbeef")
    assert (unknown["decoded"], unknown["input"]) == (None, "0xdeadbeef")
    odd = shown_of(world, town, to=town.notary["address"], data="0xdeadbeef")
    assert (odd["decoded"], odd["state"], odd["to"]["template"]) == (None, "reverted", "document-notary")


def test_an_address_of_a_contract_and_one_of_nobody(town: Town) -> None:
    contract = ok(town.member.get(at(town, f"/addresses/{town.notary['address'].lower()}")))
    assert contract["address"] == town.notary["address"]
    assert contract["deployment"]["template"] == "document-notary"
    assert contract["code_bytes"] > 1000
    nobody = ok(town.member.get(at(town, f"/addresses/0x{'01' * 20}")))
    assert (nobody["label"], nobody["deployment"], nobody["nonce"], nobody["balance"]) == (None, None, 0, "0")
    assert town.member.get(at(town, "/addresses/0x12")).status_code == 422
    assert town.member.get(at(town, f"/transactions/0x{'00' * 32}")).status_code == 404


def test_what_a_restore_left_behind_is_told(server: Any) -> None:
    code = "9999990001"
    server.administration(code)
    member = server.as_member(code, *Role)
    chain = ok(member.post("/chains", json={"administration": code, "label": "enrere"}), 201)["id"]
    awake = server.services.chains.awake(chain)
    awake.snapshots.take("abans")
    body = {"account": "anchoring", "to": f"0x{'66' * 20}"}
    gone = ok(member.post(f"/chains/{chain}/transactions", json=body), 202)["hash"]
    awake.wait(gone)
    assert ok(member.get(f"/chains/{chain}/transactions/{gone}"))["block"] == 1
    awake.snapshots.restore("abans", "persona")
    page = ok(member.get(f"/chains/{chain}/blocks"))
    assert [each["number"] for each in page["items"]] == [0]
    (restore,) = page["restores"]
    assert (restore["snapshot"], restore["number"], restore["abandoned_to"]) == ("abans", 0, 1)
    answer = member.get(f"/chains/{chain}/transactions/{gone}")
    assert (answer.status_code, "left behind" in answer.json()["detail"]) == (409, True)


def test_blocks_that_a_restore_takes_away_meanwhile_are_left_out(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = new_place(services)
    awake = services.chains.awake(place.chain.id)
    head = awake.head()
    monkeypatch.setattr(awake, "head", lambda: replace(head, number=head.number + 3))
    shown = services.explorer.blocks(place.scope, place.chain.id)
    assert shown.items[0].number == head.number
