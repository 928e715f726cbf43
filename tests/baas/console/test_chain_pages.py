"""The pages of one chain over real HTTP: its life, who may, its accounts, its addresses; and mistakes made on purpose."""

from __future__ import annotations

import re
import secrets
from typing import Any

import httpx2
import pytest
from eth_utils.address import to_checksum_address

from baas.tenancy import Role
from tests.baas.console.person import Person, words
from tests.baas.console.town import CODE, Town, made, problem
from tests.baas.flows import ok, until

STRANGER, FRIEND = "0x" + "99" * 20, "0x" + "77" * 20


# -- its life ---------------------------------------------------------------------------------------------


def test_a_chain_says_when_it_sleeps_and_when_it_ends(town: Town, clock: Any) -> None:
    page = words(town.developer.get(town.base))
    assert "en marxa" in page
    assert "s'adorm d'aquí a 15 minuts" in page
    assert "d'aquí a 90 dies" in page
    assert "s'adorm d'aquí a 15 minuts" in words(town.developer.get("/console/chains"))


def test_looking_at_a_chain_does_not_wake_it(town: Town) -> None:
    services = town.server.services
    asleep = made(town, "adormida")
    services.chains.awake(asleep).settle()
    until(lambda: services.fleet.hibernate(asleep))  # once the request that made it has let go of it
    page = words(town.auditor.get(f"/console/chains/{asleep}"))
    assert "adormida; es desperta quan s'hi accedeix" in page
    assert "Dorm i no gasta res" in page
    assert services.fleet.awake(asleep) is None
    assert "en marxa" in words(town.auditor.get(f"/console/chains/{asleep}/accounts"))


def test_only_an_admin_gives_a_chain_more_time_and_a_wrong_number_is_told(town: Town) -> None:
    assert "/extend" not in town.developer.get(town.base).text
    assert town.developer.post(f"{town.base}/extend", days="120").status_code == 403
    for wrong in ("", "0", "-1", "1000", "1", "x", "1.5", "999999999"):
        answer = town.admin.post(f"{town.base}/extend", days=wrong)
        assert (answer.status_code, problem(answer)[:33]) == (422, "Aquest nombre de dies no serveix."), wrong
    assert town.admin.post(f"{town.base}/extend", days="120").status_code == 303
    assert "d'aquí a 120 dies" in words(town.admin.get(town.base))


def test_a_stopped_chains_pages_say_so_and_start_it(town: Town) -> None:
    chain = made(town, "aturada")
    base = f"/console/chains/{chain}"
    assert town.developer.post(f"{base}/stop").status_code == 303
    assert "Està aturada" in words(town.developer.get(base))
    for page in ("permissions", "accounts"):
        answer = town.developer.get(f"{base}/{page}")
        assert answer.status_code == 409
        assert "La cadena està aturada i no respon" in words(answer)
        assert f"{base}/start" in answer.text
        assert f"{base}/start" not in town.auditor.get(f"{base}/{page}").text
    assert "aturada: engegueu-la abans" in words(town.developer.post(f"{base}/accounts", label="nou"))
    assert town.developer.get(f"{base}/connect").status_code == 200
    assert town.developer.post(f"{base}/start").status_code == 303
    assert "en marxa" in words(town.developer.get(base))


def test_a_chain_is_deleted_by_typing_its_name_and_its_page_says_where_its_evidence_is(town: Town) -> None:
    chain = made(town, "per-esborrar")
    base = f"/console/chains/{chain}"
    for wrong in ("", "per-esborra", "PER-ESBORRAR", chain):
        answer = town.developer.post(f"{base}/delete", confirm=wrong)
        assert (answer.status_code, problem(answer)[:23]) == (422, "No s'ha esborrat res: e")
    assert town.auditor.post(f"{base}/delete", confirm="per-esborrar").status_code == 403
    number = ok(town.api.get(f"/chains/{chain}"))["chain_id"]
    gone = town.developer.post(f"{base}/delete", confirm="per-esborrar")
    assert gone.status_code == 303
    for name in (chain, str(number)):
        page = town.auditor.get(f"/console/chains/{name}")
        assert page.status_code == 410
        assert "La cadena per-esborrar es va esborrar" in words(page)
        assert str(number) in page.text
        assert "/console/notarisations" in page.text
        assert f"/api/v1/notarisations?administration={CODE}" in page.text
    for page in ("permissions", "accounts", "connect", "blocks"):
        answer = town.developer.get(f"{base}/{page}")
        assert answer.status_code == 410
        assert "es va esborrar" in words(answer)


