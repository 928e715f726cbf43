"""What the client of a signature service does not believe: answers changed, replayed, wrapped, or of somebody else.

Between client and service stands a real server that a test lets change what passes.
"""

from __future__ import annotations

import base64
import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from asn1crypto import tsp
from lxml import etree

from baas.ades import xades
from baas.ades.types import Format, Level, Signer
from baas.ades.xml import making, sign_enveloped
from baas.clock import SystemClock
from baas.connectors import ConnectorRefused, ConnectorUnreachable, Environment
from baas.connectors.signature.psis import PsisAdapter
from baas.protocols import soap
from baas.protocols.dss import names, responses
from baas.protocols.dss.names import DS, DSS, XSS
from baas.protocols.rfc3161 import request_der
from baas.trust_service.service import TrustService
from sandbox.errors import MalformedEvidence, VerificationError
from sandbox.evidence.digest import Digest, digest_bytes
from tests.baas.trust_service.dss_place import Place, der, here

DIGEST = digest_bytes(b"a decree")
Change = Callable[[bytes], bytes]


def same(message: bytes) -> bytes:
    return message


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with here(tmp_path_factory.mktemp("trust")) as served:
        yield served


@contextmanager
def between(
    url: str, answer: Change = same, request: Change = same, *, status: int = 0, media_type: str = ""
) -> Iterator[str]:
    """A real server before the service; it changes the bodies of POSTs, and lets GETs pass."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {
                name: self.headers[name] for name in ("content-type", "authorization") if name in self.headers
            }
            with httpx2.Client(trust_env=False) as client:
                got = client.post(url + self.path, content=request(body), headers=headers)
            self._send(
                status or got.status_code, media_type or got.headers["content-type"], answer(got.content)
            )

        def do_GET(self) -> None:
            with httpx2.Client(trust_env=False) as client:
                got = client.get(url + self.path)
            self._send(got.status_code, got.headers["content-type"], got.content)

        def _send(self, code: int, kind: str, content: bytes) -> None:
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def asked(
    place: Place,
    answer: Change = same,
    request: Change = same,
    *,
    status: int = 0,
    media_type: str = "",
    **options: str,
) -> None:
    """The town's certificate, asked about through the server between."""
    with (
        between(place.url, answer, request, status=status, media_type=media_type) as url,
        place.adapter(url, **options) as adapter,
    ):
        assert adapter.validate_certificate(der(place.town.certificate)).verdict.ok


def changed(change: Callable[[etree._Element], None]) -> Change:
    """A change of the VerifyResponse in an envelope, in place."""

    def apply(message: bytes) -> bytes:
        envelope = etree.fromstring(message)
        [response] = envelope.iter(responses.VERIFY)
        change(response)
        return etree.tostring(envelope)

    return apply


def signed_again(signer: Signer) -> Change:
    """The same answer signed by somebody else."""

    def sign(response: etree._Element) -> None:
        [old] = response.iter(f"{{{DS}}}Signature")
        parent = old.getparent()
        assert parent is not None
        parent.remove(old)
        body = response.getparent()
        assert body is not None
        alone = deepcopy(response)
        sign_enveloped(alone, signer, within=responses.SIGNATURE_PLACE)
        body.replace(response, alone)

    return changed(sign)


def test_what_passes_unchanged_is_believed(place: Place) -> None:
    asked(place)


def test_a_verdict_that_was_changed(place: Place) -> None:
    def change(response: etree._Element) -> None:
        [name] = [
            found
            for found in response.iter(f"{{{XSS}}}Attribute")
            if found.get("Name", "").endswith("LegalEntityCIF")
        ]
        name[0].text = "P0000000X"

    with pytest.raises(VerificationError, match=r"not signed as a whole.*\(digest\)"):
        asked(place, changed(change))


