"""Receipts in every format over HTTP: the media type, the same proof, the same bytes each time."""

from __future__ import annotations

from typing import Any

import pytest

from baas.receipts import RENDERINGS, Format
from sandbox.evidence import encodings, trust
from sandbox.evidence.canonical import dumps
from sandbox.evidence.policy import LOG_ONLY, STANDARD
from tests.baas.flows import digest, notarise, ok, stamped, until

VERIFIED = [
    each for each in Format if each is not Format.QR
]  # an image, whose text tests/baas/receipts decodes
#: What is verified under the whole policy: the others carry no anchor.
ANCHORED = {Format.JSON: STANDARD, Format.PDF: STANDARD}


def trust_of(town: Any) -> trust.TrustRoot:
    return trust.parse(town.member.get(f"/administrations/{town.code}/trust").content)


def asked(town: Any, path: str, format_: Format, **params: str) -> bytes:
    answer = town.member.get(path, params={"format": str(format_), **params})
    assert answer.status_code == 200, answer.text
    rendering = RENDERINGS[format_]
    assert answer.headers["content-type"] == rendering.media_type
    assert answer.headers["content-disposition"].endswith(f'{rendering.suffix}"')
    return bytes(answer.content)


@pytest.mark.parametrize("format_", VERIFIED)
def test_a_documents_receipt(town: Any, format_: Format) -> None:
    document = f"in format {format_}".encode()
    item = notarise(town, digest(document))["items"][0]
    stamped(town, item)
    path = f"/notarisations/{item}/receipt"
    received = asked(town, path, format_)
    assert (asked(town, path, format_, lang="en") == received) is (format_ is not Format.PDF)
    assert asked(town, path, format_) == received
    policy = ANCHORED.get(format_, LOG_ONLY)
    assert encodings.verify(document, received, trust_of(town), policy).ok
    assert not encodings.verify(b"another", received, trust_of(town), policy).ok
    if format_ is Format.JSON:
        assert town.member.get(path).content == received


@pytest.mark.parametrize("format_", VERIFIED)
def test_a_rows_receipt(town: Any, format_: Format) -> None:
    place = ok(
        town.member.post(f"/chains/{town.chain['id']}/deployments", json={"template": "hash-registry"}), 201
    )
    body = {"administration": town.code, "name": f"de {format_}", "key": "numero", "columns": ["numero"]}
    register = ok(town.member.post("/registers", json={**body, "deployment": place["id"]}), 201)["id"]
    row = {"numero": "2026/0001"}
    ok(town.member.post(f"/registers/{register}/entries", json={"rows": [row]}), 202)
    until(lambda: ok(town.member.post(f"/registers/{register}/checkpoint"))["pending"] == 0 or None)
    received = asked(town, f"/registers/{register}/receipt", format_, key="2026/0001")
    assert encodings.verify(dumps(row), received, trust_of(town), ANCHORED.get(format_, LOG_ONLY)).ok


@pytest.mark.parametrize("query", [{"format": "docx"}, {"format": ""}, {"lang": "de"}])
def test_another_format_or_language_is_refused(town: Any, query: dict[str, str]) -> None:
    answer = town.member.get("/notarisations/01ARZ3NDEKTSV4RRFFQ69G5FAV-0/receipt", params=query)
    assert answer.status_code == 422
