"""The pages of a chain's state over real HTTP: snapshots, going back, clones, copies that travel, and the clock."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import httpx2
import pytest

from baas.tenancy import Role
from sandbox.chain import Chain
from sandbox.spec import ChainSpec
from tests.baas.console.person import Person, words
from tests.baas.console.town import CODE, Town, made, problem
from tests.baas.flows import ok
from tests.far_endpoint import Answering, served


@pytest.fixture
def chain(town: Town, request: pytest.FixtureRequest) -> str:
    """A fresh chain with one account, that the test may do anything with."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())[:40].strip("-")
    found = made(town, name)
    assert town.developer.post(f"/console/chains/{found}/accounts", label="nou").status_code == 303
    return found


def send(town: Town, chain: str) -> int:
    """One more block; the number of the newest."""
    body = {"account": "anchoring", "to": "0x" + "66" * 20, "data": "0x00"}
    ok(town.api.post(f"/chains/{chain}/transactions", json=body), 202)
    awake = town.server.services.chains.awake(chain)
    awake.settle()
    return int(awake.head().number)


def page(person: Person, chain: str) -> str:
    return words(person.get(f"/console/chains/{chain}/snapshots"))


def test_a_snapshot_is_taken_verified_gone_back_to_and_forgotten(town: Town, chain: str) -> None:
    base = f"/console/chains/{chain}/snapshots"
    number = send(town, chain)
    assert town.auditor.post(base, name="abans").status_code == 403
    assert town.developer.post(base, name="abans").status_code == 303
    assert f"Bloc {number} 0x" in page(town.auditor, chain)
    assert "Va fer la instantània «abans»" in page(town.auditor, chain)
    assert "Ja hi ha una instantània que es diu «abans»" in problem(town.developer.post(base, name="abans"))
    assert "Aquest nom no serveix" in problem(town.developer.post(base, name="Abans d'ara"))
    assert "és correcta: s'ha tornat a calcular" in words(town.auditor.post(f"{base}/abans/verify"))
    assert "ja no hi és" in problem(town.auditor.post(f"{base}/mai/verify"))

    assert send(town, chain) == number + 1
    assert "/restore" not in town.developer.get(base).text
    assert town.developer.post(f"{base}/abans/restore", confirm="yes").status_code == 403
    assert "marqueu que enteneu" in problem(town.admin.post(f"{base}/abans/restore"))
    assert "ja no hi és" in problem(town.admin.post(f"{base}/mai/restore", confirm="yes"))
    assert town.admin.post(f"{base}/abans/restore", confirm="yes").status_code == 303
    assert town.server.services.chains.awake(chain).head().number == number
    assert f"es van abandonar els blocs fins al {number + 1}" in page(town.auditor, chain)

    assert town.developer.post(f"{base}/abans/remove").status_code == 303
    assert "Encara no hi ha cap instantània" in page(town.auditor, chain)
    assert town.developer.post(f"{base}/abans/remove").status_code == 404


def test_a_snapshot_of_what_was_left_behind_says_so(town: Town, chain: str) -> None:
    base = f"/console/chains/{chain}/snapshots"
    for name in ("primera", "segona"):
        send(town, chain)
        assert town.developer.post(base, name=name).status_code == 303
    assert town.admin.post(f"{base}/primera/restore", confirm="yes").status_code == 303
    assert "ja no és de la cadena" in words(town.auditor.post(f"{base}/segona/verify"))
    assert "ja es va abandonar" in problem(town.admin.post(f"{base}/segona/restore", confirm="yes"))


def test_where_evidence_stands_nothing_goes_back_and_the_way_out_is_a_clone(town: Town, chain: str) -> None:
    base = f"/console/chains/{chain}/snapshots"
    send(town, chain)
    assert town.developer.post(base, name="abans").status_code == 303
    town.server.services.chains.awake(chain).mark_anchored()
    shown = town.admin.get(base)
    assert "no es pot tornar enrere" in words(shown)
    assert "/restore" not in shown.text
    assert "Feu-ne un clon" in problem(town.admin.post(f"{base}/abans/restore", confirm="yes"))
    answer = town.developer.post(f"/console/chains/{chain}/clone", label="el-clon", snapshot="abans")
    assert answer.status_code == 303
    clone = words(town.auditor.get(answer.headers["location"]))
    assert "És un clon comença amb l'estat del bloc" in clone
    assert "Va començar com a clon" in words(town.auditor.get(f"{answer.headers['location']}/snapshots"))
    assert "Se'n va fer un clon" in page(town.auditor, chain)


def test_a_mistake_in_a_clone_is_told(town: Town, chain: str) -> None:
    address = f"/console/chains/{chain}/clone"
    assert "Aquest nom no serveix" in problem(town.developer.post(address, label="El clon"))
    assert "ja té una cadena que es diu «decrets»" in problem(town.developer.post(address, label="decrets"))
    assert "ja no hi és" in problem(town.developer.post(address, label="el-clon-2", snapshot="mai"))
    assert town.auditor.post(address, label="el-clon-2").status_code == 403


def upload(person: Person, archive: bytes, **fields: str) -> httpx2.Response:
    return person.http.post(
        "/console/chains/import",
        data={"csrf_token": person.csrf(), "administration": CODE, **fields},
        files={"archive": ("cadena.zip", archive, "application/zip")},
        headers={"Origin": person.url, "Sec-Fetch-Site": "same-origin"},
    )


