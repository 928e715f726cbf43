"""`baas signature` as users meet it: a trust service in a process of its own, a command in another, files in between."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.baas.trust_service.standalone import Standalone
from tests.baas.trust_service.test_signador import person
from tests.test_cli import Done, Shell, in_process

CODE = "9999990001"


@dataclass(frozen=True)
class Place:
    shell: Shell
    service: Standalone
    document: Path
    secret: Path

    @property
    def asked(self) -> list[str]:
        return ["--url", self.service.url, "--root", str(self.service.roots)]

    @property
    def sealing(self) -> list[str]:
        return [*self.asked, "--administration", CODE, "--secret-file", str(self.secret)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    home = tmp_path_factory.mktemp("signature")
    service = Standalone.start(home / "trust-service")
    with service.office() as office:
        made = office.post("/registration/seals", json={"code": CODE, "name": "Ajuntament fictici"}).json()
    (home / "secret").write_text(made["secret"] + "\n", encoding="utf-8")
    (home / "seal.pem").write_text(made["certificate"], encoding="utf-8")
    (home / "acta.txt").write_text("Acta fictícia\n", encoding="utf-8")
    yield Place(Shell(home), service, home / "acta.txt", home / "secret")
    service.kill()


@pytest.fixture
def here(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    return in_process(place.shell, monkeypatch, capsys)


def test_a_document_is_sealed_and_judged_by_the_service_and_offline(
    place: Place, here: Callable[..., Done]
) -> None:
    shell, seal = place.shell, place.shell.home / "acta.p7s"
    made = shell.ok("signature", "seal", place.document, *place.sealing, "--out", seal)
    assert (made["sealed_by"], made["qualified"], made["level"]) == ("Ajuntament fictici", False, "b-t")
    apart = ["--document", place.document]
    asked = here("signature", "validate", seal, *apart, *place.asked, "--json").json
    assert (asked["indication"], asked["judged_by"]) == ("TOTAL-PASSED", "embedded")
    root = ["--root", place.service.roots]
    offline = here("signature", "validate", seal, *apart, *root, "--json").json
    assert (offline["indication"], offline["judged_by"]) == ("TOTAL-PASSED", "here, offline")
    assert offline["proven_time"] is not None


def test_another_document_fails_with_the_code_of_both_vocabularies(
    place: Place, here: Callable[..., Done]
) -> None:
    seal = place.shell.home / "altra.p7s"
    assert here("signature", "seal", place.document, *place.sealing, "--out", seal).code == 0
    other = place.shell.home / "altra.txt"
    other.write_text("Acta canviada\n", encoding="utf-8")
    for where in (place.asked, ["--root", str(place.service.roots)]):
        done = here("signature", "validate", seal, "--document", other, *where, "--json")
        assert done.code != 0
        found = done.json
        assert (found["indication"], found["sub_indication"]) == ("TOTAL-FAILED", "HASH_FAILURE")
        assert ":invalid:" in found["result_minor"]


def test_a_token_is_what_openssl_reads(place: Place, here: Callable[..., Done]) -> None:
    token = place.shell.home / "acta.tst"
    made = here("signature", "timestamp", place.document, *place.asked, "--out", token, "--json").json
    assert made["policy"].startswith("2.25.")
    assert hashlib.sha256(place.document.read_bytes()).digest() in token.read_bytes()
    found = here("signature", "validate", token, "--document", place.document, *place.asked, "--json").json
    assert found["indication"] == "TOTAL-PASSED"


def test_a_certificate_is_looked_up_by_its_owner(place: Place, here: Callable[..., Done]) -> None:
    found = here("signature", "certificate", place.shell.home / "seal.pem", *place.asked, "--json").json
    assert found["indication"] == "TOTAL-PASSED"
    assert found["certificate"]["OrganizationName"] == "Ajuntament fictici"


def test_a_person_signs_at_the_page_that_the_command_shows(place: Place, here: Callable[..., Done]) -> None:
    domain, home = "https://seu.example", place.shell.home
    with place.service.office() as office:
        given = office.post("/registration/domains", json={"domain": domain, "code": CODE}).json()
        assert (
            office.post("/registration/domains", json={"domain": domain, "code": "9999990009"}).status_code
            != 200
        )
    (home / "key").write_text(given["key"], encoding="utf-8")
    arguments = [*place.asked, "--domain", domain, "--key-file", home / "key", "--out", home / "signat.p7s"]
    with place.shell.start("signature", "sign", place.document, *arguments, "--json") as process:
        assert process.stderr is not None
        shown = process.stderr.readline()
        assert shown.startswith("sign at "), shown
        person(after=0)(shown.removeprefix("sign at ").strip())
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert json.loads(out)["signed_by"].endswith("(Sandbox)")
    apart = ["--document", place.document]
    found = here("signature", "validate", home / "signat.p7s", *apart, *place.asked, "--json").json
    assert found["indication"] == "TOTAL-PASSED"


@pytest.mark.long
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"--secret-file": "acta.txt"}, "refused"),
        ({"--administration": "9999990009"}, "refused"),
        ({"--root": "acta.txt"}, "expected certificates in PEM"),
        ({"--url": "http://127.0.0.1:1"}, "cannot be reached"),
    ],
)
def test_a_mistake_is_told(
    place: Place, here: Callable[..., Done], change: dict[str, str], said: str
) -> None:
    arguments = place.sealing
    for option, value in change.items():
        wrong = value if "://" in value or value.isdigit() else str(place.shell.home / value)
        arguments[arguments.index(option) + 1] = wrong
    done = here("signature", "seal", place.document, *arguments, "--out", place.shell.home / "none.p7s")
    assert done.code not in (0, 7), done.err
    assert said in done.err
    assert not (place.shell.home / "none.p7s").exists()