def test_a_signature_value_that_was_changed(place: Place) -> None:
    def change(response: etree._Element) -> None:
        [value] = response.iter(f"{{{DS}}}SignatureValue")
        assert value.text is not None
        value.text = ("A" if value.text[0] != "A" else "B") + value.text[1:]

    with pytest.raises(VerificationError, match="not signed as a whole"):
        asked(place, changed(change))


def test_an_answer_without_a_signature(place: Place) -> None:
    def change(response: etree._Element) -> None:
        [signature] = response.iter(f"{{{DS}}}Signature")
        signature.getparent().remove(signature)  # type: ignore[union-attr]

    with pytest.raises(VerificationError, match="no_signature"):
        asked(place, changed(change))


def test_an_answer_signed_under_a_root_of_somebody_else(place: Place, tmp_path: Path) -> None:
    stranger = TrustService.open(tmp_path, SystemClock())
    try:
        with pytest.raises(
            VerificationError, match=r"NO_CERTIFICATE_CHAIN_FOUND|CERTIFICATE_CHAIN_GENERAL_FAILURE"
        ):
            asked(place, signed_again(stranger.pki.dss))
    finally:
        stranger.close()


def test_an_answer_signed_by_an_administration_under_the_same_root(place: Place) -> None:
    """The seal's certificate is as good as any: but it is no validation service's."""
    with pytest.raises(VerificationError, match="CHAIN_CONSTRAINTS_FAILURE"):
        asked(place, signed_again(place.other.signer))


def xades_again(signer: Signer) -> Change:
    """The same answer signed with XAdES, as PSIS signs its own."""

    def sign(response: etree._Element) -> None:
        [old] = response.iter(f"{{{DS}}}Signature")
        old.getparent().remove(old)  # type: ignore[union-attr]
        alone, body = deepcopy(response), response.getparent()
        assert body is not None
        [holder] = alone.iter(responses.SIGNATURE_PLACE[-1])
        draft = making.Draft.begin(signer, holder, id="answer")
        draft.planned.append(making.Planned("", alone, id="answer-whole", enveloped=True))
        xades._finish(draft, Level.B, None, datetime.now(UTC), "text/xml")
        body.replace(response, alone)

    return changed(sign)


def test_an_answer_signed_with_xades_is_believed_too(place: Place) -> None:
    asked(place, xades_again(place.service.pki.dss))


def test_an_answer_signed_with_xades_by_somebody_else(place: Place) -> None:
    with pytest.raises(VerificationError, match="CHAIN_CONSTRAINTS_FAILURE"):
        asked(place, xades_again(place.other.signer))


def test_an_answer_signed_with_xades_and_changed(place: Place) -> None:
    sign = xades_again(place.service.pki.dss)

    def change(message: bytes) -> bytes:
        return sign(message).replace(place.town.identifier.encode(), b"P0000000X")

    with pytest.raises(VerificationError, match="HASH_FAILURE"):
        asked(place, change)


def test_an_answer_to_another_request(place: Place) -> None:
    kept: list[bytes] = []

    def replay(message: bytes) -> bytes:
        kept.append(message)
        return kept[0]

    with between(place.url, replay) as url, place.adapter(url) as adapter:
        assert adapter.validate_certificate(der(place.town.certificate)).verdict.ok
        with pytest.raises(VerificationError, match="answers another request"):
            adapter.validate_certificate(der(place.town.certificate))


def test_an_answer_to_a_request_that_was_changed_on_its_way(place: Place) -> None:
    """Its RequestID is right: only the digest of what the service got tells."""
    good = place.service.pki.issue_person("Maria Prova", "00000000T")

    def swap(message: bytes) -> bytes:
        envelope = etree.fromstring(message)
        [certificate] = envelope.iter(f"{{{DS}}}X509Certificate")
        certificate.text = base64.b64encode(der(good.certificate)).decode()
        return etree.tostring(envelope)

    with pytest.raises(VerificationError, match="did not get what was asked"):
        asked(place, request=swap)


# XML signature wrapping: what is signed stands somewhere, and what is read stands elsewhere


