"""Signador over real sockets: a system asks, a person clicks, the adapter judges; and what neither may do."""

from __future__ import annotations

import base64
import hashlib
import io
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx2
import pytest

from baas.ades.types import Format, Level
from baas.ades.verdict import Indication
from baas.connectors import (
    ConnectorRefused,
    ConnectorSettings,
    ConnectorTimeout,
    ConnectorUnreachable,
    Environment,
)
from baas.connectors.signature import _http, adapters
from baas.connectors.signature import signador as adapter_module
from baas.connectors.signature.signador import SignadorAdapter
from baas.protocols.signador import PATH, WAITING, Document, headers, start_message
from baas.trust_service.errors import NotEnrolled
from baas.trust_service.service import TrustService
from baas.trust_service.signador.signing import NIF
from sandbox.errors import VerificationError
from sandbox.evidence.digest import Digest
from tests.baas.conftest import ShiftedClock
from tests.baas.trust_service.stands import OTHER, TOWN, serving

DOMAIN, OTHER_DOMAIN = "https://seu.vilaficticia.example", "https://seu.altre.example"
DIGEST = Digest("sha-256", hashlib.sha256(b"acta").digest())
HASH = Document("acta-042", DIGEST)


@dataclass
class Stand:
    url: str
    service: TrustService
    clock: ShiftedClock
    key: str
    other_key: str
    opened: list[SignadorAdapter] = field(default_factory=list)

    def adapter(self, ask: Callable[[str], None], patience: float = 20, **options: str) -> SignadorAdapter:
        settings = ConnectorSettings(
            self.url,
            self.service.roots_pem,
            Environment.LAB_EMULATOR,
            10,
            self.key,
            {"domain": DOMAIN, "redirect": "/signed?case=7", **options},
        )
        made = SignadorAdapter(
            settings, _http.client(10), ask, clock=self.clock, patience=timedelta(seconds=patience)
        )
        self.opened.append(made)
        return made

    def headers(self, domain: str = DOMAIN, key: str | None = None, late: float = 0) -> dict[str, str]:
        now = self.clock.now() + timedelta(minutes=late)
        return headers((self.key if key is None else key).encode(), domain, now)

    def get(self, path: str, given: dict[str, str] | None = None) -> httpx2.Response:
        return httpx2.get(self.url + PATH + path, headers=given or {}, trust_env=False)

    def begin(self) -> str:
        return str(self.get("/initProcess", self.headers()).json()["token"])

    def send(self, method: str, path: str, message: Any, domain: str = DOMAIN) -> dict[str, Any]:
        answer = httpx2.request(
            method, self.url + PATH + path, json=message, headers={"Origin": domain}, trust_env=False
        )
        assert answer.status_code == 200
        return dict(answer.json())

    def start(self, token: str, *documents: Document, mode: int = 27, **more: Any) -> dict[str, Any]:
        message = start_message(token, "/signed?case=7", "Pilot P-7", mode, documents or (HASH,))
        message["applet_cfg"] |= more
        return self.send("POST", "/startSignProcess", message)

    def result(self, token: str, **given: Any) -> dict[str, Any]:
        return dict(self.get(f"/getSignature?identificador={token}", self.headers(**given)).json())

    def click(self, token: str, act: str = "sign") -> httpx2.Response:
        return httpx2.post(self.url + PATH + "/sign", data={"id": token, "act": act}, trust_env=False)


@contextmanager
def standing(directory: Path) -> Iterator[Stand]:
    clock = ShiftedClock()
    service = TrustService.open(directory, clock)
    service.enrol(TOWN, "Vilafictícia")
    service.enrol(OTHER, "Altrefictícia")
    key, other = service.register_domain(DOMAIN, TOWN), service.register_domain(OTHER_DOMAIN, OTHER)
    with serving(service.routes()) as url:
        stand = Stand(url, service, clock, key, other)
        yield stand
        for each in stand.opened:
            each.close()
    service.close()


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with standing(tmp_path_factory.mktemp("trust")) as made:
        yield made


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter_module, "POLL", 0.05)


