"""Trust roots: exactly what the administration's receipts are checked against."""

from __future__ import annotations

from typing import Any

from sandbox.evidence import trust
from tests.baas.flows import digest, notarise, ok


def test_it_names_the_administrations_chains_contracts_and_logs_and_no_others(world: Any) -> None:
    town, other = world.town, world.other
    notarise(town, digest(b"a"))
    notarise(other, digest(b"b"))
    seen: set[int] = set()
    for one in (town, other):
        answer = one.member.get(f"/administrations/{one.code}/trust")
        root = trust.parse(answer.content)
        assert root.to_bytes() == answer.content
        chains = ok(one.member.get("/chains", params={"administration": one.code}))["items"]
        known = {each.chain_id: f"0x{each.genesis_hash.hex()}" for each in root.chains}
        # deleted chains stay in it: their receipts are still checked
        assert {each["chain_id"]: each["genesis_hash"] for each in chains}.items() <= known.items()
        assert not known.keys() & seen
        seen |= known.keys()
        (chain,) = [each for each in root.chains if each.chain_id == one.chain["chain_id"]]
        deployed = ok(one.member.get(f"/chains/{one.chain['id']}/deployments", params={"limit": 500}))[
            "items"
        ]
        assert [(f"0x{each.address.hex()}", each.template) for each in chain.contracts] == [
            (each["address"].lower(), each["template"]) for each in deployed
        ]
        assert [each.verifier.vkey for each in chain.sealing_keys] == [one.chain["sealing_key"]]
        registers = ok(one.member.get("/registers", params={"administration": one.code, "limit": 500}))[
            "items"
        ]
        origins = {each["origin"] for each in registers} | {f"baas-sandbox.example/{one.code}/documents"}
        assert {each.origin for each in root.logs} == origins
        (log,) = [each for each in root.logs if each.origin.endswith("/documents")]
        assert [f"0x{each.hex()}" for each in log.contracts] == [one.notary["address"].lower()]
        assert log.chain_id == one.chain["chain_id"]