def test_a_name_used_twice_and_an_engine_that_is_not_here_are_told(town: Town, monkeypatch: Any) -> None:
    answer = town.developer.post("/console/chains", administration=CODE, label="decrets", engine="embedded")
    assert (answer.status_code, problem(answer)) == (
        409,
        "El vostre ens ja té una cadena que es diu «decrets». Trieu un altre nom.",
    )
    assert 'value="decrets"' in answer.text
    monkeypatch.delenv("BAAS_ENDPOINTS", raising=False)
    for engine in ("nothing", "remote"):
        answer = town.developer.post("/console/chains", administration=CODE, label="nova", engine=engine)
        assert (answer.status_code, problem(answer)) == (
            422,
            "Aquest motor no està instal·lat aquí. Trieu-ne un altre.",
        )


def test_a_network_elsewhere_that_does_not_answer_is_told(
    town: Town, monkeypatch: Any, tmp_path: Any
) -> None:
    named = tmp_path / "endpoints.toml"
    named.write_text('[besu-lab]\nurl = "http://127.0.0.1:9"\n')
    monkeypatch.setenv("BAAS_ENDPOINTS", str(named))
    assert "besu-lab" in town.developer.get("/console/chains").text
    for endpoint in ("besu-lab", "nowhere"):
        answer = town.developer.post(
            "/console/chains", administration=CODE, label="externa", engine="remote", endpoint=endpoint
        )
        assert (answer.status_code, problem(answer)[:30]) == (409, "Aquesta xarxa externa no exist")


def test_the_faucet_is_as_it_was_asked_for(town: Town) -> None:
    for given, has in (({"faucet": "yes"}, True), ({}, False)):
        answer = town.developer.post(
            "/console/chains", administration=CODE, label=f"aixeta-{has}".lower(), engine="embedded", **given
        )
        page = town.developer.get(f"{answer.headers['location']}/accounts")
        assert ("Dona ether de prova" in words(page)) is has


def test_what_the_administration_may_use_is_on_the_list(town: Town) -> None:
    page = words(town.auditor.get("/console/chains"))
    assert re.search(r"\d+ de 20 ", page)
    assert "fins a 2.000" in page
    assert re.search(r"de 2\.147 MB", page)


# -- permissions --------------------------------------------------------------------------------------------


def test_a_permission_is_given_narrowed_seen_and_taken_away(town: Town) -> None:
    answer = town.developer.post(
        f"{town.base}/permissions",
        address=STRANGER,
        act="send",
        role="enabled",
        target=FRIEND,
        selector="notarise(bytes32)",
        max_value="1000",
        until="2099-12-31",
    )
    assert answer.status_code == 303, words(answer)
    page = town.developer.get(f"{town.base}/permissions")
    (number,) = {
        each["id"]
        for each in ok(town.api.get(f"/chains/{town.chain}/permissions"))["items"]
        if each["address"] == to_checksum_address(STRANGER)
    }
    for shown in (
        to_checksum_address(STRANGER),
        to_checksum_address(FRIEND),
        "0x",
        "1000",
        "01/01/2100, 00:00:00",
    ):
        assert shown in page.text
    assert f"/permissions/{number}/withdraw" in page.text
    assert "/withdraw" not in town.auditor.get(f"{town.base}/permissions").text
    assert town.auditor.post(f"{town.base}/permissions/{number}/withdraw").status_code == 403
    assert town.developer.post(f"{town.base}/permissions/{number}/withdraw").status_code == 303
    again = town.developer.post(f"{town.base}/permissions/{number}/withdraw")
    assert (again.status_code, problem(again)[:25]) == (404, "Aquest permís ja no hi és")
    assert town.developer.post(f"{town.base}/permissions/x/withdraw").status_code == 422


def test_a_developer_gives_no_managers(town: Town) -> None:
    assert 'value="manager"' not in town.developer.get(f"{town.base}/permissions").text
    given = {"address": FRIEND, "act": "send", "role": "manager"}
    assert town.developer.post(f"{town.base}/permissions", **given).status_code == 403
    assert town.admin.post(f"{town.base}/permissions", **given).status_code == 303
    assert "gestora" in words(town.developer.get(f"{town.base}/permissions"))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"address": "0x12"}, "Això no és una adreça"),
        ({"address": ""}, "Això no és una adreça"),
        ({"address": "0x" + "00" * 20}, "El permís es contradiu"),
        ({"address": "0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"[:-1] + "D"}, "té algun error"),
        ({"act": "read"}, "Trieu què pot fer"),
        ({"role": "king"}, "Aquest paper no existeix"),
        ({"target": "nowhere"}, "La destinació no és una adreça"),
        ({"selector": "notarise"}, "La funció no s'entén"),
        ({"max_value": "1,5"}, "L'import ha de ser un nombre enter"),
        ({"max_value": "9" * 78}, "El permís es contradiu"),
        ({"until": "demà"}, "La data no s'entén"),
        ({"until": "2001-01-01"}, "Aquesta data ja ha passat"),
        ({"until": "9999-12-31"}, "La data no s'entén"),
        ({"act": "deploy", "target": FRIEND}, "Un permís per desplegar no es pot limitar"),
    ],
)
def test_a_mistake_in_a_permission_is_told_in_words(town: Town, changed: dict[str, str], said: str) -> None:
    answer = town.admin.post(
        f"{town.base}/permissions", **({"address": STRANGER, "act": "send", "role": "enabled"} | changed)
    )
    assert answer.status_code == 422
    assert said in problem(answer)


