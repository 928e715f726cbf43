"""The issuer's site and the arm `csv`, over a real socket: what the site says, what it hides, and what its owner can do."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import httpx2
import pytest

from baas.connectors import (
    ConnectorRefused,
    ConnectorSettings,
    ConnectorUnreachable,
    Environment,
    NotOffline,
)
from baas.connectors.csv import CsvConnector
from baas.protocols.secure_code import MAX_DOCUMENT_BYTES, Held, new_code
from baas.trust_service.secure_codes import PATH, SecureCodes, routes
from sandbox.errors import MalformedEvidence, VerificationError
from tests.baas.conftest import ShiftedClock
from tests.baas.trust_service.stands import OTHER, SECRETS, TOWN, authenticate, serving

DOCUMENT = b"Decret d'alcaldia 2026/42, fictici"
DIGEST = hashlib.sha256(DOCUMENT).digest()
NAME = "Vilafictícia <script>alert('x')</script> \" onload=\"x"


@dataclass
class Site:
    url: str
    codes: SecureCodes

    def arm(self, administration: str = TOWN, secret: str | None = None) -> CsvConnector:
        return CsvConnector.open(
            ConnectorSettings(
                self.url,
                b"",
                Environment.LAB_EMULATOR,
                5,
                SECRETS[administration] if secret is None else secret,
                {"administration": administration},
            )
        )

    def get(self, path: str, **headers: str) -> httpx2.Response:
        return httpx2.get(self.url + path, headers=headers, trust_env=False)

    def post(self, content: bytes) -> httpx2.Response:
        return httpx2.post(self.url + PATH, content=content, auth=(TOWN, SECRETS[TOWN]), trust_env=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    codes = SecureCodes.open(tmp_path_factory.mktemp("csv"), ShiftedClock())
    with serving(routes(codes, authenticate, lambda code: NAME)) as url:
        yield Site(url, codes)
    codes.close()


@pytest.fixture
def arm(site: Site) -> Iterator[CsvConnector]:
    opened = site.arm()
    yield opened
    opened.close()


def test_a_digest_is_stated_and_confirmed_and_never_verified_offline(site: Site, arm: CsvConnector) -> None:
    evidence = arm.submit(DIGEST)
    assert arm.confirm(DIGEST, evidence.content) == evidence
    with pytest.raises(NotOffline, match="proves nothing by itself"):
        arm.verify(DIGEST, evidence.content)
    with pytest.raises(VerificationError, match="another document") as other:
        arm.verify(bytes(32), evidence.content)
    assert not isinstance(other.value, NotOffline)
    assert not arm.capabilities.verifies_offline
    assert arm.health().ok


def test_a_document_is_kept_and_fetched_by_anybody_with_its_code(site: Site, arm: CsvConnector) -> None:
    evidence = arm.submit_document(DOCUMENT, "text/plain")
    assert arm.confirm(DIGEST, evidence.content) == evidence
    held = Held.decode(evidence.content)
    copy = site.get(f"{PATH}/{held.code}/copy")
    assert copy.content == DOCUMENT
    assert copy.headers["content-disposition"] == f'attachment; filename="{held.code}.txt"'
    assert copy.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in copy.headers["content-security-policy"]


def test_what_the_owner_of_the_site_does_to_a_code(site: Site, arm: CsvConnector) -> None:
    """Each is noticed by whoever kept the digest, and proved by nobody: the site's word stands against theirs."""
    deleted, replaced, redated = (arm.submit(DIGEST) for _ in range(3))
    site.codes.delete(Held.decode(deleted.content).code)
    with pytest.raises(ConnectorRefused) as refusal:
        arm.confirm(DIGEST, deleted.content)
    assert refusal.value.reason == "unknown_code"
    site.codes.replace(Held.decode(replaced.content).code, bytes(32))
    with pytest.raises(VerificationError, match="another document"):
        arm.confirm(DIGEST, replaced.content)
    code = Held.decode(redated.content).code
    kept = site.codes.find(code)
    assert kept is not None
    site.codes.replace(code, DIGEST, time=kept.time.replace(year=2020))
    assert arm.confirm(DIGEST, redated.content) == redated  # back-dated, and confirmed all the same
    assert "2020" in site.get(f"{PATH}/{code}").text
    with pytest.raises(KeyError):
        site.codes.replace(new_code(), DIGEST)


