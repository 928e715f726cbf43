"""The remote engine against a real JSON-RPC server: another chain of ours, served over HTTP."""

import pytest

from sandbox.chain import Chain
from sandbox.engines import SealingNode, engine
from sandbox.engines.remote import PROBES, endpoints
from sandbox.errors import ChainError, EngineUnavailable, RpcError, SpecError, TransactionDropped
from sandbox.spec import ChainSpec
from tests.far_endpoint import Answering, served

CHAIN_ID = 4711


@pytest.fixture
def far(tmp_path):
    """The chain that is there already; it lets one address send."""
    spec = ChainSpec(chain_id=CHAIN_ID, genesis_time=1_700_000_000, seal_after_ms=10)
    with Chain.create(tmp_path / "far", spec) as chain:
        yield chain


@pytest.fixture
def endpoint(far, tmp_path, monkeypatch):
    application = Answering(far)
    with served(application) as url:
        (tmp_path / "secret").write_text("Basic c2VjcmV0\n")
        file = tmp_path / "endpoints.toml"
        file.write_text(f'[lab]\nurl = "{url}"\nauthorization_file = "{tmp_path / "secret"}"\n')
        monkeypatch.setenv("BAAS_ENDPOINTS", str(file))
        application.url, application.file = url, file
        engine("remote")._offered.clear()
        yield application


def remote_spec(**fields):
    return ChainSpec(
        **{"chain_id": CHAIN_ID, "genesis_time": 0, "engine": "remote", "endpoint": "lab"} | fields
    )


@pytest.fixture
def near(endpoint, tmp_path):
    with Chain.create(tmp_path / "near", remote_spec()) as chain:
        yield chain


def allowed(far, near, label):
    address = near.accounts.create(label)
    for chain in (far, near):
        for act in ("send", "deploy"):
            chain.allow(address, act)
    return address


def test_a_transaction_through_both_gateways(far, near, endpoint):
    address = allowed(far, near, "clerk")
    receipt = near.wait(near.send("clerk", to=address))
    assert receipt["status"] == "0x1"
    assert near.head() == far.head()
    assert near.genesis_hash == far.genesis_hash
    assert set(endpoint.seen) == {"Basic c2VjcmV0"}


def test_our_own_rules_come_first(near):
    near.accounts.create("stranger")
    with pytest.raises(RpcError) as caught:
        near.send("stranger", to="0x" + "11" * 20)
    assert caught.value.code == -32007


def test_what_the_endpoint_refuses_is_dropped_in_its_words(far, near):
    address = near.accounts.create("clerk")
    near.allow(address, "send")  # and the far gateway does not
    with pytest.raises(TransactionDropped, match="the endpoint refused it: Sender account not authorized"):
        near.wait(near.send("clerk", to=address))


def test_an_answer_lost_on_the_way_loses_nothing(far, near, endpoint):
    address = allowed(far, near, "clerk")
    endpoint.lost = 1
    hash_ = near.send("clerk", to=address)
    assert near.wait(hash_, timeout=60)["transactionHash"] == hash_
    assert int(far.read("eth_getTransactionCount", address, "latest"), 16) == 1


def test_what_waits_outlives_the_process(far, endpoint, tmp_path):
    with Chain.create(tmp_path / "again", remote_spec()) as near:
        address = allowed(far, near, "clerk")
        raw = near.prepare("clerk", to=address)
        near._sealer.stop()
        hash_ = near.submit(raw)
    with Chain.open(tmp_path / "again") as near:
        assert near.wait(hash_)["status"] == "0x1"


def test_only_what_the_endpoint_answers_is_offered(endpoint, tmp_path):
    endpoint.absent = {"eth_feeHistory", "eth_getBlockReceipts"}
    with Chain.create(tmp_path / "near", remote_spec()) as near:
        for method in endpoint.absent:
            with pytest.raises(RpcError) as caught:
                near.read(method, *PROBES[method])
            assert caught.value.code == -32604
        assert near.read("eth_gasPrice") == "0x0"  # asked for, not assumed
        assert not isinstance(near._node, SealingNode)
        with pytest.raises(RpcError):
            near.read("evm_snapshot")


def test_no_evidence_of_blocks_that_we_do_not_make(far, near):
    address = allowed(far, near, "clerk")
    near.wait(near.send("clerk", to=address))
    assert not near.seals
    with pytest.raises(ChainError, match="not made by this platform"):
        near.sealer_note(1)


def test_another_chain_behind_the_same_name_is_refused(far, near, endpoint, tmp_path):
    near.close()
    other = ChainSpec(chain_id=CHAIN_ID, genesis_time=1_800_000_000)
    with Chain.create(tmp_path / "other", other) as swapped:
        endpoint.chain = swapped
        with pytest.raises(SpecError, match="is another chain now"):
            Chain.open(tmp_path / "near")


def test_the_wrong_chain_id_leaves_nothing(endpoint, tmp_path):
    with pytest.raises(SpecError, match="has chain id 4711, the spec says 5"):
        Chain.create(tmp_path / "wrong", remote_spec(chain_id=5))
    assert not list(tmp_path.glob("*wrong*"))


def test_an_endpoint_that_is_down_says_so_and_nothing_of_its_address(endpoint, tmp_path):
    endpoint.file.write_text('[lab]\nurl = "http://127.0.0.1:9/rpc"\n')
    with pytest.raises(EngineUnavailable, match="endpoint 'lab' cannot be reached") as caught:
        Chain.create(tmp_path / "near", remote_spec())
    assert "127.0.0.1" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("lab = 1", "expected a table"),
        ("[Lab]\nurl='http://a'", "expected a table whose name"),
        ("[lab]", "url is http or https"),
        ("[lab]\nurl='file:///etc/passwd'", "url is http or https"),
        ("[lab]\nurl='https://user:word@host/'", "without a user name or a password"),
        ("[lab]\nurl='https://host/'\ncolour='red'", "got colour"),
        ("[lab]\nurl='https://host/'\nauthorization_file='/nowhere/at/all'", "cannot be read"),
        ("[lab", "expected a TOML file"),
    ],
)
def test_a_file_of_endpoints_that_cannot_be_used_is_refused(tmp_path, text, says):
    (tmp_path / "endpoints.toml").write_text(text)
    with pytest.raises(SpecError, match=says):
        endpoints(tmp_path / "endpoints.toml")


def test_without_a_file_there_is_no_endpoint(monkeypatch, tmp_path):
    monkeypatch.delenv("BAAS_ENDPOINTS", raising=False)
    with pytest.raises(SpecError, match=r"no endpoint 'lab'.*there are: none"):
        Chain.create(tmp_path / "near", remote_spec())