def forged(response: etree._Element) -> etree._Element:
    """A copy of a response, without its signature, that says another name."""
    copy = deepcopy(response)
    for holder in list(copy.iter(f"{{{XSS}}}ResponseSignature")):
        holder.getparent().remove(holder)  # type: ignore[union-attr]
    for found in copy.iter(f"{{{XSS}}}Attribute"):
        if found.get("Name", "").endswith("LegalEntityCIF"):
            found[0].text = "P0000000X"
    return copy


def original_inside(envelope: etree._Element, response: etree._Element) -> None:
    """The signed response whole, as an output of the forged one."""
    body, false = response.getparent(), forged(response)
    assert body is not None
    etree.SubElement(false.find(f"{{{DSS}}}OptionalOutputs"), f"{{{DSS}}}Other").append(deepcopy(response))  # type: ignore[type-var]
    body.replace(response, false)


def original_in_its_own_signature_holder(envelope: etree._Element, response: etree._Element) -> None:
    body, false = response.getparent(), forged(response)
    assert body is not None
    place_ = responses.place_for_signature(false)
    place_.append(deepcopy(response))
    body.replace(response, false)


def original_before(envelope: etree._Element, response: etree._Element) -> None:
    response.addnext(forged(response))


def original_after(envelope: etree._Element, response: etree._Element) -> None:
    response.addprevious(forged(response))


def original_in_the_header(envelope: etree._Element, response: etree._Element) -> None:
    body, false = response.getparent(), forged(response)
    assert body is not None
    body.replace(response, false)
    header = etree.Element(f"{{{soap.NAMESPACE}}}Header")
    envelope.insert(0, header)
    header.append(response)


def original_in_a_second_body(envelope: etree._Element, response: etree._Element) -> None:
    body, false = response.getparent(), forged(response)
    assert body is not None
    body.replace(response, false)
    etree.SubElement(envelope, f"{{{soap.NAMESPACE}}}Body").append(response)


def original_in_an_object(envelope: etree._Element, response: etree._Element) -> None:
    """The classical one: the signed element moved into the signature, which now stands in the forged response."""
    body, false = response.getparent(), forged(response)
    assert body is not None
    signature = next(response.iter(f"{{{DS}}}Signature"))
    moved = deepcopy(signature)
    whole = deepcopy(response)
    etree.SubElement(moved, f"{{{DS}}}Object").append(whole)
    responses.place_for_signature(false).append(moved)
    body.replace(response, false)


def signature_alone(envelope: etree._Element, response: etree._Element) -> None:
    """The signature of the original, moved to the forged response."""
    body, false = response.getparent(), forged(response)
    assert body is not None
    responses.place_for_signature(false).append(deepcopy(next(response.iter(f"{{{DS}}}Signature"))))
    body.replace(response, false)


def two_signatures(envelope: etree._Element, response: etree._Element) -> None:
    body, false = response.getparent(), forged(response)
    assert body is not None
    holder = responses.place_for_signature(false)
    for _ in range(2):
        holder.append(deepcopy(next(response.iter(f"{{{DS}}}Signature"))))
    body.replace(response, false)


def reference_by_id(envelope: etree._Element, response: etree._Element) -> None:
    """The reference renamed to an identifier that the original gets, which the forged response does not have."""
    body, false = response.getparent(), forged(response)
    assert body is not None
    original = deepcopy(response)
    signature = next(original.iter(f"{{{DS}}}Signature"))
    next(signature.iter(f"{{{DS}}}Reference")).set("URI", "#original")
    original.set("Id", "original")
    etree.SubElement(false.find(f"{{{DSS}}}OptionalOutputs"), f"{{{DSS}}}Other").append(original)  # type: ignore[type-var]
    body.replace(response, false)


