"""The methods that pass: by exact name only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import RpcError
from sandbox.gateway.endpoints import Asker, Endpoint
from sandbox.gateway.methods import METHODS, Kind, MethodTable

ALL = frozenset(METHODS)
ANYBODY = Asker()


def handler(_asker, params):
    return params


def kind_of(name, asker=ANYBODY, reads=ALL, own=None, admin=None):
    return MethodTable(reads, own or {}, admin or {}).kind_of(name, asker)


#: What wallets and tools call when they connect.
WALLETS = [
    "eth_chainId", "net_version", "eth_blockNumber", "eth_getBalance", "eth_getBlockByNumber", "eth_getCode",
    "eth_gasPrice", "eth_feeHistory", "eth_estimateGas", "eth_getTransactionCount", "eth_call",
    "eth_sendRawTransaction", "eth_getTransactionReceipt", "eth_getTransactionByHash", "web3_clientVersion",
    "eth_maxPriorityFeePerGas", "eth_getLogs", "eth_getBlockByHash", "eth_accounts", "eth_syncing",
]  # fmt: skip

DANGEROUS = [
    "eth_sendTransaction", "eth_sendUnsignedTransaction", "eth_sign", "eth_signTransaction",
    "eth_signTypedData_v4", "personal_unlockAccount", "personal_sign", "anvil_setBalance",
    "anvil_impersonateAccount", "hardhat_setCode", "evm_mine", "evm_revert", "evm_setNextBlockTimestamp",
    "debug_traceTransaction", "admin_addPeer", "miner_start", "txpool_content", "engine_newPayloadV4",
    "perm_addAccountsToAllowlist", "clique_propose",
]  # fmt: skip


@pytest.mark.parametrize("name", WALLETS)
def test_what_wallets_call_is_there(name):
    assert kind_of(name) in Kind


@pytest.mark.parametrize("name", DANGEROUS)
@pytest.mark.parametrize("disguise", [str, str.upper, str.title, lambda n: f" {n}", lambda n: f"{n}\n"])
def test_the_dangerous_are_not_enabled(name, disguise):
    with pytest.raises(RpcError) as caught:
        kind_of(disguise(name))
    assert (caught.value.code, caught.value.message) == (-32604, "Method not enabled")


@pytest.mark.parametrize(
    "name", ["", "eth_", "eth_getproof", "foo", "eth_subscribe", "rpc.discover", "eth_chainId\x00"]
)
def test_the_unknown_are_not_found(name):
    with pytest.raises(RpcError) as caught:
        kind_of(name)
    assert (caught.value.code, caught.value.message) == (-32601, "Method not found")


@pytest.mark.parametrize(
    "disguise", [str.upper, str.lower, lambda n: f" {n}", lambda n: f"{n} ", lambda n: f"{n}\t"]
)
def test_only_the_exact_name_passes(disguise):
    for name in METHODS:
        if disguise(name) != name:
            with pytest.raises(RpcError):
                kind_of(disguise(name))


def test_a_read_that_this_engine_does_not_answer_is_not_enabled():
    assert kind_of("eth_chainId", reads=frozenset()) is Kind.CONSTANT
    with pytest.raises(RpcError) as caught:
        kind_of("eth_getLogs", reads=frozenset())
    assert caught.value.code == -32604


@given(st.text())
def test_nothing_else_passes(name):
    if name not in METHODS:
        with pytest.raises(RpcError):
            kind_of(name)


def test_the_gateways_own_methods_answer_on_every_endpoint():
    for asker in map(Asker, Endpoint):
        assert kind_of("baas_own", asker, own={"baas_own": handler}) is Kind.OWN


@pytest.mark.parametrize("disguise", [str, str.upper, str.title, lambda n: f" {n}", lambda n: f"{n}\n"])
@pytest.mark.parametrize("name", ["evm_snapshot", "perm_getAccountsAllowlist"])
def test_an_administrators_method_is_not_enabled_on_the_public_endpoint(name, disguise):
    with pytest.raises(RpcError) as caught:
        kind_of(disguise(name), admin={name: handler})
    assert caught.value.code == -32604


def test_an_administrators_method_answers_by_its_exact_name_on_the_other_endpoints():
    for endpoint in (Endpoint.ADMIN, Endpoint.PLATFORM):
        assert kind_of("evm_snapshot", Asker(endpoint), admin={"evm_snapshot": handler}) is Kind.OWN
        with pytest.raises(RpcError):
            kind_of("EVM_snapshot", Asker(endpoint), admin={"evm_snapshot": handler})
