"""Step 8: what the sandbox does not let pass, with the answer that each one gets."""

from __future__ import annotations

from typing import Any

from baas.client import ApiProblem
from baas.demo.stage import Stage, Town
from sandbox._eth_account import Account

Json = dict[str, Any]
#: Init code that returns an empty contract: enough to be a deployment.
EMPTY_CONTRACT = "0x60006000f3"


def show(stage: Stage) -> None:
    one, two = stage.towns
    stranger = Account.create()
    found: Json = {}

    error = _send(one, stranger, one.chain["chain_id"], to=stranger.address)
    found["sender_not_allowed"] = {"code": error["code"], "rule": error["data"]["rule"]}
    stage.note(f"an account that is not allowed: {error['code']} {error['message']}")
    stage.note(f"  rule {error['data']['rule']}; {error['data']['how_to_ask']}")

    one.client.allow(one.chain["id"], stranger.address, "send")
    error = _send(one, stranger, one.chain["chain_id"], data=EMPTY_CONTRACT)
    found["deployer_not_allowed"] = {"code": error["code"], "rule": error["data"]["rule"]}
    stage.note(f"a deployment by a sender who may not deploy: {error['code']}, rule {error['data']['rule']}")

    error = _send(one, stranger, two.chain["chain_id"], to=stranger.address)
    found["wrong_chain"] = {"code": error["code"], "message": error["message"]}
    stage.note(f"a transaction signed for the other chain: {error['code']} {error['message']}")

    # the second town gave the first one a mandate, and got none
    found["other_administration"] = {"status": _status(two, one.chain["id"])}
    found["absent_object"] = {"status": _status(two, "01ARZ3NDEKTSV4RRFFQ69G5FAV")}
    stage.note(
        f"another administration's chain: {found['other_administration']['status']}, as for one that does not exist"
    )
    stage.counts["refusals"] = found


def _send(town: Town, account: Any, chain_id: int, *, to: str | None = None, data: str = "0x") -> Json:
    """The JSON-RPC error that this transaction gets."""
    transaction: Json = {
        "chainId": chain_id,
        "nonce": 0,
        "gas": 100_000,
        "gasPrice": 0,
        "value": 0,
        "data": data,
    }
    if to is not None:
        transaction["to"] = to
    raw = account.sign_transaction(transaction).raw_transaction
    answer = town.client.rpc(town.chain["id"], "eth_sendRawTransaction", f"0x{bytes(raw).hex()}")
    if "error" not in answer:
        raise RuntimeError(f"the gateway accepted what it must refuse: {answer}")
    return dict(answer["error"])


def _status(town: Town, chain: str) -> int:
    try:
        town.client.chain(chain)
    except ApiProblem as problem:
        return problem.status
    raise RuntimeError(f"chain {chain} was shown to {town.name}")