def test_a_document_put_in_the_place_of_a_statement_is_another(site: Site, arm: CsvConnector) -> None:
    evidence = arm.submit(DIGEST)
    site.codes.replace(Held.decode(evidence.content).code, DIGEST, DOCUMENT, "text/plain")
    with pytest.raises(VerificationError, match="expected the statement"):
        arm.confirm(DIGEST, evidence.content)


def test_every_unknown_code_gets_the_same_answer(site: Site, arm: CsvConnector) -> None:
    code = Held.decode(arm.submit(DIGEST).content).code
    deleted = Held.decode(arm.submit(DIGEST).content).code
    site.codes.delete(deleted)
    swapped = code[1] + code[0] + code[2:] if code[0] != code[1] else "Z" + code[1:]
    unknown = [
        new_code(),
        deleted,
        swapped,
        "x",
        "%2e%2e",
        "A" * 5000,
        "%3Cscript%3E",
        "%00",
        "'; DROP TABLE codes; --",
    ]
    pages = {(each.status_code, each.content) for each in (site.get(f"{PATH}/{code}") for code in unknown)}
    pages.add((404, site.get(f"{PATH}?code=x").content))
    copies = {
        (each.status_code, each.content) for each in (site.get(f"{PATH}/{code}/copy") for code in unknown)
    }
    assert len(pages) == len(copies) == 1
    assert {status for status, _ in pages | copies} == {404}
    assert site.get(f"{PATH}/{code.lower().replace('-', '')}").status_code == 200


class _Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("ca", ("codi segur de verificació", "Només l'ens emissor", "empremta electrònica")),
        ("es", ("código seguro de verificación", "Solo el organismo emisor", "huella electrónica")),
        ("en", ("secure verification code", "Only the issuer", "digest")),
    ],
)
def test_the_page_says_what_it_is_and_its_limits(
    site: Site, arm: CsvConnector, language: str, words: tuple[str, ...]
) -> None:
    code = Held.decode(arm.submit(DIGEST).content).code
    answer = site.get(f"{PATH}/{code}", **{"Accept-Language": f"fr, {language}-ES;q=0.8"})
    page = _Page(answer.text)
    assert page.tags[0] == ("html", {"lang": language})
    for each in (*words, "Sandbox", code, DIGEST.hex(), TOWN):
        assert each in page.text
    assert NAME in page.text  # as text
    assert [tag for tag, _ in page.tags if tag in ("script", "iframe", "img", "object")] == []
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    other = next(
        a["href"] for tag, a in page.tags if tag == "a" and a.get("hreflang") not in (None, language)
    )
    assert other is not None and site.get(f"{PATH}/{code}{other}").status_code == 200


