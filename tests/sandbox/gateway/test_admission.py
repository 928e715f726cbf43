"""Sending through the door of a real chain: each refusal with Besu's code and message, nonces in order."""

import json
import sqlite3
import threading
from unittest.mock import Mock

import pytest

from sandbox.errors import RpcError
from sandbox.permissions import ActKind


def send(chain, raw):
    return chain.read("eth_sendRawTransaction", f"0x{raw.hex()}")


def refused(chain, raw):
    with pytest.raises(RpcError) as caught:
        send(chain, raw)
    return caught.value


@pytest.fixture
def sender(chain, wallet):
    chain.allow(wallet.address, ActKind.SEND)
    return wallet


def test_an_accepted_transaction_is_pending_then_mined(chain, sender):
    raw = sender.next()
    hash_ = send(chain, raw)
    assert chain.read("eth_getTransactionByHash", hash_)["from"] == sender.address.lower()
    mined = chain.wait(hash_)
    assert mined["status"] == "0x1"
    assert chain.read("eth_getTransactionByHash", hash_)["blockNumber"] == mined["blockNumber"]


@pytest.mark.parametrize("kind", [{}, {"type": 1}, {"type": 2, "maxFeePerGas": 0, "maxPriorityFeePerGas": 0}])
def test_types_zero_one_and_two(chain, sender, kind):
    assert chain.wait(send(chain, sender.next(**kind)))["status"] == "0x1"


def test_pre_eip_155(chain, sender):
    error = refused(chain, sender.sign(chainId=None))
    assert (error.code, error.message) == (-32000, "ChainId is required")


@pytest.mark.parametrize("kind", [{}, {"type": 1}, {"type": 2, "maxFeePerGas": 0, "maxPriorityFeePerGas": 0}])
def test_signed_for_another_chain(chain, sender, kind):
    error = refused(chain, sender.sign(chainId=4243, **kind))
    assert (error.code, error.message) == (-32000, "Wrong chainId")
    assert error.data == {"rule": "eip-155", "expected": 4242, "got": 4243}


def test_a_sender_who_is_not_allowed_learns_the_rule_and_how_to_ask(chain, wallet):
    error = refused(chain, wallet.sign(data=bytes.fromhex("a9059cbb00")))
    assert (error.code, error.message) == (-32007, "Sender account not authorized to send transactions")
    assert error.data["rule"] == "sender-allowlist"
    assert error.data["subject"] == wallet.address.lower()
    assert error.data["target"] == "0x" + "11" * 20
    assert error.data["selector"] == "0xa9059cbb"
    assert wallet.address.lower() in error.data["how_to_ask"]


def test_a_sender_who_is_no_deployer(chain, sender):
    creation = {"to": b"", "data": b"\x00", "gas": 100_000}
    error = refused(chain, sender.sign(**creation))
    assert error.code == -32007
    assert (error.data["rule"], error.data["target"]) == ("deployer-allowlist", None)
    chain.allow(sender.address, ActKind.DEPLOY)
    assert chain.wait(send(chain, sender.next(**creation)))["contractAddress"]


def test_disallow_holds_at_once(chain, sender):
    send(chain, sender.next())
    chain.disallow(sender.address, "send")
    assert refused(chain, sender.next()).code == -32007


def test_gas(chain, sender):
    error = refused(chain, sender.sign(gas=20_999))
    assert (error.code, error.message) == (-32003, "Intrinsic gas exceeds gas limit")
    error = refused(chain, sender.sign(gas=2**24 + 1))
    assert (error.code, error.message) == (-32005, "Transaction gas limit exceeds block gas limit")
    assert chain.wait(send(chain, sender.next(gas=2**24)))["status"] == "0x1"


def test_nonce(chain, sender):
    error = refused(chain, sender.sign(nonce=1))
    assert (error.code, error.message) == (-32006, "Nonce too high")
    first = sender.next()
    hash_ = send(chain, first)
    for _ in range(2):  # while it waits, and when it is mined
        error = refused(chain, sender.sign(nonce=0, data=b"another"))
        assert (error.code, error.message) == (-32001, "Nonce too low")
        error = refused(chain, first)
        assert (error.code, error.message) == (-32000, "Known transaction")
        chain.wait(hash_)


def test_cost_and_fees(chain, sender):
    error = refused(chain, sender.sign(value=1))
    assert (error.code, error.message) == (-32004, "Upfront cost exceeds account balance")
    assert error.data == {"rule": "balance", "balance": 0, "cost": 1}
    error = refused(chain, sender.sign(type=2, maxFeePerGas=0, maxPriorityFeePerGas=1))
    assert (error.code, error.message) == (-32000, "Max priority fee per gas exceeds max fee per gas")


