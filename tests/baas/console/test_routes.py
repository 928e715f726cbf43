"""The console's routes over real HTTP: who may see what, the whole way of a document, and what every answer carries."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
import rfc8785
from fastapi.routing import APIRoute

from baas import verifier
from baas.api.problems import TABLE
from baas.console import problems
from baas.console.application import ROUTERS
from baas.console.rendering import SECURITY_HEADERS
from baas.evaluations.evaluate import evaluate
from baas.evaluations.page import SECURITY_POLICY
from baas.evaluations.report import assemble
from baas.metrics import metrics
from baas.pilots.lifecycle import PilotState
from baas.pilots.model import Pilot
from baas.receipts import RENDERINGS, Format
from baas.tenancy import CallerKind, Role, TenantScope
from baas.texts import LANGUAGES, catalogue
from sandbox.artifacts import data_directory
from sandbox.evidence import encodings, trust
from sandbox.evidence import receipt as receipts
from sandbox.evidence.policy import LOG_ONLY, STANDARD
from sandbox.evidence.verify import verify
from tests.baas.console.person import Person, words
from tests.baas.evaluations.simulated import ABOUT, ARMS, TERMS, run

TOWN, OTHER, EMPTY = "9999990001", "9999990002", "9999990003"
DOCUMENTS = [b"Acta de prova", b"Decret de prova", b"Anunci de prova"]
PUBLIC = {
    "/sign-in",
    "/check",
    "/trust/{code}.json",
    "/verifier/verify.html",
    "/verifier/baas-verify.pyz",
}


@dataclass
class Town:
    """A running service with two administrations that have chains, and people of the first one."""

    server: Any
    tokens: list[str] = field(default_factory=list)
    chain: dict[str, str] = field(default_factory=dict)
    others_notarisation: str = ""

    def token(self, code: str, *roles: Role) -> str:
        self.tokens.append(self.server.token_of(self.server.member(code, *roles)["id"]))
        return self.tokens[-1]

    def person(self, *roles: Role, code: str = TOWN) -> Person:
        person = Person(self.server)
        assert person.sign_in(self.token(code, *roles)).status_code == 303
        return person

    def staff(self, kind: CallerKind) -> Person:
        made = self.server.operator.post("/staff", json={"label": "AOC", "kind": kind}).json()
        person = Person(self.server)
        assert person.sign_in(self.server.token_of(made["id"])).status_code == 303
        return person


@pytest.fixture(scope="module")
def town(shared_server: Any) -> Town:
    made = Town(shared_server)
    for code, name in ((TOWN, "Vallclara del Mar"), (OTHER, "Alta Marinada"), (EMPTY, "Sense Res")):
        shared_server.administration(code, name)
    for code in (TOWN, OTHER):
        developer = shared_server.client(made.token(code, Role.DEVELOPER))
        chain = developer.post("/chains", json={"administration": code, "label": "decrets"}).json()["id"]
        done = developer.post(f"/chains/{chain}/deployments", json={"template": "document-notary"})
        assert done.status_code == 201, done.text
        made.chain[code] = chain
        body = {"administration": code, "documents": [{"digest": "ab" * 32}]}
        if code == OTHER:
            made.others_notarisation = developer.post("/notarisations", json=body).json()["items"][0]
    return made


@pytest.fixture(scope="module")
def person(town: Town) -> Person:
    """A person with every role."""
    return town.person(*Role)


def routes() -> Iterator[tuple[str, APIRoute]]:
    """Method and route of every page."""
    found = [each for router in ROUTERS for each in router.routes if isinstance(each, APIRoute)]
    assert len(found) > 15
    for route in found:
        for method in route.methods:
            yield method, route


def address(route: APIRoute, value: str = "x") -> str:
    parameters = dict.fromkeys(route.param_convertors, value)
    return f"/console{route.path.format(**parameters)}"


def digests(documents: list[bytes], administration: str = TOWN) -> dict[str, Any]:
    return {
        "administration": administration,
        "documents": [
            {"algorithm": "sha-256", "digest": hashlib.sha256(each).hexdigest()} for each in documents
        ],
    }


def anchored(person: Person, notarisation: str) -> None:
    deadline = time.monotonic() + 30
    while (state := person.get(f"/console/notarisations/{notarisation}.json").json()["state"]) != "anchored":
        assert state in ("accepted", "included")
        assert time.monotonic() < deadline, "it was not anchored"
        time.sleep(0.05)


# -- every route ---------------------------------------------------------------------------------------


def test_every_answer_carries_the_security_headers(town: Town, person: Person) -> None:
    nobody = Person(town.server)
    answers = [nobody.get(path) for path in ("/", "/console", "/console/nowhere", "/console/static/check.js")]
    answers += [nobody.get("/console/static/nowhere"), nobody.http.delete("/console/check")]
    for method, route in routes():
        for who in (nobody, person):
            if route.path != "/sign-out" or who is nobody:
                answers.append(who.http.request(method, address(route)))
    assert len(answers) > 40
    for answer in answers:
        for name, value in SECURITY_HEADERS.items():
            assert answer.headers[name] == value, answer.request.url


def test_what_is_not_public_asks_to_sign_in(town: Town) -> None:
    nobody = Person(town.server)
    for method, route in routes():
        if route.path in PUBLIC:
            continue
        headers = {"Origin": nobody.url, "Sec-Fetch-Site": "same-origin"}
        answer = nobody.http.request(method, address(route), headers=headers)
        if route.path.endswith(".json") or (method, route.path) == ("POST", "/notarise"):
            assert answer.status_code == 401, address(route)
            assert answer.headers["content-type"] == "application/problem+json"
        else:
            assert answer.status_code == 303, address(route)
            assert answer.headers["location"].startswith("/console/sign-in")


def _still(page: str) -> str:
    """The page without how long ago or from now something is: on a busy machine a minute may pass."""
    return re.sub(r"\d+ (segons?|minuts?)", "", page)


def test_whatever_changes_something_needs_the_sessions_own_token(town: Town, person: Person) -> None:
    others = town.person(*Role).csrf()
    before = person.get("/console/chains").text
    chain = town.chain[TOWN]
    tried = 0
    for method, route in routes():
        if method != "POST" or route.path == "/sign-in":
            continue
        path = address(route, chain)
        for wrong in ("", "x" * 43, others, person.csrf()[:-1], "ñ"):
            answer = person.post(path, wrong, administration=TOWN, label="nova")
            assert answer.status_code == 403, path
            tried += 1
            headers = {"Origin": person.url, "X-CSRF-Token": wrong.encode()}
            assert person.http.post(path, json=digests([b"x"]), headers=headers).status_code == 403
        for headers in ({}, {"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}):
            assert person.post(path, None, headers, administration=TOWN, label="nova").status_code == 403
    assert tried == 5 * 38
    assert _still(person.get("/console/chains").text) == _still(before)


def test_unknown_addresses_and_methods_are_pages_too(person: Person) -> None:
    answer = person.get("/console/nowhere")
    assert answer.status_code == 404
    assert "No s'ha trobat" in words(answer)
    answer = person.http.delete("/console/chains")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert "no es pot fer servir així" in words(answer)
    assert person.get("/console/static/../rendering.py").status_code == 404
    assert person.get("/console/static/%2e%2e/rendering.py").status_code == 404
    assert person.get("/console/notarisations?after=';--").status_code == 422


def test_another_administrations_and_an_absent_object_give_the_same_404(town: Town, person: Person) -> None:
    theirs = (town.others_notarisation, "01JN9W5T5BZ0Q8M4K7V2X3Y6A1-0")
    chains = (town.chain[OTHER], "01JN9W5T5BZ0Q8M4K7V2X3Y6A1")
    for shape, names in (
        ("/console/notarisations/{}", theirs),
        ("/console/notarisations/{}.json", theirs),
        ("/console/notarisations/{}/receipt", theirs),
        ("/console/notarisations?after={}", theirs),
        ("/console/chains/{}", chains),
        ("/console/chains/{}/permissions", chains),
        ("/console/chains/{}/accounts", chains),
        ("/console/chains/{}/connect", chains),
        ("/console/chains/{}/snapshots", chains),
        ("/console/pilots/{}/report", chains),
    ):
        answers = [person.get(shape.format(name)) for name in names]
        assert {answer.status_code for answer in answers} == {404}, shape
        assert answers[0].content == answers[1].content
    for act in (
        "start",
        "stop",
        "delete",
        "extend",
        "permissions",
        "requests",
        "accounts",
        "faucet",
        "connect",
    ):
        answers = [person.post(f"/console/chains/{name}/{act}") for name in chains]
        assert {answer.status_code for answer in answers} == {404}
        assert answers[0].content == answers[1].content
    answers = [person.send("/console/notarise", digests([b"x"], code)) for code in (OTHER, "9999990009")]
    assert {answer.status_code for answer in answers} == {404}
    assert answers[0].content == answers[1].content
    answers = [person.post("/console/chains", administration=code, label="x") for code in (OTHER, "nobody")]
    assert {answer.status_code for answer in answers} == {404}
    assert answers[0].content == answers[1].content


def test_a_missing_role_is_refused_in_words(town: Town) -> None:
    auditor = town.person(Role.AUDITOR)
    assert auditor.get("/console/notarisations").status_code == 200
    refused = [
        auditor.get("/console/notarise"),
        auditor.post("/console/chains", administration=TOWN, label="nova"),
        auditor.post(f"/console/chains/{town.chain[TOWN]}/stop"),
    ]
    for answer in refused:
        assert answer.status_code == 403
        assert "El vostre perfil no permet fer això" in words(answer)
    answer = auditor.send("/console/notarise", digests([b"x"]))
    assert (answer.status_code, answer.json()["detail"][:15]) == (403, "El vostre perfi")
    page = auditor.get(f"/console/chains/{town.chain[TOWN]}")
    assert page.status_code == 200
    assert "/stop" not in page.text


# -- a document's way ------------------------------------------------------------------------------------


def test_a_document_becomes_evidence_that_verifies_without_us(town: Town, person: Person) -> None:
    answer = person.send("/console/notarise", digests(DOCUMENTS), key="a" * 32)
    assert answer.status_code == 202, answer.text
    made = answer.json()["notarisations"]
    assert [each["state"] for each in made] == ["accepted"] * 3
    for each in made:
        anchored(person, each["id"])
    root = trust.parse(Person(town.server).get(f"/console/trust/{TOWN}.json").content)
    api = town.server.client(town.tokens[0])
    for document, each in zip(DOCUMENTS, made, strict=True):
        page = person.get(f"/console/notarisations/{each['id']}")
        assert hashlib.sha256(document).hexdigest() in page.text
        assert "Anotada i ancorada" in words(page)
        receipt = person.get(f"/console/notarisations/{each['id']}/receipt")
        assert receipt.headers["content-disposition"] == "attachment"
        assert receipt.content == api.get(f"/notarisations/{each['id']}/receipt").content
        assert verify(document, receipts.parse(receipt.content), root).ok
        assert not verify(document + b".", receipts.parse(receipt.content), root).ok
    address = f"/console/notarisations/{each['id']}/receipt"
    assert [line for line in page.text.split('"') if line.startswith(address)] == [
        f"{address}?format=pdf",
        f"{address}?format=pdf&amp;lang=es",
        f"{address}?format=pdf&amp;lang=en",
        *(f"{address}?format={format_}" for format_ in ("json", "cose", "tlog-proof", "qr", "qr")),
    ]
    for format_ in Format:
        made = person.get(address, params={"format": format_.value})
        assert made.headers["content-type"] == RENDERINGS[format_].media_type
        assert (
            made.content
            == api.get(f"/notarisations/{each['id']}/receipt", params={"format": format_.value}).content
        )
        if format_ not in (Format.JSON, Format.QR):
            assert made.headers["content-disposition"].endswith(f'{each["id"]}{RENDERINGS[format_].suffix}"')
            policy = STANDARD if format_ is Format.PDF else LOG_ONLY
            assert encodings.verify(document, made.content, root, policy).ok
    assert (
        person.get(address, params={"format": "pdf", "lang": "en"}).content
        != person.get(address, params={"format": "pdf"}).content
    )
    parsed = receipts.parse(receipt.content)
    assert parsed.anchor is not None
    assert f"0x{parsed.anchor.contract.hex()}" in page.text.lower()
    assert f"{parsed.inclusion.index + 1} de {parsed.inclusion.size}" in words(page)


def test_a_repeated_request_does_it_once_and_another_is_a_conflict(person: Person) -> None:
    body, key = digests([b"una vegada"]), "b" * 32
    first, again = (person.send("/console/notarise", body, key) for _ in range(2))
    assert first.status_code == again.status_code == 202
    assert first.content == again.content
    assert ("idempotent-replayed" in first.headers, again.headers["idempotent-replayed"]) == (False, "true")
    answer = person.send("/console/notarise", digests([b"una altra"]), key)
    assert answer.status_code == 409
    assert "contingut diferent" in answer.json()["detail"]
    shown = person.get("/console/notarisations").text
    assert shown.count(hashlib.sha256(b"una vegada").hexdigest()) == 1
    assert hashlib.sha256(b"una altra").hexdigest() not in shown


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"administration": TOWN, "documents": []},
        digests([b"x"]) | {"name": "acta.pdf"},
        {"administration": TOWN, "documents": [{"digest": "zz" * 32}]},
        {"administration": TOWN, "documents": [{"digest": "ab" * 31}]},
        {"administration": TOWN, "documents": [{"algorithm": "md5", "digest": "ab" * 16}]},
    ],
)
def test_what_is_not_digests_is_refused(person: Person, body: Any) -> None:
    answer = person.send("/console/notarise", body)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == catalogue("ca")["console.error.kind.invalid"]


def test_without_a_contract_the_page_says_what_to_do(town: Town) -> None:
    lonely = town.person(Role.DEVELOPER, code=EMPTY)
    answer = lonely.send("/console/notarise", digests([b"x"], EMPTY))
    assert answer.status_code == 409
    assert "document-notary" in answer.json()["detail"]


def test_the_list_is_newest_first_and_its_pages_miss_nothing(town: Town, person: Person) -> None:
    documents = [f"full {number}".encode() for number in range(120)]
    answer = person.send("/console/notarise", digests(documents))
    last = person.send("/console/notarise", digests([b"l'ultima"])).json()["notarisations"][0]["id"]
    seen: list[str] = []
    path: str | None = "/console/notarisations"
    while path:
        page = person.get(path).text
        found = [part.partition('"')[0] for part in page.split('href="/console/notarisations/')[1:]]
        assert 1 <= len(found) <= 50
        seen += found
        path = page.partition('rel="next" href="')[2].partition('"')[0] or None
    assert seen[:121] == [last] + [each["id"] for each in answer.json()["notarisations"]]
    assert len(seen) == len(set(seen))
    assert not {each for each in seen if each == town.others_notarisation}


def test_a_document_is_superseded_and_left_without_effect_once(town: Town, person: Person) -> None:
    first = person.send("/console/notarise", digests([b"primera versio"])).json()["notarisations"][0]["id"]
    page = person.get(f"/console/notarise?supersedes={first}")
    assert page.status_code == 200
    assert f'name="supersedes" value="{first}"' in page.text
    assert person.get(f"/console/notarise?supersedes={town.others_notarisation}").status_code == 404
    new = {"digest": hashlib.sha256(b"segona versio").hexdigest(), "supersedes": first}
    made = person.send("/console/notarise", {"administration": TOWN, "documents": [new]}).json()
    second = made["notarisations"][0]["id"]
    shown = person.get(f"/console/notarisations/{first}")
    assert "S'ha substituït per una versió nova" in words(shown)
    assert f'href="/console/notarisations/{second}"' in shown.text
    address = f"/console/notarisations/{second}/revoke"
    assert person.post(address, reason="no-one").status_code == 422
    assert town.person(Role.AUDITOR).post(address, reason="error").status_code == 403
    assert person.post(address, reason="error").status_code == 303
    again = person.post(address, reason="error")
    assert again.status_code == 422
    assert "ja havia deixat de tenir efecte" in words(again)
    assert "S'ha deixat sense efecte" in words(person.get(f"/console/notarisations/{second}"))


def test_a_receipt_before_its_time_is_a_page_that_says_wait(town: Town, person: Person) -> None:
    assert person.post(f"/console/chains/{town.chain[TOWN]}/stop").status_code == 303
    made = person.send("/console/notarise", digests([b"encara no"])).json()["notarisations"][0]["id"]
    answer = person.get(f"/console/notarisations/{made}/receipt")
    assert answer.status_code == 409
    assert "encara no està ancorada" in words(answer)
    deadline = time.monotonic() + 20
    while "la cadena està aturada" not in words(page := person.get(f"/console/notarisations/{made}")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert "/receipt" not in page.text
    chain = person.get(f"/console/chains/{town.chain[TOWN]}")
    assert "Està aturada" in words(chain)
    assert person.post(f"/console/chains/{town.chain[TOWN]}/start").status_code == 303
    anchored(person, made)


# -- chains ------------------------------------------------------------------------------------------------


def test_what_waits_for_a_chain_goes_on_as_soon_as_it_is_started_here(
    town: Town, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    resumed: list[str] = []
    monkeypatch.setattr(town.server.services.pipeline, "resume", resumed.append)
    for act in ("stop", "start"):
        assert person.post(f"/console/chains/{town.chain[TOWN]}/{act}").status_code == 303
    assert resumed == [town.chain[TOWN]]


def test_a_chain_is_created_shown_and_reached_by_its_snippet(
    town: Town, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = person.post("/console/chains", administration=TOWN, label="proves-2")
    assert answer.status_code == 303
    page = person.get(answer.headers["location"])
    assert "en marxa" in words(page)
    chain = answer.headers["location"].rpartition("/")[2]
    row = town.server.services.chains.get(scope(town), chain)
    assert row.genesis_hash in page.text
    assert row.label == "proves-2"
    assert "anchoring" in person.get(f"/console/chains/{chain}/accounts").text
    page = person.get(f"/console/chains/{chain}/connect")
    (snippet,) = (
        part.partition("</code>")[0]
        for part in page.text.split('<pre tabindex="0"><code>')
        if "from web3" in part
    )
    key = town.server.services.chains.awake(chain).accounts.unlocked("anchoring").private_key
    monkeypatch.setenv("BAAS_TOKEN", town.tokens[0])
    monkeypatch.setenv("SANDBOX_KEY", f"0x{key.hex()}")
    monkeypatch.chdir(data_directory("artifacts"))  # where the program finds the contract that it deploys
    exec(snippet.replace("&#34;", '"').replace("&#39;", "'"), {})  # the page's own words, run as they are
    town.server.services.chains.delete(scope(town), chain)
    gone = person.get(f"/console/chains/{chain}")
    assert gone.status_code == 410
    assert "es va esborrar" in words(gone)


@pytest.mark.parametrize("label", ["", "Majúscules", "a b", "-a", "a" * 65, "<script>"])
def test_a_name_that_cannot_be_used_is_told_on_the_page(person: Person, label: str) -> None:
    answer = person.post("/console/chains", administration=TOWN, label=label)
    assert answer.status_code == 422
    assert "Aquest nom no serveix" in words(answer)
    assert "<script>" not in answer.text.replace('<script type="module"', "")


def scope(town: Town) -> TenantScope:
    return TenantScope(town.server.services.tokens.authenticate(town.tokens[0]))


# -- what is open to all, and to staff -----------------------------------------------------------------------


def test_a_trust_root_is_public_exact_and_says_nothing_of_others(town: Town, person: Person) -> None:
    assert person.send("/console/notarise", digests([b"which opens the log"])).status_code < 300
    nobody, services = Person(town.server), town.server.services
    answer = nobody.get(f"/console/trust/{TOWN}.json")
    assert answer.headers["content-type"] == "application/json"
    with services.store.reading() as session:
        assert answer.content == services.trust.of(session, scope(town), TOWN).to_bytes()
    absent = [nobody.get(f"/console/trust/{code}.json") for code in (EMPTY, "9999990009", "x", "%27")]
    assert {each.status_code for each in absent} == {404}
    assert len({each.content for each in absent}) == 1
    for each in ("Vallclara", "administration_id", "signing_key", "persona"):
        assert each not in answer.text
    other = nobody.get(f"/console/trust/{OTHER}.json").json()
    assert json.dumps(other).find(town.chain[TOWN]) == -1


def test_what_checks_without_us_is_handed_out_to_all(town: Town) -> None:
    nobody = Person(town.server)
    for name, content in verifier.files().items():
        answer = nobody.get(f"/console/verifier/{name}")
        assert answer.content == content
        assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
        assert f'href="/console/verifier/{name}"' in nobody.get("/console/check").text


def test_checking_needs_no_session_and_names_no_administration(town: Town, person: Person) -> None:
    page = Person(town.server).get("/console/check")
    assert page.status_code == 200
    assert "Vallclara" not in page.text
    assert "Vallclara" in person.get("/console/check").text
    assert "Alta Marinada" not in person.get("/console/check").text


def test_staff_are_told_what_they_can_do_here(town: Town) -> None:
    for kind, words_of_it in ((CallerKind.OPERATOR, "operadora"), (CallerKind.EVALUATOR, "avaluadora")):
        staff = town.staff(kind)
        page = staff.get("/console/")
        assert words_of_it in words(page)
        assert "No actueu en nom de cap ens" in words(page)
        assert "/console/notarise" not in page.text
        assert staff.get("/console/notarise").status_code == 403
        assert staff.get(f"/console/chains/{town.chain[TOWN]}").status_code == 404
        assert staff.get(f"/console/notarisations/{town.others_notarisation}").status_code == 404


def test_a_pilots_report_is_read_by_its_members_and_by_staff(town: Town, person: Person) -> None:
    services = town.server.services
    report = rfc8785.dumps(assemble(ABOUT, ARMS, evaluate(TERMS, run(), metrics(), plan_changed=False)))
    caller = scope(town).caller
    shown = {"plan": "{}", "plan_sha256": "", "created": services.clock.now()}
    with services.store.session() as session:
        for number, (state, verdict, text) in enumerate(
            [(PilotState.DRAFT, None, None), (PilotState.EVALUATED, "inconclusive", report.decode())]
        ):
            session.add(
                Pilot(
                    id=f"{number}" * 26,
                    administration_id=caller.administration_id,
                    title=f"Pilot de prova {number}",
                    state=state,
                    verdict=verdict,
                    report=text,
                    **shown,
                )
            )
    evaluator = town.staff(CallerKind.EVALUATOR)
    for reader in (person, evaluator):
        page = reader.get("/console/pilots")
        assert "Pilot de prova 1" in words(page)
        assert "no és concloent" in words(page)
        assert f"/console/pilots/{'0' * 26}/report" not in page.text
        answer = reader.get(f"/console/pilots/{'1' * 26}/report")
        assert answer.status_code == 200
        assert "Informe d'avaluació del pilot" in words(answer)
        assert answer.headers["content-security-policy"] == SECURITY_POLICY
        assert reader.get(f"/console/pilots/{'0' * 26}/report").status_code == 409
    other = town.person(*Role, code=OTHER)
    assert "Pilot de prova" not in other.get("/console/pilots").text
    assert other.get(f"/console/pilots/{'1' * 26}/report").status_code == 404


# -- errors, logs --------------------------------------------------------------------------------------------


def test_every_refusal_has_words_in_every_language() -> None:
    slugs = {kind.slug for kind in TABLE.values()} | {kind.slug for kind in problems.OWN.values()}
    slugs |= {*problems.HTTP.values(), *problems.NARROWER.values()}
    slugs |= {problems.INVALID.slug, problems.UNEXPECTED.slug}
    prefix = "console.error.kind."
    for language in LANGUAGES:
        assert {f"{prefix}{slug}" for slug in slugs} == {
            key for key in catalogue(language) if key.startswith(prefix)
        }


def test_an_incident_shows_its_number_alone(
    town: Town, person: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "baas_" + "S" * 43

    def broken(*_: object) -> None:
        raise LookupError(f"/srv/private {secret}")

    monkeypatch.setattr(town.server.services.pilots, "listing", broken)
    with caplog.at_level(logging.INFO):
        answer = person.get("/console/pilots")
    assert answer.status_code == 500
    assert "private" not in answer.text
    assert answer.headers["content-security-policy"] == SECURITY_HEADERS["Content-Security-Policy"]
    (record,) = [each for each in caplog.records if each.name == "baas.incidents"]
    said = record.getMessage()
    assert "LookupError: /srv/private [redacted]" in said
    assert said.split()[1] in answer.text
    assert secret not in said


def test_no_token_and_no_session_is_in_a_page_or_in_the_log(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    token = town.token(TOWN, *Role)
    pages: list[httpx2.Response] = []
    with caplog.at_level(logging.DEBUG):
        person = Person(town.server)
        pages.append(person.sign_in(token + "x"))
        pages.append(person.sign_in(token))
        for path in (
            "/console/",
            "/console/chains",
            f"/console/chains/{town.chain[TOWN]}",
            "/console/nowhere",
        ):
            pages.append(person.get(path))
        pages.append(person.send("/console/notarise", digests([b"registre"])))
        pages.append(person.get(f"/console/sign-in?token={token}&next={token}"))
        time.sleep(0.05)
    cookie = person.http.cookies["baas_console"]
    ours = "\n".join(each.getMessage() for each in caplog.records if not each.name.startswith("http"))
    assert "POST /console/sign-in 303" in ours
    for secret in (token[5:30], cookie, person.csrf()):
        assert secret not in ours
    for page in pages:
        assert token[5:30] not in page.text
        assert cookie not in page.text