@pytest.mark.parametrize(
    ("shape", "code"),
    [
        (original_inside, r"\(wrong_place\)"),
        (original_in_its_own_signature_holder, r"\(wrong_place\)"),
        (original_before, "expected one element in the Body, got 2"),
        (original_after, "expected one element in the Body, got 2"),
        (original_in_the_header, r"\(no_signature\)|\(wrong_place\)"),
        (original_in_a_second_body, "then one Body"),
        (original_in_an_object, r"\(several_signatures\)"),
        (signature_alone, r"\(digest\)"),
        (two_signatures, r"\(several_signatures\)"),
        (reference_by_id, r"\(wrong_place\)"),
    ],
    ids=lambda part: getattr(part, "__name__", None),
)
def test_a_wrapped_answer(
    place: Place, shape: Callable[[etree._Element, etree._Element], None], code: str
) -> None:
    def wrap(message: bytes) -> bytes:
        envelope = etree.fromstring(message)
        [response] = envelope.iter(responses.VERIFY)
        shape(envelope, response)
        return etree.tostring(envelope)

    with pytest.raises((VerificationError, MalformedEvidence), match=code):
        asked(place, wrap)


def test_a_comment_in_a_code_changes_nothing_of_what_is_read(place: Place) -> None:
    """Canonical form leaves comments out, so the signature holds; the reader must then read the whole text, not a part."""

    def change(response: etree._Element) -> None:
        [minor] = response.iter(f"{{{DSS}}}ResultMinor")
        assert minor.text is not None
        comment = etree.Comment("x")
        comment.tail, minor.text = minor.text[20:], minor.text[:20]
        minor.append(comment)

    asked(place, changed(change))


@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/evil.dtd">',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
    ],
    ids=["billion-laughs", "external-dtd", "external-entity"],
)
def test_an_answer_with_entities(place: Place, head: str) -> None:
    with pytest.raises(MalformedEvidence, match="document type declaration"):
        asked(place, lambda message: head.encode() + message.split(b"?>", 1)[1])


def test_the_service_that_signs_the_answers_was_revoked(tmp_path: Path) -> None:
    with here(tmp_path) as place:
        place.service.revoke(place.service.pki.dss.certificate.serial_number)
        with pytest.raises(VerificationError, match="REVOKED"):
            asked(place)


def test_a_fault_is_a_refusal_with_its_code(place: Place) -> None:
    with pytest.raises(ConnectorRefused) as caught:
        asked(place, request=lambda _: b"<not-soap/>")
    assert caught.value.reason == "Client"


def test_a_result_that_is_a_refusal_has_its_minor_as_reason(place: Place) -> None:
    def unknown(message: bytes) -> bytes:
        return message.replace(b'Profile="' + XSS.encode(), b'Profile="urn:unknown')

    with pytest.raises(ConnectorRefused) as caught:
        asked(place, request=unknown)
    assert caught.value.reason == names.NOT_SUPPORTED


def test_a_web_page_is_no_answer(place: Place) -> None:
    with pytest.raises(ConnectorUnreachable, match="is this the address"):
        asked(place, lambda _: b"<html/>", media_type="text/html")


def test_an_answer_that_is_no_envelope(place: Place) -> None:
    with pytest.raises(MalformedEvidence, match=r"SOAP 1\.1 Envelope"):
        asked(place, lambda _: b"<a/>")


def test_an_answer_without_end_is_not_read_to_it(place: Place) -> None:
    with pytest.raises(MalformedEvidence, match="more than"):
        asked(place, lambda message: message + b" " * (25 << 20))


# time-stamps


def stamping(place: Place, answer: Change, act: Callable[[PsisAdapter], object]) -> None:
    with between(place.url, answer) as url, place.adapter(url) as adapter:
        act(adapter)


def reply_for(place: Place, digest: Digest, nonce: int) -> bytes:
    return place.service.authority.respond(request_der(digest.value, nonce))


def test_a_token_with_another_nonce(place: Place) -> None:
    with pytest.raises(VerificationError, match="Nonce"):
        stamping(place, lambda _: reply_for(place, DIGEST, 1), lambda adapter: adapter.timestamp(DIGEST))


