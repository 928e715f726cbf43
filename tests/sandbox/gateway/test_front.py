"""The front of a real chain's gateway: wallets, web3.py, limits, and anything that anybody may send."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from web3 import Web3
from web3.providers import JSONBaseProvider

from sandbox.chain import Chain
from sandbox.errors import RpcError
from sandbox.evidence.keccak import keccak
from sandbox.gateway import Asker, Endpoint, Gateway
from sandbox.gateway.methods import METHODS
from sandbox.permissions import ActKind
from sandbox.spec import ChainSpec

NOBODY = "0x" + "99" * 20


def ask(chain, method, *params):
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
    return json.loads(chain.rpc(json.dumps(body).encode()))


def test_what_a_wallet_asks_when_it_connects(chain):
    assert ask(chain, "eth_chainId")["result"] == hex(4242)
    assert ask(chain, "net_version")["result"] == "4242"
    assert ask(chain, "net_listening")["result"] is True
    assert ask(chain, "eth_accounts")["result"] == []
    assert ask(chain, "eth_syncing")["result"] is False
    assert ask(chain, "eth_gasPrice")["result"] == "0x0"
    assert ask(chain, "eth_maxPriorityFeePerGas")["result"] == "0x0"
    assert ask(chain, "web3_clientVersion")["result"].startswith("baas-sandbox/")
    assert ask(chain, "eth_blockNumber")["result"] == "0x0"
    assert ask(chain, "eth_getBalance", NOBODY, "latest")["result"] == "0x0"
    assert ask(chain, "eth_getTransactionCount", NOBODY, "pending")["result"] == "0x0"
    assert ask(chain, "eth_getBlockByNumber", "latest", False)["result"]["number"] == "0x0"
    assert ask(chain, "eth_feeHistory", "0x1", "latest", [])["result"]["oldestBlock"] == "0x0"
    # keccak-256 of nothing, and the example of the JSON-RPC documentation
    assert ask(chain, "web3_sha3", "0x")["result"].startswith("0xc5d2460186f7233c")
    assert ask(chain, "web3_sha3", "0x68656c6c6f20776f726c64")["result"] == (
        "0x47173285a8d7341e5e972fc677286384f802f8ef42a5ec5f03bbfa254cb01fad"
    )


def test_every_read_of_the_table_reaches_a_method_of_the_node(chain):
    for method in METHODS:
        error = ask(chain, method).get("error", {})
        assert error.get("code") not in (-32601, -32604, -32603), (method, error)


class GatewayProvider(JSONBaseProvider):
    def __init__(self, chain):
        super().__init__()
        self.chain = chain

    def make_request(self, method, params):
        return self.decode_rpc_response(self.chain.rpc(self.encode_rpc_request(method, params)))


def test_web3_sends_and_reads(chain, wallet):
    chain.allow(wallet.address, ActKind.SEND)
    web3 = Web3(GatewayProvider(chain))
    assert web3.eth.chain_id == 4242
    nonce = web3.eth.get_transaction_count(wallet.address, "pending")
    hash_ = web3.eth.send_raw_transaction(wallet.sign(nonce=nonce))
    assert web3.eth.get_transaction_count(wallet.address, "pending") == 1
    receipt = web3.eth.wait_for_transaction_receipt(hash_, timeout=20, poll_latency=0.02)
    assert (receipt["status"], receipt["from"]) == (1, wallet.address)
    block = web3.eth.get_block(receipt["blockNumber"], full_transactions=True)
    assert block["transactions"][0]["hash"] == hash_
    assert web3.eth.get_logs({"fromBlock": 0, "toBlock": "latest"}) == []


def test_notifications_get_no_answer_but_are_carried_out(chain, wallet):
    chain.allow(wallet.address, ActKind.SEND)
    body = {"jsonrpc": "2.0", "method": "eth_sendRawTransaction", "params": [f"0x{wallet.sign().hex()}"]}
    assert chain.rpc(json.dumps(body).encode()) is None
    assert chain.rpc(json.dumps([body, {"jsonrpc": "2.0", "method": "anvil_reset"}]).encode()) is None
    assert ask(chain, "eth_getTransactionCount", wallet.address, "pending")["result"] == "0x1"


def test_a_denied_call_does_not_spoil_its_batch(chain):
    methods = [
        "eth_chainId",
        "evm_mine",
        "ETH_CHAINID",
        " eth_chainId",
        "eth_sendTransaction",
        "eth_blockNumber",
    ]
    body = [{"jsonrpc": "2.0", "id": index, "method": method} for index, method in enumerate(methods)]
    body.append({"jsonrpc": "2.0", "method": "eth_chainId"})  # a notification: not in the answer
    answers = json.loads(chain.rpc(json.dumps(body).encode()))
    assert [answer.get("error", {}).get("code") for answer in answers] == [
        None, -32604, -32601, -32601, -32604, None,
    ]  # fmt: skip


def test_log_range(chain):
    class Head:
        number = 6_000

    assert ask(chain, "eth_getLogs", {"fromBlock": "0x0", "toBlock": "0x0"})["result"] == []
    chain._gateway._node = type("Node", (), {"head": lambda self: Head})()
    error = ask(chain, "eth_getLogs", {"fromBlock": "earliest"})["error"]
    assert (error["code"], error["message"]) == (-32005, "Requested range exceeds maximum RPC range limit")


def well_formed(answer):
    assert answer["jsonrpc"] == "2.0"
    assert set(answer) in ({"jsonrpc", "id", "result"}, {"jsonrpc", "id", "error"})
    assert answer["id"] is None or type(answer["id"]) in (str, int)
    if "error" in answer:
        assert type(answer["error"]["code"]) is int
        assert isinstance(answer["error"]["message"], str)


@pytest.fixture(scope="module")
def shared_chain(tmp_path_factory):
    spec = ChainSpec(chain_id=77, genesis_time=1_700_000_000)
    with Chain.create(tmp_path_factory.mktemp("fuzz") / "chain", spec) as opened:
        yield opened


scalars = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False)
    | st.text(max_size=12)
    | st.sampled_from(["0x", "0x0", "latest", "pending", "earliest", NOBODY, "0x" + "22" * 32])
    | st.just("0x" + "f" * 65)
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["to", "from", "data", "gas", "fromBlock", "topics", "address", "blockHash"])
            | st.text(),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)
calls = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0") | scalars, "method": st.sampled_from(sorted(METHODS)) | scalars},
    optional={"id": scalars, "params": st.lists(values, max_size=3) | values},
)
bodies = (values | calls | st.lists(calls | values, max_size=3)).map(lambda value: json.dumps(value).encode())


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(bodies | st.binary(max_size=60))
def test_anything_gets_a_well_formed_answer(shared_chain, body):
    answer = shared_chain.rpc(body)
    if answer is None:
        return
    decoded = json.loads(answer)
    for one in decoded if isinstance(decoded, list) else [decoded]:
        well_formed(one)
        assert one.get("error", {}).get("code") != -32603, (body, one)


def test_the_platforms_own_calls_use_the_same_door(chain):
    with pytest.raises(RpcError) as caught:
        chain.read("debug_traceTransaction", "0x00")
    assert caught.value.code == -32604


def test_a_batch_of_large_answers_is_cut_off(chain):
    """REVERT gives back 2.8 MB for less gas than the cap, and a batch may ask for it a thousand times."""
    large = {"data": "0x62" + (2_800_000).to_bytes(3, "big").hex() + "6000fd"}
    body = [{"jsonrpc": "2.0", "id": n, "method": "eth_call", "params": [large]} for n in range(8)]
    answer = chain.rpc(json.dumps(body).encode())
    assert len(answer) < 26_000_000
    codes = [element["error"]["code"] for element in json.loads(answer)]
    assert codes == [3, 3, 3, 3, -32005, -32005, -32005, -32005]
    assert chain.refusals.newest(1)[0].rule == "answer-size"


def test_a_body_has_a_time_limit_as_a_whole(chain):
    """Each call of a batch may take seconds: a thousand of them would hold a thread for hours."""
    gateway = Gateway(
        chain.spec,
        chain._node,
        chain._journal,
        chain._permissions,
        chain.refusals,
        reads=frozenset({"eth_call", "eth_blockNumber"}),
        on_accepted=lambda: None,
        body_seconds=0.3,
    )
    loop = {"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [{"data": "0x5b600056"}]}
    answers = json.loads(gateway.handle(json.dumps([loop] * 100).encode()))
    assert [answer["error"].get("data") for answer in answers][1:] == [
        {"rule": "time-limit", "seconds": 0.3}
    ] * 99


def test_a_fee_history_is_no_bomb(chain):
    """A body has room for a million percentiles, and each would be answered for each of 1,024 blocks."""
    assert len(ask(chain, "eth_feeHistory", "0x400", "latest", [1] * 100)["result"]["reward"][0]) == 100
    assert ask(chain, "eth_feeHistory", "0x400", "latest", [1] * 101)["error"]["code"] == -32602


def test_a_method_of_the_gateways_own_knows_who_asks(chain):
    """The administrator's endpoint answers what the public one does not, and a failing handler is no traceback."""

    def fail(_asker, _params):
        raise KeyError("a fault of ours")

    gateway = Gateway(
        chain.spec,
        chain._node,
        chain._journal,
        chain._permissions,
        chain.refusals,
        reads=frozenset(),
        on_accepted=lambda: None,
        own={"baas_fail": fail},
        admin={"evm_who": lambda asker, params: [asker.actor, *params]},
    )

    def answer(method, asker):
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": ["x"]}
        return json.loads(gateway.handle(json.dumps(body).encode(), asker))

    assert answer("evm_who", Asker(Endpoint.ADMIN, "clerk"))["result"] == ["clerk", "x"]
    assert answer("evm_who", Asker())["error"]["code"] == -32604
    assert answer("baas_fail", Asker())["error"] == {"code": -32603, "message": "Internal error"}