class Page(HTMLParser):
    """A page as a person's browser has it: `press(button)` sends its form."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.answer = httpx2.get(url, headers={"Accept-Language": "ca"}, trust_env=False)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.url = url
        self.feed(self.answer.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def press(self, value: str) -> httpx2.Response:
        form = next(a for tag, a in self.tags if tag == "form")
        fields = {str(a["name"]): str(a["value"]) for tag, a in self.tags if tag == "input"}
        buttons = [str(a["value"]) for tag, a in self.tags if tag == "button"]
        assert value in buttons and form["method"] == "post"
        target = httpx2.URL(self.url).join(str(form["action"]))
        return httpx2.post(target, data=fields | {"act": value}, trust_env=False)


def person(value: str = "sign", after: float = 0.1) -> Callable[[str], None]:
    """Somebody who opens the page that they are shown and presses a button, a moment later."""

    def shown(url: str) -> None:
        threading.Timer(after, lambda: Page(url).press(value)).start()

    return shown


PDF = (
    b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]>>endobj\n"
)


def pdf() -> bytes:
    """A PDF of one empty page, with its table of positions."""
    positions = [PDF.index(b"%d 0 obj" % number) for number in (1, 2, 3)]
    table = b"xref\n0 4\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % each for each in positions)
    return PDF + table + b"trailer<</Size 4/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(PDF)


@pytest.mark.parametrize(
    ("document", "format_", "level"),
    [
        (DIGEST, Format.CADES, Level.T),
        (Digest("sha-512", hashlib.sha512(b"acta").digest()), Format.CADES, Level.B),
        (b"acta", Format.CADES, Level.T),
        (DIGEST, Format.XADES, Level.T),
        (b"acta", Format.XADES, Level.B),
        (pdf(), Format.PADES, Level.T),
    ],
)
def test_a_person_signs_and_the_adapter_judges(
    stand: Stand, document: bytes | Digest, format_: Format, level: Level
) -> None:
    adapter = stand.adapter(person(), nif=NIF)
    before = stand.service.acts.count()
    sealed = adapter.seal(document, format_, level, name="acta-042", description="Pilot P-7")
    assert (sealed.format, sealed.level, sealed.verdict.indication) == (format_, level, Indication.PASSED)
    assert sealed.verdict.signer["KeyOwnerNIF"] == NIF
    assert "Sandbox" in sealed.verdict.signer["CommonName"]
    assert (sealed.verdict.proven_time is not None) == (level is Level.T)
    assert sealed.exchange.provider == "embedded" and not sealed.exchange.qualified
    assert (
        sealed.exchange.bytes_received > len(sealed.signed)
        and sealed.exchange.ended > sealed.exchange.started
    )
    acts = stand.service.acts.listing(after=before)
    assert any(
        act.kind == "signador" and act.response_sha256 == hashlib.sha256(sealed.signed).digest()
        for act in acts
    )


def test_what_cannot_hold_is_not_handed_on(stand: Stand, tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match="somebody else signed"):
        stand.adapter(person(), nif="12345678Z").seal(DIGEST, Format.CADES, Level.T)
    with pytest.raises(ConnectorRefused) as refusal:
        stand.adapter(person()).seal(DIGEST, Format.PADES, Level.T)
    assert refusal.value.reason == "not_offered"
    with pytest.raises(ConnectorRefused) as refusal:
        stand.adapter(person()).seal(DIGEST, Format.CADES, Level.LT)
    assert refusal.value.reason == "not_offered"
    with standing(tmp_path / "other") as other:  # the same service under a root that the caller does not hold
        settings = ConnectorSettings(
            other.url, stand.service.roots_pem, Environment.LAB_EMULATOR, 10, other.key, {"domain": DOMAIN}
        )
        adapter = SignadorAdapter.open(settings, person())
        with pytest.raises(VerificationError, match="the person's signature does not hold"):
            adapter.seal(DIGEST, Format.CADES, Level.T)
        adapter.close()


def test_a_person_who_cancels_or_does_not_come(stand: Stand) -> None:
    with pytest.raises(ConnectorRefused) as refusal:
        stand.adapter(person("cancel")).seal(DIGEST, Format.CADES, Level.T)
    assert refusal.value.reason == "cancel"
    with pytest.raises(ConnectorTimeout, match="nobody signed within"):
        stand.adapter(lambda url: None, patience=0.2).seal(DIGEST, Format.CADES, Level.T)
    with pytest.raises(ConnectorRefused, match="needs a person") as alone:
        stand.adapter(adapter_module.nobody).seal(DIGEST, Format.CADES, Level.T)
    assert alone.value.reason == "interactive"
    assert adapters()["signador"] is SignadorAdapter
    assert stand.adapter(person()).capabilities.interactive


def test_the_five_minutes_and_the_fifteen_days(tmp_path: Path) -> None:
    with standing(tmp_path / "trust") as stand:
        late, signed, never = stand.begin(), stand.begin(), stand.begin()
        stand.start(late)
        stand.start(signed)
        stand.click(signed)
        stand.clock.advance(minutes=5, seconds=1)
        assert stand.result(late)["error"].startswith("TIMEOUT")
        assert "cinc minuts" in Page(f"{stand.url}{PATH}/?id={late}").text
        assert stand.click(late).status_code == 303  # back to the application, which begins again
        assert stand.result(late)["status"] == "KO"
        assert stand.start(never)["message"].startswith("TIMEOUT")
        stand.clock.advance(days=14)
        assert stand.result(signed)["status"] == "OK"
        stand.clock.advance(days=1)
        assert stand.result(signed)["error"] == "the token is unknown"
        stand.begin()  # what is over is cleared away
        [(count,)] = stand.service.signador._rows("SELECT count(*) FROM processes")
        assert count == 1


def test_the_page_says_what_is_signed_and_for_whom(stand: Stand) -> None:
    token = stand.begin()
    name = "<script>alert('acta')</script> & \"042\""
    stand.start(token, Document(name, DIGEST))
    page = Page(f"{stand.url}{PATH}/?id={token}")
    assert page.tags[0] == ("html", {"lang": "ca"})
    for each in (
        "Sandbox",
        name,
        DIGEST.value.hex(),
        DOMAIN,
        TOWN,
        "Pilot P-7",
        NIF,
        "fictícia",
        "no identifica ningú",
    ):
        assert each in page.text
    assert not any(tag in ("script", "iframe", "img") for tag, _ in page.tags)
    policy = page.answer.headers["content-security-policy"]
    assert f"form-action 'self' {DOMAIN};" in policy and "frame-ancestors 'none'" in policy
    assert page.answer.headers["referrer-policy"] == "no-referrer"
    assert page.answer.headers["cache-control"] == "no-store"
    for language in ("es", "en"):
        other = next(str(a["href"]) for tag, a in page.tags if tag == "a" and a.get("hreflang") == language)
        translated = Page(str(httpx2.URL(page.url).join(other)))
        assert translated.tags[0] == ("html", {"lang": language}) and name in translated.text
    there = page.press("sign")
    assert (there.status_code, there.headers["location"]) == (303, f"{DOMAIN}/signed?case=7&token_id={token}")
    assert (
        page.press("sign").headers["location"] == there.headers["location"]
    )  # a second click changes nothing
    first = stand.result(token)
    assert first["status"] == "OK" and first["urlRedirect"] == there.headers["location"]
    assert page.press("cancel").status_code == 303 and stand.result(token) == first


def test_two_clicks_at_once_sign_once(stand: Stand) -> None:
    token, before = stand.begin(), stand.service.acts.count()
    stand.start(token)
    threads = [threading.Thread(target=stand.click, args=(token,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kinds = [act.kind for act in stand.service.acts.listing(after=before)]
    assert kinds.count("signador") == 1
    assert stand.result(token)["status"] == "OK"


def test_several_documents_come_in_a_zip(stand: Stand) -> None:
    token = stand.begin()
    stand.start(token, Document("../../etc/passwd", DIGEST), Document("b", DIGEST), multiple="true")
    added = {"token_id": token, "doc_name": "c", "document_to_sign": base64.b64encode(bytes(32)).decode()}
    assert stand.send("PUT", "/addDocumentToSign", added)["status"] == "OK"
    refused = [
        added,  # the same name again
        added | {"doc_name": "d", "document_to_sign": "YQ=="},
        added | {"doc_name": "d;e"},
        added | {"token_id": "x"},
        added | {"more": ""},
        added | {"doc_name": 1},
        [],
    ]
    for message in refused:
        assert stand.send("PUT", "/addDocumentToSign", message)["status"] == "KO"
    assert stand.send("PUT", "/addDocumentToSign", added | {"doc_name": "d"}, OTHER_DOMAIN)["status"] == "KO"
    stand.click(token)
    found = stand.result(token)
    assert found["type"] == "ZIP"
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(found["signResult"]))) as archive:
        assert archive.namelist() == ["01-______etc_passwd.p7s", "02-b.p7s", "03-c.p7s"]
        judge = stand.adapter(person())
        for name, digest in zip(
            archive.namelist(), (DIGEST, DIGEST, Digest("sha-256", bytes(32))), strict=True
        ):
            assert judge.judge(archive.read(name), digest).ok
    assert stand.send("PUT", "/addDocumentToSign", added | {"doc_name": "late"})["status"] == "KO"


def test_who_may_ask(stand: Stand) -> None:
    refused = [
        {},
        stand.headers(key="wrong"),
        stand.headers(late=-62),
        stand.headers(late=62),
        stand.headers(domain="https://unknown.example"),
        stand.headers(domain=OTHER_DOMAIN),
        stand.headers(domain=TOWN, key=stand.service.secret_of(TOWN)),
        stand.headers() | {"Origin": OTHER_DOMAIN},
        stand.headers() | {"Authorization": stand.headers()["Authorization"].removeprefix("SC ")},
    ]
    answers = {stand.get("/initProcess", each).text for each in refused}
    assert len(answers) == 1 and '"KO"' in answers.pop()
    assert stand.get("/initProcess", stand.headers(OTHER_DOMAIN, stand.other_key)).json()["status"] == "OK"


def test_a_token_is_its_own_clients(stand: Stand) -> None:
    token = stand.begin()
    message = start_message(token, "/x", "", 27, (HASH,))
    assert stand.send("POST", "/startSignProcess", message, OTHER_DOMAIN)["message"] == "the token is unknown"
    assert stand.start(token)["status"] == "OK"
    assert "error" not in stand.start("x" * 32) and stand.start("x" * 32)["status"] == "KO"
    assert stand.start(token)["status"] == "KO"  # a second start would change what the person is shown
    theirs = stand.result(token, domain=OTHER_DOMAIN, key=stand.other_key)
    nobodys = stand.result("x" * 32, domain=OTHER_DOMAIN, key=stand.other_key)
    assert theirs["error"] == nobodys["error"] == "the token is unknown"
    assert stand.result(token)["error"] == WAITING
    assert stand.result(token, key="wrong")["error"].startswith("not authorised")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"[" * 100_000, b"\xff", b" " * ((7 << 20) + 1), b'{"applet_cfg": 1}']
)
def test_messages_that_hurt_are_answered_ko(stand: Stand, body: bytes) -> None:
    answer = httpx2.post(
        f"{stand.url}{PATH}/startSignProcess", content=body, headers={"Origin": DOMAIN}, trust_env=False
    )
    assert (answer.status_code, answer.json()["status"]) == (200, "KO")


@pytest.mark.parametrize(
    "form", [b"", b"id=x", b"id=x&act=sign", b"act=sign", b"id=%ff&act=cancel", b"a=1&" * 900, b"x" * 5000]
)
def test_forms_of_nobody_are_a_page_that_says_so(stand: Stand, form: bytes) -> None:
    answer = httpx2.post(f"{stand.url}{PATH}/sign", content=form, trust_env=False)
    assert answer.status_code == 404 and "Sandbox" in answer.text


def test_a_document_that_cannot_be_signed_fails_and_says_why(stand: Stand) -> None:
    for mode, more in ((28, {}), (13, {"signature_mode": "13"})):
        token = stand.begin()
        bomb = b'<!DOCTYPE a [<!ENTITY b "cc">]><a>&b;</a>'
        assert (
            stand.start(token, Document("acta", bomb), mode=mode if mode == 28 else 15, **more)["status"]
            == "OK"
        )
        stand.click(token)
        found = stand.result(token)
        assert found["status"] == "KO" and found["error"].startswith("ERROR: ")


def test_a_revoked_card_signs_nothing(tmp_path: Path) -> None:
    with standing(tmp_path / "trust") as stand:
        token, again = stand.begin(), stand.begin()
        stand.start(token)
        stand.click(token)
        signed = base64.b64decode(stand.result(token)["signResult"])
        judge = stand.adapter(person())
        verdict = judge.judge(signed, DIGEST)
        assert verdict.ok
        [serial] = [cert.serial_number for role, _, cert in stand.service.pki.issued() if role == "person"]
        stand.service.revoke(serial)
        stand.start(again)
        stand.click(again)
        assert stand.result(again)["error"] == "ERROR: the person's certificate is revoked"
        assert "no s'ha pogut signar" in Page(f"{stand.url}{PATH}/?id={again}").text


def test_what_was_to_be_signed_is_forgotten_and_tokens_are_not_kept(tmp_path: Path) -> None:
    with standing(tmp_path / "trust") as stand:
        token = stand.begin()
        stand.start(token, Document("acta", b"very secret minutes"), mode=26)
        stand.click(token)
        assert stand.result(token)["status"] == "OK"
        [(asked,)] = stand.service.signador._rows("SELECT asked FROM processes")
        assert asked == ""
    stored = b"".join(each.read_bytes() for each in (tmp_path / "trust" / "signador").iterdir())
    assert token.encode() not in stored
    assert base64.b64encode(b"very secret minutes") not in stored


def test_a_restart_in_the_middle_changes_nothing(tmp_path: Path) -> None:
    with standing(tmp_path / "trust") as stand:
        token = stand.begin()
        stand.start(token)
    with standing(tmp_path / "trust") as stand:
        assert stand.result(token)["error"] == WAITING
        stand.click(token)
        kept = stand.result(token)
    with standing(tmp_path / "trust") as stand:
        assert stand.result(token) == kept


def test_domains_are_registered_by_the_operator_alone(stand: Stand) -> None:
    assert stand.service.register_domain(DOMAIN, TOWN) == stand.key
    with pytest.raises(ValueError, match="another administration's"):
        stand.service.register_domain(DOMAIN, OTHER)
    with pytest.raises(ValueError, match="expected a domain"):
        stand.service.register_domain("javascript:alert(1)", TOWN)
    with pytest.raises(NotEnrolled):
        stand.service.register_domain("https://nobody.example", "9999990009")


def test_a_client_has_a_bounded_number_of_unfinished_processes(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("baas.trust_service.signador.keeping.MAX_OPEN", 3)
    given = stand.headers(OTHER_DOMAIN, stand.other_key)
    answers = [stand.get("/initProcess", given).json() for _ in range(6)]
    assert [each["status"] for each in answers][-1] == "KO" and "unfinished" in answers[-1]["message"]


def test_somebody_elses_server_is_not_believed(stand: Stand) -> None:
    for url in ("http://127.0.0.1:9", stand.url + "/elsewhere"):
        settings = ConnectorSettings(
            url, stand.service.roots_pem, Environment.LAB_EMULATOR, 2, "k", {"domain": DOMAIN}
        )
        adapter = SignadorAdapter.open(settings, person())
        with pytest.raises(ConnectorUnreachable):
            adapter.seal(DIGEST, Format.CADES, Level.T)
        adapter.close()
    wrong = ConnectorSettings(
        stand.url, stand.service.roots_pem, Environment.LAB_EMULATOR, 5, "k", {"domain": DOMAIN}
    )
    adapter = SignadorAdapter.open(wrong, person())
    with pytest.raises(ConnectorRefused, match="refused initProcess"):
        adapter.seal(DIGEST, Format.CADES, Level.T)
    adapter.close()
