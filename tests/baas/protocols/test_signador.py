"""Signador's messages: who asks, and what may be asked; each refusal says why."""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baas.ades.types import MADE, Format, Level
from baas.protocols.signador import (
    MODES,
    NOT_MADE,
    Document,
    SignadorRefused,
    Signature,
    authorization,
    authorized,
    date_text,
    headers,
    is_domain,
    mode_of,
    read_signature,
    read_start,
    signature_message,
    start_message,
)
from sandbox.errors import MalformedEvidence
from sandbox.evidence.digest import Digest

KEY, DOMAIN = b"changeit", "http://ajuntament.cat"
NOW = datetime(2026, 1, 28, 12, 21, tzinfo=UTC)
HASH = Document("acta-042", Digest("sha-256", bytes(32)))


def carried(key: bytes = KEY, domain: str = DOMAIN, now: datetime = NOW) -> dict[str, str]:
    return {name.lower(): value for name, value in headers(key, domain, now).items()}


def test_the_header_is_the_documentations() -> None:
    """HMAC-SHA-256("changeit", "http://ajuntament.cat_28/05/2016 13:21"), as openssl says:
    printf '%s' 'http://ajuntament.cat_28/05/2016 13:21' | openssl dgst -sha256 -hmac changeit -binary | base64"""
    expected = "SC boITGjG7MpFQmdxN+FMHpR3FcGmQptfBTu5yEtV8t6g="
    assert authorization(KEY, DOMAIN, "28/05/2016 13:21") == expected
    assert date_text(datetime(2016, 5, 28, 11, 21, tzinfo=UTC)) == "28/05/2016 13:21"


def test_who_has_the_key_within_an_hour() -> None:
    assert authorized(KEY, carried(), NOW)
    for minutes in (-59, 59):
        assert authorized(KEY, carried(now=NOW + timedelta(minutes=minutes)), NOW)
    for minutes in (-62, 62, 60 * 24 * 365):
        assert not authorized(KEY, carried(now=NOW + timedelta(minutes=minutes)), NOW)
    assert not authorized(b"another", carried(), NOW)
    assert not authorized(KEY, carried() | {"origin": "http://altre.cat"}, NOW)
    assert not authorized(KEY, carried() | {"date": date_text(NOW + timedelta(minutes=1))}, NOW)
    assert not authorized(KEY, {}, NOW)


@pytest.mark.parametrize(
    "date", ["", "28/13/2026 10:00", "2026-01-28 13:21", "28/01/2026 13:21:00", "28/01/26 13:21"]
)
def test_a_date_of_another_shape_is_not_believed_even_with_its_hmac(date: str) -> None:
    given = {"authorization": authorization(KEY, DOMAIN, date), "origin": DOMAIN, "date": date}
    assert not authorized(KEY, given, NOW)


def test_the_hour_that_comes_twice_is_either() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    for now in (first, first + timedelta(hours=1)):
        assert date_text(now) == "25/10/2026 02:30"
        assert authorized(KEY, carried(now=now), now)


def test_every_mode_of_the_documentation_is_made_or_refused() -> None:
    documented = {*range(1, 17), *range(21, 29)}
    assert MODES.keys() | NOT_MADE == documented and not MODES.keys() & NOT_MADE
    for mode in MODES.values():
        assert mode.level in MADE[mode.format]
    assert mode_of(Format.CADES, Level.T, hashes=True) == 27
    assert mode_of(Format.XADES, Level.T, hashes=False) == 15
    with pytest.raises(KeyError):
        mode_of(Format.PADES, Level.T, hashes=True)


@pytest.mark.parametrize("mode", MODES)
def test_what_a_client_asks_is_what_the_service_reads(mode: int) -> None:
    content: bytes | Digest = Digest("sha-256", bytes(32)) if MODES[mode].hashes else b"a document"
    documents = (Document("acta", content), Document("annex", content))
    start = read_start(start_message("t", "/signed?case=7", "Pilot P-7", mode, documents))
    assert (start.token, start.redirect, start.description) == ("t", "/signed?case=7", "Pilot P-7")
    assert (start.mode, start.documents, start.multiple) == (mode, documents, False)