def test_who_is_refused_learns_why_asks_and_is_let_in(town: Town) -> None:
    sender = to_checksum_address("0x" + secrets.token_hex(20))
    query = {"from": sender, "to": FRIEND, "value": "5"}
    refused = town.auditor.get(f"{town.base}/permissions", params=query)
    assert "No: la cadena ho rebutjaria" in words(refused)
    assert "Aquesta adreça no té permís per enviar transaccions." in words(refused)

    asked = town.auditor.post(f"{town.base}/requests", address=sender, act="send", message="Prova <b>1</b>")
    assert asked.status_code == 303
    again = town.auditor.post(f"{town.base}/requests", address=sender, act="send", message="")
    assert "potser ja hi ha una sol·licitud igual" in problem(again)
    page = town.admin.get(f"{town.base}/permissions")
    assert "Prova &lt;b&gt;1&lt;/b&gt;" in page.text
    (number,) = re.findall(r"/requests/(\d+)/accept", page.text)
    assert "/accept" not in town.developer.get(f"{town.base}/permissions").text
    assert town.developer.post(f"{town.base}/requests/{number}/accept").status_code == 403

    # less than was asked for: only to one contract, and no value
    accepted = town.admin.post(f"{town.base}/requests/{number}/accept", target=FRIEND, max_value="0")
    assert accepted.status_code == 303, words(accepted)
    late = town.admin.post(f"{town.base}/requests/{number}/reject", reason="massa tard")
    assert "potser ja ho ha fet algú altre" in problem(late)
    refused = words(town.auditor.get(f"{town.base}/permissions", params=query))
    assert "L'import supera el que aquesta adreça pot enviar." in refused
    assert "acceptada" in refused
    allowed = words(town.auditor.get(f"{town.base}/permissions", params=query | {"value": ""}))
    assert "Sí: la cadena ho acceptaria" in allowed
    assert "li falta el permís de desplegar" in allowed


def test_a_request_is_rejected_with_a_reason(town: Town) -> None:
    sender = "0x" + secrets.token_hex(20)
    assert town.auditor.post(f"{town.base}/requests", address=sender, act="deploy").status_code == 303
    page = town.admin.get(f"{town.base}/permissions").text
    (number,) = re.findall(r"/requests/(\d+)/reject", page)
    for reason, said in (("", "Digueu per què es rebutja"), ("x" * 501, "massa llarg")):
        assert said in problem(town.admin.post(f"{town.base}/requests/{number}/reject", reason=reason))
    assert town.admin.post(f"{town.base}/requests/{number}/reject", reason="Encara no.").status_code == 303
    page = words(town.auditor.get(f"{town.base}/permissions"))
    assert "rebutjada" in page
    assert "Encara no." in page


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"from": "0x12"}, "Digueu des de quina adreça"),
        ({"to": FRIEND}, "Digueu des de quina adreça"),
        ({"from": STRANGER, "to": "x"}, "La destinació no és una adreça"),
        ({"from": STRANGER, "data": "0x123"}, "un nombre parell de xifres"),
        ({"from": STRANGER, "to": FRIEND, "value": "-1"}, "nombre enter de wei"),
        ({"from": STRANGER, "to": FRIEND, "value": "9" * 78}, "no es pot fer cap transacció"),
    ],
)
def test_a_mistake_in_a_question_is_told_in_words(town: Town, query: dict[str, str], said: str) -> None:
    answer = town.auditor.get(f"{town.base}/permissions", params=query)
    assert answer.status_code == 422
    assert said in problem(answer)


def test_refusals_are_summed_up_by_rule(town: Town) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "debug_traceCall", "params": []}
    for _ in range(3):
        town.server.services.chains.awake(town.chain).rpc(str(body).replace("'", '"').encode())
    page = words(town.auditor.get(f"{town.base}/permissions"))
    assert "La crida no existeix o no està permesa." in page


# -- accounts -------------------------------------------------------------------------------------------------


