"""MetaMask's list of calls (metamask.json), replayed at the wallet's address as a browser would send them.

It is no browser and no extension: what the file says of its sources holds here too.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from eth_account.signers.local import LocalAccount
from eth_utils import to_checksum_address

from sandbox.abi import encode_call, encode_constructor
from sandbox.artifacts import load_artifact
from tests.baas.flows import until
from tests.tools.conftest import Place

pytestmark = [pytest.mark.tools, pytest.mark.timeout(300)]

RECORD = json.loads((Path(__file__).parent / "metamask.json").read_text(encoding="utf-8"))
PHASES = {phase["name"]: phase["calls"] for phase in RECORD["phases"]}
REGISTRY = load_artifact("HashRegistry")
#: What the wallet suggests by itself at the very least, in wei: its source's minimum for "low".
SUGGESTED = 1_000_000_000


@dataclass
class Wallet:
    """The extension in its user's browser: every request has its origin, and the first one a preflight."""

    place: Place
    account: LocalAccount
    url: str
    words: dict[str, Any] = field(default_factory=dict)
    asked: int = 0

    def ask(self, method: str, params: list[Any]) -> dict[str, Any]:
        """One call, as `fetch` sends it; the whole answer."""
        self.asked += 1
        if self.asked == 1:
            self._preflight()
        body = {"id": 1_000_000 + self.asked, "jsonrpc": "2.0", "method": method, "params": params}
        headers = {
            "Origin": RECORD["origin"],
            "Content-Type": "application/json",
            "Accept": "application/json",
        }
        answer = httpx2.post(self.url, json=body, headers=headers, timeout=30)
        assert answer.headers["access-control-allow-origin"] == RECORD["origin"]
        assert "access-control-allow-credentials" not in answer.headers
        assert answer.headers["referrer-policy"] == "no-referrer"
        found: dict[str, Any] = answer.json()
        assert (answer.status_code, found["jsonrpc"], found["id"]) == (200, "2.0", body["id"])
        return found

    def _preflight(self) -> None:
        headers = {
            "Origin": RECORD["origin"],
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
            "Access-Control-Request-Private-Network": "true",
        }
        answer = httpx2.request("OPTIONS", self.url, headers=headers)
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == RECORD["origin"]
        assert "Content-Type" in answer.headers["access-control-allow-headers"]
        assert answer.headers["access-control-allow-private-network"] == "true"

    def replay(self, phase: str, *conditions: str) -> dict[str, Any]:
        """The phase's calls in order; each result by its method. None may be refused."""
        results: dict[str, Any] = {}
        for call in PHASES[phase]:
            if call.get("unless") in conditions:
                continue
            method, params = call["method"], [self._filled(each) for each in call["params"]]
            answer = self.ask(method, params)
            assert "error" not in answer, (call, answer)
            results[method] = answer["result"]
            if method == "eth_blockNumber":
                head = int(answer["result"], 16)
                self.words |= {"$latest": answer["result"], "$history": hex(min(5, head))}
            if method == "eth_getTransactionReceipt":
                self.words["$block"] = answer["result"]["blockHash"]
        return results

    def _filled(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._filled(each) for key, each in value.items()}
        return self.words[value] if isinstance(value, str) and value.startswith("$") else value

    def asks_to_send(self, to: str | None, data: bytes) -> None:
        """A page asks the user to confirm this; it changes no value."""
        transaction = {"from": self.account.address, "data": f"0x{data.hex()}", "value": "0x0"}
        self.words["$transaction"] = transaction | ({"to": to_checksum_address(to)} if to else {})

    def sign(self, gas: int, nonce: int, **fees: int) -> None:
        """The user confirms."""
        wanted = self.words["$transaction"]
        fields = {key: wanted[key] for key in ("to", "data") if key in wanted} | {"value": 0, "gas": gas}
        chain_id = {"chainId": self.place.chain["chain_id"]}
        signed = self.account.sign_transaction({**fields, **chain_id, **fees, "nonce": nonce})
        self.words |= {"$raw": f"0x{signed.raw_transaction.hex()}", "$hash": f"0x{signed.hash.hex()}"}


@pytest.fixture
def wallet(place: Place, account: LocalAccount) -> Wallet:
    words = {
        "$account": account.address.lower(),
        "$chain": hex(place.chain["chain_id"]),
        "$contract": "0x" + "00" * 20,
        "$reading": f"0x{encode_call(REGISTRY, 'size').hex()}",
    }
    return Wallet(place, account, f"{place.url}/{place.wallet_token()}", words)


