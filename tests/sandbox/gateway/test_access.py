"""`baas_explain` and requests for access: what is explained is what is done."""

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.access_records import MOST_OPEN, MOST_TEXT, RequestState
from sandbox.chain import Chain
from sandbox.errors import AccessRequestError, RpcError
from sandbox.evidence.keccak import keccak
from sandbox.gateway import Asker
from sandbox.gateway.rules import ORDER
from sandbox.permissions import ActKind, Permission
from tests.sandbox.conftest import Wallet

TARGETS = ["0x" + "11" * 20, "0x" + "22" * 20]
FUNCTIONS = ["11223344", "a9059cbb"]


def ask(chain, method, *params, actor="member-1"):
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
    answer = json.loads(chain.rpc(json.dumps(body).encode(), Asker(actor=actor)))
    if "error" in answer:
        raise RpcError(answer["error"]["code"], answer["error"]["message"], answer["error"].get("data"))
    return answer["result"]


@st.composite
def narrowed(draw):
    kind = draw(st.sampled_from(ActKind))
    if kind is ActKind.DEPLOY:
        return kind, {"max_value": draw(st.none() | st.integers(0, 1)), "expires": draw(EXPIRES)}
    return kind, {
        "target": draw(st.none() | st.sampled_from(TARGETS)),
        "selector": draw(st.none() | st.sampled_from(FUNCTIONS).map(bytes.fromhex)),
        "max_value": draw(st.none() | st.integers(0, 1)),
        "expires": draw(EXPIRES),
    }


def _address(text):
    return None if text is None else bytes.fromhex(text.removeprefix("0x")) if isinstance(text, str) else text


EXPIRES = st.sampled_from([None, 1, 2**40 - 1])
transactions = st.fixed_dictionaries(
    {
        "to": st.sampled_from([*TARGETS, b""]),
        "data": st.sampled_from(
            [b"", b"\x11\x22\x33", *(bytes.fromhex(each) + b"\x00" for each in FUNCTIONS)]
        ),
        "value": st.integers(0, 2),
        "nonce": st.integers(0, 2),
        "gas": st.sampled_from([20_000, 100_000, 2**24 + 1]),
        "chainId": st.sampled_from([4242, 4242, 4242, 4243, None]),
    }
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=150)
@given(st.lists(narrowed(), max_size=3), transactions, st.booleans())
def test_what_is_explained_is_what_is_done(chain, held, fields, suspended):
    """For any permissions and any transaction: the dry run's rule is the one that the real thing meets."""
    wallet = Wallet(0x46)
    for each in chain.permissions():
        chain.withdraw(each.id)
    address = bytes.fromhex(wallet.address[2:])
    for kind, narrowing in held:  # as they are after a while: some have expired by now
        target = _address(narrowing.get("target"))
        chain._permissions.add([Permission(address, kind, **{**narrowing, "target": target})], "test")
    chain._permissions_changed()
    chain.suspend(suspended)
    raw = wallet.sign(**fields)
    told = ask(chain, "baas_explain", f"0x{raw.hex()}")
    unsigned = ask(
        chain,
        "baas_explain",
        {
            "from": wallet.address, "to": fields["to"] or None, "data": f"0x{fields['data'].hex()}",
            "value": hex(fields["value"]), "gas": hex(fields["gas"]), "nonce": hex(fields["nonce"]),
        },
    )  # fmt: skip
    try:
        chain.submit(raw)
        rule, data = None, {}
    except RpcError as error:
        rule, data = error.data["rule"], error.data
        assert (told["code"], told["message"]) == (error.code, error.message)
    assert told["allowed"] == (rule is None)
    if rule is not None:
        assert (told["rule"], told["how_to_ask"]) == (rule, data.get("how_to_ask"))
        assert told["permission"] == data.get("permission")
    if rule != "eip-155":  # what has no signature has no chain id that could be wrong
        assert (unsigned["allowed"], unsigned["rule"]) == (told["allowed"], told["rule"])
    for each in (told, unsigned):
        outcomes = [check["outcome"] for check in each["checks"]]
        rules = [check["rule"] for check in each["checks"]]
        assert rules == sorted(rules, key=ORDER.index)
        if each["allowed"]:
            assert set(outcomes) == {"passed"}
        else:
            broken = rules.index(each["rule"])
            assert outcomes == ["passed"] * broken + ["failed"] + ["not reached"] * (len(rules) - broken - 1)
    if rule is None:  # its nonce is used up now: the next example begins where this one did
        chain._gateway.admission.forget_nonces()
        chain._journal.drop([(keccak(raw), "a test's")], 0)


@pytest.fixture
def spec(spec):
    return replace(
        spec, seal_after_ms=10_000_000, seal_after_transactions=1_000
    )  # a dry run sees no block come


def test_a_dry_run_leaves_nothing_behind(chain, wallet):
    ask(chain, "baas_explain", {"from": wallet.address, "to": TARGETS[0]})
    ask(chain, "baas_explain", f"0x{wallet.sign().hex()}")
    assert chain.refusals.newest() == []
    assert chain._journal.pending_count() == 0