def test_an_account_is_made_once_and_given_test_ether(town: Town) -> None:
    base = f"{town.base}/accounts"
    assert town.auditor.post(base, label="nou").status_code == 403
    assert town.developer.post(base, label="nou").status_code == 303
    assert "Ja hi ha un compte que es diu «nou»" in problem(town.developer.post(base, label="nou"))
    assert "Aquest nom no serveix" in problem(town.developer.post(base, label="Nou compte"))
    listed = ok(town.api.get(f"/chains/{town.chain}/accounts"))["items"]
    address = next(each["address"] for each in listed if each["label"] == "nou")
    assert address in town.auditor.get(base).text
    for ether in ("0", "1001", "molt", "1e3", "-1"):
        assert "La quantitat ha de ser" in problem(
            town.developer.post(f"{town.base}/faucet", address=address, ether=ether)
        )
    assert "Això no és una adreça" in problem(
        town.developer.post(f"{town.base}/faucet", address="nou", ether="1")
    )
    given = town.developer.post(f"{town.base}/faucet", address=address, ether="1,5")
    assert "S'han donat 1.5 ether de prova" in words(given)
    chain = town.server.services.chains.awake(town.chain)
    assert int(chain.read("eth_getBalance", address, "latest"), 16) == 15 * 10**17
    notary = ok(
        town.api.post(f"/chains/{town.chain}/deployments", json={"template": "document-notary"}), 201
    )["address"]
    assert "no accepta que li enviïn ether" in problem(
        town.developer.post(f"{town.base}/faucet", address=notary, ether="1")
    )


# -- addresses to connect to ----------------------------------------------------------------------------------


def test_a_wallets_address_is_shown_once_opens_the_chain_and_no_other_door(town: Town) -> None:
    answer = town.developer.post(f"{town.base}/connect", label="MetaMask", days="7", endpoint="public")
    assert answer.status_code == 200
    (url,) = re.findall(r"https?://[^<\s]+/rpc/[0-9A-Z]{26}/baas_[\w-]+", answer.text)
    body = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
    with httpx2.Client() as nobody:
        said = nobody.post(url, json=body).json()
        assert int(said["result"], 16) == ok(town.api.get(f"/chains/{town.chain}"))["chain_id"]
        assert nobody.post(url.replace("/rpc/", "/rpc-admin/"), json=body).status_code in (401, 403, 404)
        assert nobody.post(url[:-1], json=body).status_code == 401
    assert url.rpartition("/")[2] not in town.developer.get(f"{town.base}/connect").text


def test_an_address_to_administer_has_its_warning(town: Town) -> None:
    answer = town.admin.post(f"{town.base}/connect", label="Hardhat", days="7", endpoint="admin")
    assert re.search(r"/rpc-admin/[0-9A-Z]{26}/baas_", answer.text)
    assert "Compte: amb l'adreça d'administració" in words(answer)
    assert "endpoint-public" not in answer.text  # for developers: an admin alone sends nothing
    assert town.admin.post(f"{town.base}/connect", label="x", days="7", endpoint="public").status_code == 403


def test_who_may_not_make_addresses_is_told_and_mistakes_are(town: Town) -> None:
    page = words(town.auditor.get(f"{town.base}/connect"))
    assert "El vostre perfil no permet crear adreces" in page
    assert "Administrar la cadena" not in page
    assert town.auditor.post(f"{town.base}/connect", label="x", days="7").status_code == 403
    for days in ("0", "366", "x", "7.5"):
        answer = town.developer.post(f"{town.base}/connect", label="x", days=days)
        assert "Aquest nombre de dies no serveix: ha de ser de l'1 al 365." in problem(answer)
    assert "Digueu per a què és" in problem(town.developer.post(f"{town.base}/connect", label="", days="7"))


# -- suspension -----------------------------------------------------------------------------------------------


def test_a_suspension_is_told_on_every_page_with_its_reason(server: Any) -> None:
    server.administration("9999990004", "Port de la Selva Fosca")
    token = server.token_of(server.member("9999990004", *Role)["id"])
    person = Person(server)
    person.sign_in(token)
    chain = ok(
        server.client(token).post("/chains", json={"administration": "9999990004", "label": "prova"}), 201
    )["id"]
    ok(server.operator.post("/administrations/9999990004/suspend", json={"reason": "ús indegut"}))
    for path in ("/console/", "/console/chains", f"/console/chains/{chain}", "/console/check"):
        page = words(person.get(path))
        assert "L'AOC ha suspès Port de la Selva Fosca. Motiu: ús indegut." in page, path
    closed = person.get(f"/console/chains/{chain}/permissions")
    assert closed.status_code == 409
    assert "la cadena no respon a ningú" in words(closed)
    assert "/delete" not in person.get(f"/console/chains/{chain}").text
    refused = person.post(f"/console/chains/{chain}/connect", label="x", days="7")
    assert refused.status_code == 403
    assert "L'AOC ha suspès el vostre ens" in words(refused)