def test_the_list_says_where_each_call_was_read() -> None:
    assert RECORD["not_verified"]
    for calls in PHASES.values():
        for call in calls:
            assert set(call) <= {"method", "params", "read", "unless"}
            assert call["read"]


def test_a_wallet_adds_the_chain_is_refused_let_in_deploys_calls_and_watches(
    wallet: Wallet, place: Place
) -> None:
    added = wallet.replay("adding the network")
    assert added["eth_chainId"] == wallet.words["$chain"]
    assert added["net_version"] == str(place.chain["chain_id"])
    assert "baseFeePerGas" in added["eth_getBlockByNumber"]
    assert wallet.replay("connecting")["eth_getBalance"] == "0x0"

    owner = wallet.account.address
    wallet.asks_to_send(None, encode_constructor(REGISTRY, owner, owner))
    gas = confirmed(wallet, "creating")

    wallet.sign(gas, 0, gasPrice=0)
    error = wallet.ask("eth_sendRawTransaction", [wallet.words["$raw"]])["error"]
    assert (error["code"], error["message"]) == (-32007, "Sender account not authorized to send transactions")
    assert error["data"]["subject"] == owner.lower()
    assert owner.lower() in error["data"]["how_to_ask"]

    place.ask_and_let_in(owner)
    created = sent_and_watched(wallet, gas, "creating")
    contract = created["eth_getTransactionReceipt"]["contractAddress"]
    assert created["eth_getTransactionByHash"]["from"] == owner.lower()

    wallet.words["$contract"] = contract
    wallet.asks_to_send(contract, encode_call(REGISTRY, "advance", 1, b"\x07" * 32, []))
    gas = confirmed(wallet)
    watched = sent_and_watched(wallet, gas)
    (event,) = watched["eth_getTransactionReceipt"]["logs"]
    assert event["address"] == contract
    assert watched["eth_getLogs"] == [event]
    assert int(watched["eth_call"], 16) == 1
    assert place.call("eth_getBalance", owner, "latest") == "0x0"


def confirmed(wallet: Wallet, *conditions: str) -> int:
    """The wallet's window with the fee: the gas that it asks for, one and a half times the estimate."""
    latest = wallet.ask("eth_blockNumber", [])["result"]
    results = wallet.replay(
        "confirming a transaction", *conditions, *(["genesis"] if latest == "0x0" else [])
    )
    assert results["eth_gasPrice"] == "0x0"
    if "eth_feeHistory" in results:
        history = results["eth_feeHistory"]
        blocks = len(history["gasUsedRatio"])
        assert len(history["baseFeePerGas"]) == blocks + 1
        assert [len(each) for each in history["reward"]] == [3] * blocks
    return int(results["eth_estimateGas"], 16) * 3 // 2


def sent_and_watched(wallet: Wallet, gas: int, *conditions: str) -> dict[str, Any]:
    nonce = wallet.ask("eth_getTransactionCount", [wallet.words["$account"], wallet.words["$latest"]])[
        "result"
    ]
    wallet.sign(gas, int(nonce, 16), gasPrice=0)
    assert wallet.replay("sending")["eth_sendRawTransaction"] == wallet.words["$hash"]
    # the wallet asks again with each block until there is one
    until(lambda: wallet.ask("eth_getTransactionReceipt", [wallet.words["$hash"]])["result"])
    watched = wallet.replay("watching", *conditions)
    assert watched["eth_getTransactionReceipt"]["status"] == "0x1"
    assert watched["eth_getBlockByHash"]["hash"] == wallet.words["$block"]
    assert watched["eth_getTransactionCount"] == hex(int(nonce, 16) + 1)
    return watched


def test_the_fee_that_the_wallet_suggests_by_itself_needs_a_balance(wallet: Wallet, place: Place) -> None:
    """Gas is free, and the wallet offers a fee all the same: what happens then is said, not guessed."""
    place.allow(wallet.account.address)
    wallet.asks_to_send(wallet.account.address, b"")
    fees = {"type": 2, "maxFeePerGas": SUGGESTED, "maxPriorityFeePerGas": SUGGESTED}
    wallet.sign(21_000, 0, **fees)
    error = wallet.ask("eth_sendRawTransaction", [wallet.words["$raw"]])["error"]
    assert (error["code"], error["message"]) == (-32004, "Upfront cost exceeds account balance")
    assert error["data"] == {"rule": "balance", "balance": 0, "cost": 21_000 * SUGGESTED}


def test_a_wallets_address_that_no_longer_holds_is_said_to_the_wallet(place: Place) -> None:
    answer = httpx2.post(
        f"{place.url}/baas_{'x' * 43}",
        json={"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []},
        headers={"Origin": RECORD["origin"]},
    )
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == RECORD["origin"]