def test_a_token_over_something_else(place: Place) -> None:
    def other(reply: bytes) -> bytes:
        nonce = tsp.TimeStampResp.load(reply)["time_stamp_token"]["content"]["encap_content_info"][
            "content"
        ].parsed
        return reply_for(place, digest_bytes(b"another"), nonce["nonce"].native)

    with pytest.raises(VerificationError):
        stamping(place, other, lambda adapter: adapter.timestamp(DIGEST))


def test_a_token_over_something_else_inside_a_dss_answer(place: Place) -> None:
    def other(message: bytes) -> bytes:
        envelope = etree.fromstring(message)
        [token] = envelope.iter(f"{{{DSS}}}RFC3161TimeStampToken")
        token.text = base64.b64encode(place.service.authority.stamp(digest_bytes(b"another"))).decode()
        return etree.tostring(envelope)

    with pytest.raises(VerificationError):
        stamping(place, other, lambda adapter: adapter.timestamp_by_dss(DIGEST))


def test_a_token_by_dss_is_as_good_as_one_by_tsp(place: Place) -> None:
    with place.adapter() as adapter:
        assert adapter.timestamp_by_dss(DIGEST).exchange.policy == adapter.timestamp(DIGEST).exchange.policy


# seals


def test_a_seal_over_something_else(place: Place) -> None:
    kept: list[bytes] = []

    def earlier(message: bytes) -> bytes:
        """The seal of an earlier answer in the present one."""
        envelope = etree.fromstring(message)
        [seal] = envelope.iter(f"{{{DSS}}}Base64Signature")
        kept.append((seal.text or "").encode())
        seal.text = kept[0].decode()
        return etree.tostring(envelope)

    with between(place.url, earlier) as url, place.adapter(url) as adapter:
        adapter.seal(DIGEST, Format.CADES, Level.T)
        with pytest.raises(VerificationError, match="HASH_FAILURE"):
            adapter.seal(digest_bytes(b"another"), Format.CADES, Level.T)


def test_a_seal_of_somebody_else_under_the_same_root(place: Place) -> None:
    """Whoever answers with another administration's seal is found out by who is named in it."""
    with place.adapter(code=place.other.code) as adapter:
        foreign = adapter.seal(DIGEST, Format.CADES, Level.T).signed

    def swap(message: bytes) -> bytes:
        envelope = etree.fromstring(message)
        [seal] = envelope.iter(f"{{{DSS}}}Base64Signature")
        seal.text = base64.b64encode(foreign).decode()
        return etree.tostring(envelope)

    with (
        between(place.url, swap) as url,
        place.adapter(url, identifier=f"VATES-{place.town.identifier}") as adapter,
        pytest.raises(VerificationError, match="another body's"),
    ):
        adapter.seal(DIGEST, Format.CADES, Level.T)


def test_a_seal_under_another_policy(place: Place) -> None:
    with (
        place.adapter(policy="2.25.1") as adapter,
        pytest.raises(VerificationError, match="CHAIN_CONSTRAINTS_FAILURE"),
    ):
        adapter.seal(DIGEST, Format.CADES, Level.T)


def test_a_seal_under_the_policy_that_was_agreed(place: Place) -> None:
    policy = "2.25.290087490697434154511826013529083860911"
    with place.adapter(policy=policy) as adapter:
        assert adapter.seal(DIGEST, Format.CADES, Level.T).exchange.policy == policy


def test_a_remote_service_is_not_asked_for_seals_unless_the_settings_say_so(place: Place) -> None:
    remote = replace(place.settings(), environment=Environment.PREPRODUCTION)
    with closing(PsisAdapter.open(remote)) as adapter:
        assert adapter.capabilities.seals == {}
        assert adapter.capabilities.provider == place.url
        with pytest.raises(ConnectorRefused, match="offers no seal"):
            adapter.seal(DIGEST, Format.CADES, Level.T)