def test_an_exported_chain_comes_back_as_a_clone_and_a_changed_byte_is_refused(
    town: Town, chain: str
) -> None:
    send(town, chain)
    answer = town.developer.post(f"/console/chains/{chain}/export")
    assert answer.headers["content-type"] == "application/zip"
    number = ok(town.api.get(f"/chains/{chain}"))["chain_id"]
    assert answer.headers["content-disposition"] == f'attachment; filename="chain-{number}.zip"'
    archive = answer.content
    assert "manifest.note" in zipfile.ZipFile(io.BytesIO(archive)).namelist()
    assert "La va exportar" in page(town.auditor, chain)

    before = town.admin.get("/console/chains").text.count("<tr>")
    assert "ja s'ha fet servir aquí. Importeu-la com a clon." in problem(
        upload(town.admin, archive, label="tornada")
    )
    changed = bytearray(archive)
    changed[len(changed) // 2] ^= 1
    refused = problem(upload(town.admin, bytes(changed), label="tornada", as_clone="yes"))
    assert "El fitxer s'ha rebutjat" in refused
    assert "El fitxer s'ha rebutjat" in problem(upload(town.admin, b"no", label="tornada", as_clone="yes"))
    other = "x+1a2b3c4d+" + "A" * 44
    assert "El fitxer s'ha rebutjat" in problem(
        upload(town.admin, archive, label="tornada", as_clone="yes", sealing_key=other)
    )
    assert "Trieu el fitxer ZIP" in problem(upload(town.admin, b"", label="tornada"))
    assert "Aquest nom no serveix" in problem(upload(town.admin, archive, label="La tornada"))
    assert upload(town.developer, archive, label="tornada", as_clone="yes").status_code == 403
    assert town.admin.get("/console/chains").text.count("<tr>") == before
    assert 'action="/console/chains/import"' not in town.developer.get("/console/chains").text

    key = re.findall(r"[^\s<>]+\+[0-9a-f]{8}\+[\w/+=]{40,}", town.admin.get(f"/console/chains/{chain}").text)[
        0
    ]
    done = upload(town.admin, archive, label="tornada", as_clone="yes", sealing_key=key)
    assert done.status_code == 303, words(done)
    assert "És un clon" in words(town.auditor.get(done.headers["location"]))
    assert "Va arribar importada" in words(town.auditor.get(f"{done.headers['location']}/snapshots"))


def test_an_upload_from_elsewhere_or_without_the_sessions_token_is_refused(town: Town) -> None:
    own = {"Origin": town.admin.url, "Sec-Fetch-Site": "same-origin"}
    for headers, token in (
        ({"Origin": "https://elsewhere.example"}, town.admin.csrf()),
        (own, "x" * 43),
        (own, ""),
    ):
        answer = town.admin.http.post(
            "/console/chains/import",
            data={"csrf_token": token, "administration": CODE, "label": "x"},
            files={"archive": ("cadena.zip", b"PK", "application/zip")},
            headers=headers,
        )
        assert answer.status_code == 403


def test_a_moved_clock_is_flagged_with_who_did_it(town: Town, chain: str) -> None:
    address = f"/console/chains/{chain}/clock"
    assert "Va amb l'hora real" in page(town.auditor, chain)
    assert "/clock" not in town.developer.get(f"/console/chains/{chain}/snapshots").text
    moved = {"amount": "2", "unit": "hours", "confirm": "yes"}
    assert town.developer.post(address, **moved).status_code == 403
    for wrong in (
        {"amount": ""},
        {"amount": "0"},
        {"amount": "1.5"},
        {"amount": "1000000"},
        {"unit": "years"},
    ):
        assert "Digueu quant s'ha de moure" in problem(town.admin.post(address, **(moved | wrong)))
    assert "No s'ha mogut: marqueu" in problem(town.admin.post(address, amount="2", unit="hours"))
    assert "no pot anar enrere" in problem(town.admin.post(address, **(moved | {"amount": "-2"})))
    assert town.admin.post(address, **moved).status_code == 303
    assert "Aquest rellotge s'ha mogut una vegada" in page(town.auditor, chain)
    assert town.admin.post(address, **moved).status_code == 303
    shown = page(town.auditor, chain)
    assert "Aquest rellotge s'ha mogut 2 vegades" in shown
    assert "Va 4 hores per davant de l'hora real" in shown
    assert "Va moure el rellotge 7200 segons." in shown


def test_a_network_elsewhere_is_adopted_by_its_name_and_says_what_it_has_not(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.administration(CODE)
    person = Person(server)
    person.sign_in(server.token_of(server.member(CODE, *Role)["id"]))
    spec = ChainSpec(chain_id=4711, genesis_time=1_700_000_000, seal_after_ms=10)
    with Chain.create(tmp_path / "far", spec) as far, served(Answering(far)) as url:
        named = tmp_path / "endpoints.toml"
        named.write_text(f'[besu-lab]\nurl = "{url}"\n')
        monkeypatch.setenv("BAAS_ENDPOINTS", str(named))
        asked = {"administration": CODE, "label": "xarxa", "engine": "remote", "endpoint": "besu-lab"}
        answer = person.post("/console/chains", **asked)
        assert answer.status_code == 303, words(answer)
        base = answer.headers["location"]
        assert "Xarxa externa" in words(person.get(base))
        for tab in ("permissions", "accounts", "connect"):
            assert person.get(f"{base}/{tab}").status_code == 200
        shown = person.get(f"{base}/snapshots")
        assert "Els blocs d'aquesta cadena els fa una xarxa externa" in words(shown)
        assert "/clock" not in shown.text
        refused = person.post(f"{base}/snapshots", name="abans")
        assert (refused.status_code, "refusat" in words(refused)) == (409, True)
        again = person.post("/console/chains", **(asked | {"label": "xarxa-2"}))
        assert "o ja és d'una altra cadena" in problem(again)
        person.post(f"{base}/stop")