def test_a_lone_transaction_is_answered_with_its_receipt_there(chain, wallet):
    """ethers' wait() asks once for the receipt and then for the next block, which may never come."""
    chain.allow(wallet.address, "send")
    for _ in range(3):
        hash_ = ask(chain, "eth_sendRawTransaction", f"0x{wallet.next().hex()}")["result"]
        assert ask(chain, "eth_getTransactionReceipt", hash_)["result"] is not None


def batch(chain, *calls):
    """The results of one batch, in its order."""
    body = [
        {"jsonrpc": "2.0", "id": n, "method": method, "params": list(params)}
        for n, (method, *params) in enumerate(calls)
    ]
    return [answer["result"] for answer in json.loads(chain.rpc(json.dumps(body).encode()))]


def test_so_is_one_that_comes_with_reads(chain, wallet):
    """ethers sends each transaction together with a question for the newest block's number."""
    chain.allow(wallet.address, "send")
    for _ in range(3):
        number, hash_ = batch(
            chain, ["eth_blockNumber"], ["eth_sendRawTransaction", f"0x{wallet.next().hex()}"]
        )
        receipt = ask(chain, "eth_getTransactionReceipt", hash_)["result"]
        assert int(receipt["blockNumber"], 16) > int(number, 16)


def test_a_batch_without_a_receipt_does_not_tell_of_its_block(chain, wallet, monkeypatch):
    """A block comes between the batch's looks: who then waits for a number after the batch's must see one."""
    chain.allow(wallet.address, "send")
    hash_ = f"0x{keccak(raw := wallet.next()).hex()}"
    read = type(chain._node).read

    def then_a_block(node, method, params, *, time_limit):
        found = read(node, method, params, time_limit=time_limit)
        if method == "eth_getTransactionReceipt":
            monkeypatch.undo()
            chain.submit(raw)
            chain.wait(hash_)
        return found

    monkeypatch.setattr(type(chain._node), "read", then_a_block)
    receipt, number = batch(chain, ["eth_getTransactionReceipt", hash_], ["eth_blockNumber"])
    assert receipt is None
    mined = ask(chain, "eth_getTransactionReceipt", hash_)["result"]["blockNumber"]
    assert int(number, 16) < int(mined, 16)


def test_who_sends_without_waiting_is_not_held_up(chain, wallet):
    """With another of the sender's transactions waiting, the answer comes when the transaction is on disk."""
    chain.allow(wallet.address, "send")
    chain._sealer.stop()
    chain.submit(wallet.next())
    looked = chain._sealer.wait_for_change
    chain._sealer.wait_for_change = lambda seen, timeout: pytest.fail("it waited for a block")
    ask(chain, "eth_sendRawTransaction", f"0x{wallet.next().hex()}")
    chain._sealer.wait_for_change = looked
