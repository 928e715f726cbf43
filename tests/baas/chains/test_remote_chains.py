"""A chain of somebody else's as one of an administration's chains."""

import hashlib

import pytest

from sandbox.chain import Chain
from sandbox.errors import EngineUnavailable
from sandbox.spec import ChainSpec
from tests.baas.flows import ok
from tests.far_endpoint import Answering, served

CODE, OTHER = "9999990001", "9999990002"


@pytest.fixture
def far(tmp_path, monkeypatch):
    spec = ChainSpec(chain_id=4711, genesis_time=1_700_000_000, seal_after_ms=10)
    with Chain.create(tmp_path / "far", spec) as chain, served(Answering(chain)) as url:
        file = tmp_path / "endpoints.toml"
        file.write_text(f'[lab]\nurl = "{url}"\n')
        monkeypatch.setenv("BAAS_ENDPOINTS", str(file))
        yield chain


@pytest.fixture
def member(server):
    server.administration(CODE)
    return server.as_member(CODE, "admin", "developer")


def adopt(client, code=CODE, **more):
    body = {"administration": code, "label": "xarxa", "engine": "remote", "endpoint": "lab"} | more
    return client.post("/chains", json=body)


def test_a_template_on_somebody_elses_chain(far, member):
    chain = ok(adopt(member), 201)
    assert (chain["chain_id"], chain["engine"]) == (4711, "remote")
    (account,) = (
        each
        for each in ok(member.get(f"/chains/{chain['id']}/accounts"))["items"]
        if each["label"] == "anchoring"
    )
    for act in ("send", "deploy"):
        far.allow(account["address"], act)
    made = ok(member.post(f"/chains/{chain['id']}/deployments", json={"template": "document-notary"}), 201)
    assert far.read("eth_getCode", made["address"], "latest") != "0x"


def test_what_would_need_our_blocks_is_refused_and_says_why(far, member):
    chain = ok(adopt(member), 201)
    (account,) = (
        each
        for each in ok(member.get(f"/chains/{chain['id']}/accounts"))["items"]
        if each["label"] == "anchoring"
    )
    for act in ("send", "deploy"):
        far.allow(account["address"], act)
    ok(member.post(f"/chains/{chain['id']}/deployments", json={"template": "document-notary"}), 201)
    digest = hashlib.sha256(b"acta").hexdigest()
    body = {"administration": CODE, "documents": [{"algorithm": "sha-256", "digest": digest}]}
    refused = member.post("/notarisations", json=body)
    assert refused.status_code == 409
    assert "a chain whose blocks this platform makes" in refused.json()["detail"]


def test_one_administration_has_it_and_its_id_is_never_used_again(far, server, member):
    chain = ok(adopt(member), 201)
    server.administration(OTHER)
    other = server.as_member(OTHER, "admin", "developer")
    assert adopt(other, OTHER).status_code == 409
    assert member.delete(f"/chains/{chain['id']}").status_code == 204
    assert adopt(member).status_code == 409


def test_an_adoption_that_failed_can_be_tried_again(far, server, member, monkeypatch):
    def failing(*_, **__):
        raise EngineUnavailable("not now")

    for broken in ((server.services.fleet, "create"), (server.services.chains, "require_room")):
        with monkeypatch.context() as patch:
            patch.setattr(*broken, failing)
            assert adopt(member).status_code == 503
    ok(adopt(member), 201)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"endpoint": ""}, "takes an endpoint's name"),
        ({"endpoint": "nowhere"}, "there are: lab"),
        ({"engine": "embedded"}, "takes no endpoint"),
        ({"endpoint": "http://127.0.0.1:1/"}, "no endpoint"),
    ],
)
def test_nobody_but_the_operator_chooses_an_address(far, member, more, says):
    refused = adopt(member, **more)
    assert refused.status_code == 422, refused.text
    assert says in refused.json()["detail"]