@pytest.mark.parametrize("params", [[], ["0x"], ["0x1"], ["f86c"], [1], [None], ["0xzz"], ["0x00", 1]])
def test_bad_parameters(chain, params):
    with pytest.raises(RpcError) as caught:
        chain.read("eth_sendRawTransaction", *params)
    assert caught.value.code == -32602


def test_one_body_is_one_commit_and_a_refused_one_spoils_nothing(chain, sender, other_wallet):
    raws = [sender.next(), other_wallet.sign(), sender.next(), sender.sign(nonce=9), sender.next()]
    body = [
        {"jsonrpc": "2.0", "id": index, "method": "eth_sendRawTransaction", "params": [f"0x{raw.hex()}"]}
        for index, raw in enumerate(raws)
    ]
    count = {
        "jsonrpc": "2.0",
        "id": "n",
        "method": "eth_getTransactionCount",
        "params": [sender.address, "pending"],
    }
    answers = {answer["id"]: answer for answer in json.loads(chain.rpc(json.dumps([count, *body]).encode()))}
    assert answers["n"]["result"] == "0x3"
    assert [answers[index].get("error", {}).get("code") for index in range(5)] == [
        None,
        -32007,
        None,
        -32006,
        None,
    ]
    receipts = [chain.wait(answers[index]["result"]) for index in (0, 2, 4)]
    order = [(receipt["blockNumber"], int(receipt["transactionIndex"], 16)) for receipt in receipts]
    assert order == sorted(order)


def test_sends_at_once_from_one_custodial_account_get_distinct_nonces(chain):
    address = chain.accounts.create("clerk")
    chain.allow(address, ActKind.SEND)
    hashes: list[str] = []
    threads = [
        threading.Thread(target=lambda: hashes.extend(chain.send("clerk", to=address) for _ in range(5)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(hashes)) == 20
    for hash_ in hashes:
        chain.wait(hash_)
    assert chain.read("eth_getTransactionCount", address, "latest") == "0x14"


def test_every_refusal_is_recorded(chain, sender, other_wallet):
    refused(chain, other_wallet.sign())
    refused(chain, sender.sign(nonce=5))
    chain.rpc(b"nonsense")
    chain.rpc(b'{"jsonrpc":"2.0","id":1,"method":"anvil_setBalance\\ud800"}')
    newest, parse, nonce, sender_list = chain.refusals.newest()
    assert (newest.code, newest.rule, newest.method) == (-32604, "method-table", "anvil_setBalance\\ud800")
    assert (parse.code, parse.rule, parse.endpoint) == (-32700, "json", "public")
    assert (nonce.code, nonce.rule, nonce.sender) == (-32006, "nonce", bytes.fromhex(sender.address[2:]))
    assert (sender_list.rule, sender_list.target) == ("sender-allowlist", b"\x11" * 20)
    assert sender_list.method == "eth_sendRawTransaction"


@pytest.mark.parametrize("data", [None, "0x08c379a0", {"see": "the manual"}, [1], {"permission": {}}])
def test_a_nodes_own_error_is_answered_whatever_its_data_is(chain, sender, monkeypatch, data):
    """Somebody else's endpoint says what it likes; the refusal is recorded, and the next transaction goes on."""
    error = RpcError(-32005, "slow down", data)
    with monkeypatch.context() as patch:
        patch.setattr(chain._node, "read", Mock(side_effect=error))
        raw = sender.next()
        body = {"jsonrpc": "2.0", "id": 1, "method": "eth_sendRawTransaction", "params": [f"0x{raw.hex()}"]}
        answer = json.loads(chain.rpc(json.dumps(body).encode()))["error"]
    assert (answer["code"], answer["message"]) == (-32005, "slow down")
    assert chain.refusals.newest(1)[0].rule == "node"
    send(chain, raw)


def test_what_nobody_expected_refuses_one_transaction_and_counts_for_nothing(chain, sender, monkeypatch):
    settled = Mock()
    monkeypatch.setattr(chain._gateway.admission, "_meter", settled)
    good, bad = sender.next(), sender.next()
    judge = chain._gateway.admission._judge

    def failing(transaction, *rest):
        if transaction.raw == bad:
            raise sqlite3.OperationalError("disk I/O error")
        return judge(transaction, *rest)

    monkeypatch.setattr(chain._gateway.admission, "_judge", failing)
    call = [
        {"jsonrpc": "2.0", "id": n, "method": "eth_sendRawTransaction", "params": [f"0x{raw.hex()}"]}
        for n, raw in enumerate((good, bad))
    ]
    first, second = json.loads(chain.rpc(json.dumps(call).encode()))
    assert chain.wait(first["result"])["status"] == "0x1"
    assert second["error"]["code"] == -32603
    settled.settled.assert_called_once_with(100_000)