def test_a_code_is_typed_into_a_form(site: Site, arm: CsvConnector) -> None:
    ask = _Page(site.get(PATH).text)
    fields = {a.get("id"): a for tag, a in ask.tags if tag == "input"}
    assert ("label", {"for": "code"}) in ask.tags and fields["code"]["aria-describedby"] == "hint"
    code = Held.decode(arm.submit(DIGEST).content).code
    typed = code.lower().replace("-", " ")
    found = httpx2.get(
        site.url + PATH, params={"code": typed, "language": "en"}, follow_redirects=True, trust_env=False
    )
    assert found.status_code == 200 and code in found.text and '<html lang="en">' in found.text
    unknown = _Page(site.get(f"{PATH}?code=x&language=ca").text)
    assert any(a.get("role") == "alert" for _, a in unknown.tags)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"[" * 4000,
        b"\xff",
        json.dumps({"digest": DIGEST.hex().upper()}).encode(),
        json.dumps({"digest": 1}).encode(),
        json.dumps({"document": base64.b64encode(DOCUMENT).decode()}).encode(),
        json.dumps({"digest": DIGEST.hex(), "more": ""}).encode(),
        json.dumps({"digest": DIGEST.hex(), "document": "*"}).encode(),
        json.dumps({"digest": DIGEST.hex(), "document": "ñ"}).encode(),
        json.dumps({"digest": DIGEST.hex(), "document": base64.b64encode(b"another").decode()}).encode(),
        json.dumps(
            {
                "digest": DIGEST.hex(),
                "document": base64.b64encode(DOCUMENT).decode(),
                "media_type": "text/html",
            }
        ).encode(),
        json.dumps(
            {"digest": hashlib.sha256(bytes(MAX_DOCUMENT_BYTES + 1)).hexdigest()}
            | {"document": base64.b64encode(bytes(MAX_DOCUMENT_BYTES + 1)).decode()}
        ).encode(),
        b" " * (4 << 20),
    ],
)
def test_what_is_not_kept(site: Site, body: bytes) -> None:
    answer = site.post(body)
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_request")


def test_nobody_issues_without_a_secret(site: Site) -> None:
    asked = {"digest": DIGEST.hex()}
    for auth in (None, (TOWN, "wrong"), (TOWN, SECRETS[OTHER]), ("9999990009", ""), ("", ""), (TOWN, "")):
        answer = httpx2.post(site.url + PATH, json=asked, auth=auth, trust_env=False)
        assert (answer.status_code, answer.json()["error"]) == (401, "unauthenticated")


def test_evidence_that_leads_elsewhere_is_not_followed(site: Site, arm: CsvConnector) -> None:
    """The address in it is for people: the connector asks its own site, which knows nothing of the code."""
    foreign = Held(
        new_code(), "http://169.254.169.254/latest", TOWN, ShiftedClock().now(), DIGEST, whole=False
    )
    with pytest.raises(ConnectorRefused) as refusal:
        arm.confirm(DIGEST, foreign.encode())
    assert refusal.value.reason == "unknown_code" and site.url in str(refusal.value)
    with pytest.raises(MalformedEvidence):
        arm.confirm(DIGEST, b"{}")


def test_a_site_that_is_gone_or_is_something_else(site: Site, arm: CsvConnector) -> None:
    evidence = arm.submit(DIGEST)
    for url in ("http://127.0.0.1:9", site.url + "/elsewhere"):
        gone = CsvConnector.open(ConnectorSettings(url, b"", Environment.LAB_EMULATOR, 2))
        with pytest.raises(ConnectorUnreachable):
            gone.submit(DIGEST)
        with pytest.raises(ConnectorUnreachable):
            gone.confirm(DIGEST, evidence.content)
        assert not gone.health().ok
        gone.close()


def test_codes_are_not_in_the_table_and_survive_a_restart(tmp_path: Path) -> None:
    codes = SecureCodes.open(tmp_path, ShiftedClock())
    issued = [codes.issue(TOWN, DIGEST, DOCUMENT, "text/plain"), codes.issue(TOWN, DIGEST)]
    codes.close()
    stored = b"".join(each.read_bytes() for each in tmp_path.iterdir())
    for kept in issued:
        assert kept.code.encode() not in stored and kept.code.replace("-", "").encode() not in stored
    assert {each.stat().st_mode & 0o077 for each in tmp_path.iterdir()} == {0}
    again = SecureCodes.open(tmp_path, ShiftedClock())
    assert [again.find(kept.code) for kept in issued] == issued
    again.close()


def test_a_code_that_came_twice_is_not_issued_twice(tmp_path: Path) -> None:
    """120 bits do not repeat; were they to, the first document keeps its code."""
    codes = SecureCodes.open(tmp_path, ShiftedClock(), code=lambda: "00000-00000-00000-00000-00000")
    first = codes.issue(TOWN, DIGEST)
    with pytest.raises(Exception, match="UNIQUE"):
        codes.issue(TOWN, bytes(32))
    assert codes.find(first.code) == first
    codes.close()
