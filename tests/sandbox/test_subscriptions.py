"""Subscriptions over a real chain: everything once and in order, whoever subscribes when; their limits and ends."""

from __future__ import annotations

import queue
import threading
from typing import Any

import pytest

from sandbox import subscriptions
from sandbox.chain import Chain
from sandbox.errors import EngineUnavailable, RpcError
from sandbox.gateway.watches import Source
from sandbox.permissions import ActKind
from sandbox.subscriptions import Subscriptions
from tests.sandbox.gateway.test_filters import LOGGER, TOPIC, values


class Listener:
    """What a subscriber was told, in order; `next` waits for it."""

    def __init__(self) -> None:
        self.told: queue.Queue[tuple[str, Any]] = queue.Queue()
        self.ends: queue.Queue[tuple[str, str]] = queue.Queue()

    def opened(self, subscription: str) -> None:
        self.open = subscription

    def deliver(self, subscription: str, result: Any) -> None:
        self.told.put((subscription, result))

    def ended(self, subscription: str, reason: str) -> None:
        self.ends.put((subscription, reason))

    def next(self) -> Any:
        return self.told.get(timeout=20)[1]


@pytest.fixture
def clerk(chain: Chain) -> str:
    address = chain.accounts.create("clerk")
    for act in ActKind:
        chain.allow(address, act)
    return address


def test_new_heads_are_headers_in_order(chain: Chain, clerk: str) -> None:
    listener = Listener()
    chain.subscribe("newHeads", subscriber=listener)
    mined = [chain.wait(chain.send("clerk", to=clerk)) for _ in range(5)]
    heads = [listener.next() for _ in mined]
    assert [each["hash"] for each in heads] == [each["blockHash"] for each in mined]
    assert [int(each["number"], 16) for each in heads] == [1, 2, 3, 4, 5]
    assert heads[1]["parentHash"] == heads[0]["hash"]
    assert "transactions" not in heads[0]
    assert "stateRoot" in heads[0]


def test_logs_and_pending_transactions(chain: Chain, clerk: str) -> None:
    contract = chain.wait(chain.send("clerk", to=None, data=LOGGER))["contractAddress"]
    logs, others, pending = Listener(), Listener(), Listener()
    chain.subscribe("logs", {"address": contract, "topics": [TOPIC]}, subscriber=logs)
    chain.subscribe("logs", {"topics": [f"0x{2:064x}"]}, subscriber=others)
    chain.subscribe("newPendingTransactions", subscriber=pending)
    sent = [chain.send("clerk", to=contract, data=value.to_bytes(32)) for value in range(30)]
    chain.settle()
    assert values([logs.next() for _ in sent]) == list(range(30))
    assert [pending.next() for _ in sent] == sent
    assert others.told.empty()


def test_nothing_is_lost_and_nothing_comes_twice_whenever_one_subscribes(chain: Chain, clerk: str) -> None:
    """Subscribers come while blocks are made: each has every block after the one that it saw."""
    done = threading.Event()

    def send() -> None:
        while not done.is_set():
            chain.send("clerk", to=clerk)

    sender = threading.Thread(target=send)
    sender.start()
    listeners: list[tuple[int, Listener, int]] = []
    try:
        for number in range(20):
            if number % 4 == 0:
                chain._sealer.wait_for_change(chain._sealer.changes, 20)
            before, listener = chain.head().number, Listener()
            chain.subscribe("newHeads", subscriber=listener)
            listeners.append((before, listener, chain.head().number))
        while chain.head().number <= 3:  # a slow machine has not sealed as many yet
            chain._sealer.wait_for_change(chain._sealer.changes, 20)
    finally:
        done.set()
        sender.join()
    chain.settle()
    last = chain.head().number
    assert last > 3
    for before, listener, after in listeners:
        numbers = [int(listener.next()["number"], 16)]
        assert before < numbers[0] <= after + 1
        while numbers[-1] < last:
            numbers.append(int(listener.next()["number"], 16))
        assert numbers == list(range(numbers[0], last + 1))
        assert listener.told.empty()


