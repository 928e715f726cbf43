"""Filters over a real chain: what each poll gives, once; their limits; and what a restore does to them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.chain import Chain
from sandbox.errors import RpcError
from sandbox.gateway import filters, watches
from sandbox.gateway.endpoints import Asker
from sandbox.gateway.filters import Filters
from sandbox.gateway.watches import Arrivals, Logs, Source
from sandbox.permissions import ActKind

#: Init code of a contract that logs the first 32 bytes of its call's data under topic 1, with no other topic.
LOGGER = bytes.fromhex("600e8060093d393df3" + "600035600052600160206000a100")
TOPIC = f"0x{1:064x}"


def ask(chain: Chain, method: str, *params: Any) -> Any:
    return chain.read(method, *params)


def refused(chain: Chain, method: str, *params: Any) -> RpcError:
    with pytest.raises(RpcError) as caught:
        chain.read(method, *params)
    return caught.value


@pytest.fixture
def logger(chain: Chain) -> str:
    chain.accounts.create("clerk")
    for act in ActKind:
        chain.allow(chain.accounts.address("clerk"), act)
    return str(chain.wait(chain.send("clerk", to=None, data=LOGGER))["contractAddress"])


def logged(chain: Chain, logger: str, value: int) -> dict[str, Any]:
    return chain.wait(chain.send("clerk", to=logger, data=value.to_bytes(32)))


def values(logs: list[dict[str, Any]]) -> list[int]:
    return [int(each["data"], 16) for each in logs]


def test_a_filter_for_logs_gives_each_once(chain: Chain, logger: str) -> None:
    logged(chain, logger, 1)
    wanted = {"address": logger, "topics": [TOPIC], "fromBlock": "0x0"}
    name = ask(chain, "eth_newFilter", wanted)
    nothing = ask(chain, "eth_newFilter", {"topics": [f"0x{2:064x}"]})
    assert ask(chain, "eth_getFilterChanges", name) == []
    for value in (2, 3):
        logged(chain, logger, value)
    assert values(ask(chain, "eth_getFilterChanges", name)) == [2, 3]
    assert ask(chain, "eth_getFilterChanges", name) == ask(chain, "eth_getFilterChanges", nothing) == []
    assert values(ask(chain, "eth_getFilterLogs", name)) == [1, 2, 3]
    assert ask(chain, "eth_uninstallFilter", name) is True
    assert ask(chain, "eth_uninstallFilter", name) is False
    assert refused(chain, "eth_getFilterChanges", name).code == -32000


def test_the_blocks_of_a_filter_bound_it(chain: Chain, logger: str) -> None:
    head = chain.head().number
    late = ask(chain, "eth_newFilter", {"fromBlock": hex(head + 2)})
    early = ask(chain, "eth_newFilter", {"toBlock": hex(head + 1)})
    for value in (1, 2, 3):
        logged(chain, logger, value)
    assert values(ask(chain, "eth_getFilterChanges", late)) == [2, 3]
    assert values(ask(chain, "eth_getFilterChanges", early)) == [1]


def test_a_filter_for_blocks_and_one_for_transactions(chain: Chain, logger: str) -> None:
    blocks = ask(chain, "eth_newBlockFilter")
    pending = ask(chain, "eth_newPendingTransactionFilter")
    receipts = [logged(chain, logger, value) for value in (1, 2)]
    assert ask(chain, "eth_getFilterChanges", blocks) == [each["blockHash"] for each in receipts]
    assert ask(chain, "eth_getFilterChanges", pending) == [each["transactionHash"] for each in receipts]
    assert ask(chain, "eth_getFilterChanges", blocks) == ask(chain, "eth_getFilterChanges", pending) == []
    assert refused(chain, "eth_getFilterLogs", blocks).message == "Filter not found"


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("eth_newFilter", []),
        ("eth_newFilter", ["x"]),
        ("eth_newFilter", [{"blockHash": TOPIC}]),
        ("eth_newFilter", [{"fromBlock": {}}]),
        ("eth_newFilter", [{"fromBlock": "0x" + "f" * 65}]),
        ("eth_newFilter", [{"address": "0x1"}]),
        ("eth_newFilter", [{"topics": "x"}]),
        ("eth_newBlockFilter", [1]),
        ("eth_newPendingTransactionFilter", [{}]),
        ("eth_getFilterChanges", []),
        ("eth_getFilterChanges", [{}]),
        ("eth_uninstallFilter", [1, 2]),
    ],
)
def test_parameters_that_are_none(chain: Chain, method: str, params: list[Any]) -> None:
    assert refused(chain, method, *params).code == -32602


def test_ids_are_long_and_of_their_own_chain(chain: Chain) -> None:
    names = {ask(chain, "eth_newBlockFilter") for _ in range(20)}
    assert {len(each) for each in names} == {34}
    assert len(names) == 20
    other = Filters(Source(chain.read, lambda: 0))
    with pytest.raises(RpcError, match="Filter not found"):
        other.handlers["eth_getFilterChanges"](Asker(), [names.pop()])


def test_a_chain_has_so_many_filters_and_keeps_those_that_are_polled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(filters, "MOST_FILTERS", 3)
    now = [0.0]
    made = Filters(Source(lambda *_: None, lambda: 0), now=lambda: now[0]).handlers
    first, second, _ = [made["eth_newBlockFilter"](Asker(), []) for _ in range(3)]
    with pytest.raises(RpcError) as caught:
        made["eth_newBlockFilter"](Asker(), [])
    assert (caught.value.code, caught.value.data["limit"]) == (-32005, 3)
    now[0] = 299.0
    assert made["eth_getFilterChanges"](Asker(), [first]) == []
    now[0] = 301.0
    with pytest.raises(RpcError, match="Filter not found"):
        made["eth_getFilterChanges"](Asker(), [second])
    made["eth_newBlockFilter"](Asker(), [])  # the third is gone too
    assert made["eth_getFilterChanges"](Asker(), [first]) == []


def test_after_a_restore_a_filter_goes_on_from_the_restored_head(monkeypatch: pytest.MonkeyPatch) -> None:
    head = [10]
    source = Source(
        lambda method, *params: (
            {"hash": f"block {int(params[0], 16)}"} if method == "eth_getBlockByNumber" else []
        ),
        lambda: head[0],
    )
    made = Filters(source).handlers
    name = made["eth_newBlockFilter"](Asker(), [])
    logs = Logs(source, {})
    head[0] = 12
    assert made["eth_getFilterChanges"](Asker(), [name]) == ["block 11", "block 12"]
    head[0] = 5
    source.restored.append(5)
    assert made["eth_getFilterChanges"](Asker(), [name]) == []
    head[0] = 7
    assert made["eth_getFilterChanges"](Asker(), [name]) == ["block 6", "block 7"]
    assert logs.take(source) == []
    assert not logs.behind(source)


def test_what_is_too_much_for_one_answer_comes_in_pieces() -> None:
    head, asked = [0], []

    def read(_method: str, wanted: dict[str, str]) -> list[int]:
        first, last = int(wanted["fromBlock"], 16), int(wanted["toBlock"], 16)
        asked.append((first, last))
        if last - first >= 300:
            raise RpcError(-32005, "too much")
        return list(range(first, last + 1))

    source = Source(read, lambda: head[0])
    logs, seen = Logs(source, {}), []
    head[0] = 7_000
    while logs.behind(source):
        seen += logs.take(source)
    assert seen == list(range(1, 7_001))
    assert max(last - first for first, last in asked) < watches.MAX_LOG_BLOCKS


def test_arrivals_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watches, "MAX_ARRIVALS", 3)
    arrivals = Arrivals()
    arrivals.add(["a", "b"])
    assert arrivals.since(0) == (["a", "b"], 2)
    assert arrivals.since(2) == ([], 2)
    arrivals.add(["c", "d"])
    assert arrivals.since(0) == (["b", "c", "d"], 4)
    assert arrivals.since(3) == (["d"], 4)


def test_filters_are_answered_on_the_public_door(chain: Chain) -> None:
    body = [
        {"jsonrpc": "2.0", "id": 1, "method": "eth_newBlockFilter", "params": []},
        {"jsonrpc": "2.0", "id": 2, "method": "eth_subscribe", "params": ["newHeads"]},
    ]
    made, subscribed = json.loads(chain.rpc(json.dumps(body).encode()) or b"")
    assert made["result"].startswith("0x")
    assert (subscribed["error"]["code"], subscribed["error"]["data"]["rule"]) == (-32604, "websocket")