GOOD = start_message("t", "/signed", "Pilot P-7", 27, (HASH,))


def changed(change: Callable[[dict[str, Any], dict[str, Any]], object]) -> dict[str, Any]:
    message = copy.deepcopy(GOOD)
    change(message, message["applet_cfg"])
    return message


def _hashes(number: int) -> Callable[[dict[str, Any], dict[str, Any]], object]:
    encoded = base64.b64encode(bytes(32)).decode()
    return lambda m, a: a.update(
        doc_name=";".join(map(str, range(number))), document_to_sign=";".join([encoded] * number)
    )


def _documents(number: int) -> Callable[[dict[str, Any], dict[str, Any]], object]:
    return lambda m, a: a.update(
        signature_mode="26",
        doc_type="4",
        doc_name=";".join(map(str, range(number))),
        document_to_sign=";".join(["YQ=="] * number),
    )


REFUSED: dict[str, tuple[Callable[[dict[str, Any], dict[str, Any]], object], str]] = {
    "both_ways_back": (lambda m, a: m.update(callbackUrl="/x"), "exactly one"),
    "no_way_back": (lambda m, a: m.update(redirectUrl=""), "exactly one"),
    "callback": (lambda m, a: m.update(redirectUrl="", callbackUrl="/x"), "callbackUrl is not served"),
    "redirect_elsewhere": (lambda m, a: m.update(redirectUrl="https://evil.example/"), "a path on"),
    "redirect_without_scheme": (lambda m, a: m.update(redirectUrl="//evil.example/"), "a path on"),
    "redirect_as_host": (lambda m, a: m.update(redirectUrl="@evil.example/"), "a path on"),
    "redirect_as_port": (lambda m, a: m.update(redirectUrl=":80@evil.example/"), "a path on"),
    "redirect_with_backslash": (lambda m, a: m.update(redirectUrl="/\\evil.example"), "a path on"),
    "redirect_with_line": (lambda m, a: m.update(redirectUrl="/x\r\nSet-Cookie: a=b"), "a path on"),
    "redirect_fragment": (lambda m, a: m.update(redirectUrl="/x#token"), "a path on"),
    "redirect_is_a_number": (lambda m, a: m.update(redirectUrl=1), "expected text"),
    "result_as_address": (lambda m, a: m.update(responseB64="false"), "only true"),
    "apsa": (lambda m, a: m.update(applet_apsa_cfg={}), "applet_apsa_cfg"),
    "no_configuration": (lambda m, a: m.pop("applet_cfg"), "expected an object"),
    "unknown_member": (lambda m, a: m.update(more="x"), "more is not served"),
    "keystore": (lambda m, a: a.update(keystore_type="2"), "keystore_type"),
    "mode_of_nobody": (lambda m, a: a.update(signature_mode="99"), "expected one of"),
    "mode_not_a_number": (lambda m, a: a.update(signature_mode="٢٧"), "expected one of"),
    "mode_cms": (lambda m, a: a.update(signature_mode="3"), "signature_mode 3 is not made here"),
    "mode_attached": (lambda m, a: a.update(signature_mode="25"), "signature_mode 25 is not made here"),
    "sha_1_by_default": (lambda m, a: a.pop("hash_algorithm"), "none, which is SHA-1"),
    "sha_1": (lambda m, a: a.update(hash_algorithm="SHA-1"), "got SHA-1"),
    "document_as_hash": (lambda m, a: a.update(doc_type="4"), "doc_type: expected 3"),
    "local_file": (lambda m, a: a.update(doc_type="2"), "doc_type: expected 3"),
    "address": (lambda m, a: a.update(doc_type="6", document_to_sign="aHR0cDovLzEyNy4wLjAuMS8="), "doc_type"),
    "hash_too_short": (lambda m, a: a.update(document_to_sign="YQ=="), "32 bytes, got 1"),
    "hash_of_another_algorithm": (lambda m, a: a.update(hash_algorithm="SHA-512"), "64 bytes, got 32"),
    "not_base64": (lambda m, a: a.update(document_to_sign="*"), "expected base64"),
    "nothing_to_sign": (lambda m, a: a.update(document_to_sign=""), "32 bytes, got 0"),
    "empty_document": (
        lambda m, a: a.update(signature_mode="26", doc_type="4", document_to_sign=""),
        "expected a document",
    ),
    "name_missing": (lambda m, a: a.update(doc_name=""), "doc_name"),
    "name_with_line": (lambda m, a: a.update(doc_name="a\nb"), "doc_name"),
    "name_too_long": (lambda m, a: a.update(doc_name="a" * 256), "doc_name"),
    "names_too_many": (lambda m, a: a.update(doc_name="a;b"), "as many different names"),
    "names_twice": (
        lambda m, a: a.update(doc_name="a;a", document_to_sign=";".join([a["document_to_sign"]] * 2)),
        "as many different names",
    ),
    "51_hashes": (_hashes(51), "at most 50"),
    "26_documents": (_documents(26), "at most 25"),
    "policy": (
        lambda m, a: a.update(ades_cfg={"signature_policy": "1.2.3"}),
        "signature_policy is not served",
    ),
    "other_authority": (
        lambda m, a: a.update(cms_cfg={"cmsts_tsa_url": "http://127.0.0.1"}),
        "cmsts_tsa_url",
    ),
    "filter": (lambda m, a: a.update(certs_cfg={"allowed_CAs": "EC-idCAT"}), "allowed_CAs is not served"),
    "drivers": (lambda m, a: a.update(pkcs11_files="/lib/x.so,1"), "pkcs11_files"),
    "visible_in_pdf": (
        lambda m, a: a.update(signature_mode="28", doc_type="4"),
        "pdf_visible_signature: only false",
    ),
    "xml_timestamp": (lambda m, a: a.update(signature_mode="16"), "includeXMLTimestamp: only false"),
    "configuration_is_a_list": (lambda m, a: a.update(certs_cfg=[]), "certs_cfg: expected an object"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_done_is_refused_with_its_reason(name: str) -> None:
    change, reason = REFUSED[name]
    with pytest.raises(SignadorRefused, match=reason):
        read_start(changed(change))


@pytest.mark.parametrize("value", [None, [], "x", 1])
def test_what_is_no_object(value: object) -> None:
    with pytest.raises(SignadorRefused, match="expected a JSON object"):
        read_start(value)


def test_the_limits_themselves_are_allowed() -> None:
    assert len(read_start(changed(_hashes(50))).documents) == 50
    assert len(read_start(changed(_documents(25))).documents) == 25


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda each: st.lists(each) | st.dictionaries(st.text(), each),
    )
)
def test_any_json_is_read_or_refused(value: object) -> None:
    for message in (value, GOOD | {"applet_cfg": value}):
        with pytest.raises(SignadorRefused):
            read_start(message)


@pytest.mark.parametrize(
    "domain",
    [
        "",
        "seu.example",
        "ftp://seu.example",
        "https://seu.example/",
        "https://a@b",
        "https://seu.example\r\n",
        "https://-",
    ],
)
def test_what_is_no_domain(domain: str) -> None:
    assert not is_domain(domain)
    assert is_domain("https://seu.example") and is_domain("http://127.0.0.1:8080")


def test_results_are_read_as_they_were_written() -> None:
    for found in (Signature("t", b"\x30\x00", "CMS", ""), Signature("t", b"", "", "CANCEL: no")):
        assert read_signature(signature_message(found, "https://seu.example/x")) == found
    for wrong in (
        {},
        {"status": "OK"},
        {"status": "OK", "signResult": "*"},
        {"status": "ok", "signResult": ""},
    ):
        with pytest.raises(MalformedEvidence):
            read_signature(wrong)
    assert read_signature({"status": "KO"}).error == "KO without a reason"