def test_unsubscribing_ends_it_and_only_ones_own(chain: Chain, clerk: str) -> None:
    mine, other = Listener(), Listener()
    name = chain.subscribe("newHeads", subscriber=mine)
    assert not chain._subscriptions.remove(name, other)
    assert chain.subscriptions == 1
    assert chain._subscriptions.remove(name, mine)
    assert not chain._subscriptions.remove(name, mine)
    chain.subscribe("newHeads", subscriber=other)
    chain.wait(chain.send("clerk", to=clerk))
    other.next()
    assert mine.told.empty()
    chain.unsubscribe(other)
    assert chain.subscriptions == 0


def test_a_restored_snapshot_ends_subscriptions_and_moves_filters_back(chain: Chain, clerk: str) -> None:
    chain.snapshots.take("before")
    name = chain.read("eth_newBlockFilter")
    listener = Listener()
    subscription = chain.subscribe("newHeads", subscriber=listener)
    abandoned = [chain.wait(chain.send("clerk", to=clerk))["blockHash"] for _ in range(2)]
    assert chain.read("eth_getFilterChanges", name) == abandoned
    chain.snapshots.restore("before")
    assert listener.ends.get(timeout=20) == (subscription, "the chain was restored to block 0: connect again")
    assert chain.read("eth_getFilterChanges", name) == []
    again = chain.wait(chain.send("clerk", to=clerk, value=0, data=b"other"))["blockHash"]
    assert chain.read("eth_getFilterChanges", name) == [again]


def test_closing_and_restoring_end_them_and_say_why(chain: Chain) -> None:
    listener = Listener()
    name = chain.subscribe("newHeads", subscriber=listener)
    chain._restored(0)
    assert listener.ends.get(timeout=20) == (name, "the chain was restored to block 0: connect again")
    name = chain.subscribe("newHeads", subscriber=listener)
    chain.close()
    assert listener.ends.get(timeout=20) == (name, "the chain was closed: connect again")
    with pytest.raises(RpcError):
        chain.subscribe("newHeads", subscriber=listener)


@pytest.mark.parametrize(
    ("kind", "params"),
    [("syncing", []), ("newHeads", [1]), ("logs", ["x"]), ("logs", [{"blockHash": TOPIC}]), ("", [])],
)
def test_what_nobody_can_subscribe_to(chain: Chain, kind: str, params: list[Any]) -> None:
    with pytest.raises(RpcError) as caught:
        chain.subscribe(kind, *params, subscriber=Listener())
    assert caught.value.code == -32602


def test_there_are_only_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "MOST_EACH", 2)
    monkeypatch.setattr(subscriptions, "MOST", 3)
    made = Subscriptions(Source(lambda *_: None, lambda: 0))
    first, second = Listener(), Listener()
    for _ in range(2):
        made.add("newHeads", [], first)
    with pytest.raises(RpcError) as caught:
        made.add("newHeads", [], first)
    assert (caught.value.code, caught.value.data["limit"]) == (-32005, 2)
    made.add("newHeads", [], second)
    with pytest.raises(RpcError) as caught:
        made.add("newHeads", [], second)
    assert caught.value.data["limit"] == 3
    made.leave(first)
    made.add("newHeads", [], second)
    made.end("over", for_good=True)


def test_an_engine_that_fails_loses_nothing() -> None:
    head, failures = [0], [2]

    def read(_method: str, number: str, _full: bool) -> dict[str, str]:
        if failures[0]:
            failures[0] -= 1
            raise EngineUnavailable("it is starting")
        return {"number": number}

    made, listener = Subscriptions(Source(read, lambda: head[0])), Listener()
    made.add("newHeads", [], listener)
    head[0] = 2
    made.ring()
    assert [listener.next()["number"] for _ in range(2)] == ["0x1", "0x2"]
    made.end("over", for_good=True)


def test_a_chain_that_somebody_else_seals_is_looked_at_again_and_again() -> None:
    head = [0]
    made, listener = (
        Subscriptions(Source(lambda _, number, __: {"number": number}, lambda: head[0]), poll=0.01),
        Listener(),
    )
    made.add("newHeads", [], listener)
    head[0] = 1  # and nobody rings
    assert listener.next()["number"] == "0x1"
    made.end("over", for_good=True)