def test_what_is_no_transaction_is_explained_or_refused(chain, wallet):
    told = ask(chain, "baas_explain", "0x")
    assert (told["rule"], told["subject"], told["checks"][0]) == (
        "transaction-format", None, {"rule": "transaction-type", "outcome": "passed"},
    )  # fmt: skip
    for wrong in ([], [1], ["0xf"], [{}], [{"from": "0x1"}], [{"from": wallet.address, "tos": TARGETS[0]}],
                  [{"from": wallet.address, "data": "0x", "input": "0x00"}], [{"from": wallet.address}, 1]):  # fmt: skip
        with pytest.raises(RpcError) as caught:
            ask(chain, "baas_explain", *wrong)
        assert caught.value.code == -32602, wrong


def test_a_refused_sender_asks_and_an_administrator_gives_less(chain, wallet):
    told = []
    chain.on_act = lambda asker, act, detail: told.append((asker.actor, act, detail["id"]))
    wanted = {"address": wallet.address, "target": TARGETS[0], "message": "per a la prova pilot"}
    made = ask(chain, "baas_requestAccess", wanted)
    assert (made["state"], made["actor"], made["act"]) == ("open", "member-1", "send")
    assert told == [("member-1", "access.request", made["id"])]
    with pytest.raises(RpcError) as again:
        ask(chain, "baas_requestAccess", {**wanted, "message": "si us plau"})
    assert again.value.code == -32000
    asked = chain.access_request(made["id"]).wanted
    for wider in (
        replace(asked, target=None), replace(asked, target=b"\x22" * 20), Permission(asked.address, ActKind.DEPLOY),
        replace(asked, address=b"\x22" * 20),
    ):  # fmt: skip
        with pytest.raises(AccessRequestError, match="narrower"):
            chain.accept_request(made["id"], permission=wider, actor="admin-1")
    given = replace(asked, selector=bytes.fromhex(FUNCTIONS[0]), max_value=0, expires=2**40 - 1)
    decided = chain.accept_request(made["id"], permission=given, actor="admin-1")
    (held,) = chain.permissions()
    assert held == replace(given, id=decided.permission)
    seen = ask(chain, "baas_accessRequest", made["id"])
    assert (seen["state"], seen["permission"]) == ("accepted", held.id)
    assert chain.submit(wallet.next(to=TARGETS[0], data=bytes.fromhex(FUNCTIONS[0])))
    with pytest.raises(AccessRequestError, match="accepted already"):
        chain.reject_request(made["id"], "massa tard", actor="admin-1")


def test_a_rejection_says_why_and_the_same_may_be_asked_again(chain, wallet):
    wanted = {"address": wallet.address, "act": "deploy", "max_value": "0"}
    made = ask(chain, "baas_requestAccess", wanted)
    with pytest.raises(AccessRequestError, match="reason"):
        chain.reject_request(made["id"], "  ", actor="admin-1")
    chain.reject_request(made["id"], "no cal", actor="admin-1")
    assert ask(chain, "baas_accessRequest", made["id"])["reason"] == "no cal"
    assert chain.permissions() == []
    assert ask(chain, "baas_requestAccess", wanted)["id"] > made["id"]


def test_what_somebody_can_leave_here_is_bounded(chain):
    with pytest.raises(RpcError):
        ask(chain, "baas_requestAccess", {"address": TARGETS[0], "message": "x" * (MOST_TEXT + 1)})
    for number in range(MOST_OPEN):
        ask(chain, "baas_requestAccess", {"address": TARGETS[0], "max_value": number})
    with pytest.raises(RpcError) as caught:
        ask(chain, "baas_requestAccess", {"address": TARGETS[1]})
    assert "directly" in caught.value.data["detail"]
    assert len(chain.access_requests(limit=1_000, state=RequestState.OPEN)) == MOST_OPEN


@pytest.mark.parametrize(
    "wrong",
    [
        {}, {"address": "0x12"}, {"address": TARGETS[0], "act": "own"}, {"address": TARGETS[0], "role": "admin"},
        {"address": TARGETS[0], "targets": TARGETS[1]}, {"address": TARGETS[0], "selector": "f(uint)"},
        {"address": TARGETS[0], "max_value": -1}, {"address": TARGETS[0], "expires": 2**40},
        {"address": TARGETS[0], "act": "deploy", "target": TARGETS[1]}, {"address": TARGETS[0], "message": 1}, [], 1,
    ],
)  # fmt: skip
def test_what_cannot_be_asked_for(chain, wrong):
    with pytest.raises(RpcError) as caught:
        ask(chain, "baas_requestAccess", wrong)
    assert caught.value.code == -32602
    assert chain.access_requests() == []


def test_requests_are_there_when_the_chain_is_opened_again(tmp_path, spec):
    with Chain.create(tmp_path / "chain", spec) as chain:
        made = ask(chain, "baas_requestAccess", {"address": TARGETS[0], "selector": "notarise(bytes32)"})
    with Chain.open(tmp_path / "chain") as chain:
        assert ask(chain, "baas_accessRequest", made["id"]) == made
