"""The exchange service under attack, over real HTTPS: each attempt is refused with its code, and nothing of it is stored.

The attacker has messages that were sent, may change them and send them again, has certificates of its own, and controls
its connection. It has no key of another.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import socket
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
import xmlsec
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from baas.ades.types import Signer
from baas.ades.xml.names import ds
from baas.exchange_service import http, tls
from baas.protocols import mtom, soap, wss
from baas.protocols.pci import reading, writing
from baas.protocols.pci.codes import Detail, State
from baas.protocols.pci.messages import File, Poll
from baas.protocols.pci.names import REQUEST, qname
from baas.protocols.wss.names import TOKEN
from baas.trust_service.database import Database
from baas.trust_service.pki import Pki
from tests.baas.ades import pki as strangers
from tests.baas.exchange_service.place import (
    DOORS,
    FIRST,
    SECOND,
    Client,
    MovedClock,
    Place,
    connected,
    context,
)
from tests.baas.protocols.wss import shapes
from tests.baas.protocols.wss.messages import Zeep

Element = etree._Element
ORDER_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
FORGED = "forged"


@pytest.fixture
def client(place: Place) -> Client:
    return place.client()


def stored(place: Place) -> dict[str, list[tuple[object, ...]]]:
    """Everything that is on disk but for which messages were seen."""
    database = Database(place.directory / "exchange" / "exchange.sqlite", "SELECT 1")
    try:
        return {
            table: database.rows(f"SELECT * FROM {table}")
            for (table,) in database.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
            if table not in ("replays", "forgotten", "sqlite_sequence")
        }
    finally:
        database.close()


@pytest.fixture
def nothing_stored(place: Place) -> Iterator[None]:
    before = stored(place)
    yield
    assert stored(place) == before


def outcome(answer: httpx2.Response) -> Detail | str:
    """The secondary code of a refusal, `Fault`, or the state of what was not refused."""
    found = soap.read(answer.content, limit=1 << 20)
    if isinstance(found, soap.Fault):
        assert answer.status_code >= 500 or answer.status_code in (413, 415)
        assert found.code in ("Client", "VersionMismatch", "MustUnderstand")
        return "Fault"
    assert answer.status_code == 200
    confirmed = found.find("{*}ConfirmacionPeticion") is not None
    status = (reading.read_confirmation(found) if confirmed else reading.read_response(found)).status
    return Detail(status.detail) if status.state is State.ERROR else status.state


def sent(client: Client, message: bytes | Element, door: str = "Sincron") -> Detail | str:
    data = message if isinstance(message, bytes) else etree.tostring(message)
    return outcome(client.post(door, data))


def message_of(client: Client, request_id: str = "attacked", **changed: object) -> bytes:
    return client.signed(writing.request_xml(client.request(request_id, FORGED, **changed)))


# --- wrapping

#: Shapes of which the service says less than `wss` does: nothing in them can be read as a request.
UNREADABLE = {shapes.body_of_another_namespace_in_its_place}


def named(shape: Callable[[Element], None]) -> str:
    return shape.__name__.replace("_", " ")


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("shape", shapes.WRAPPED, ids=named)
def test_wrapping(client: Client, shape: shapes.Shape) -> None:
    root = etree.fromstring(message_of(client))
    shape(root)
    expected = "Fault" if shape in UNREADABLE else shapes.WRAPPED[shape][0]
    assert sent(client, root) == expected


@pytest.mark.long
@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("name", shapes.LOOSE)
def test_signatures_that_are_too_loose(client: Client, name: str) -> None:
    shape, detail = shapes.LOOSE[name]
    root = etree.fromstring(message_of(client))
    shape(root)
    shapes.signed_again(root, client.signer)
    assert sent(client, root) == detail


@pytest.mark.long
@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("name", shapes.TOKENS)
def test_tokens_that_are_not_the_signers(client: Client, name: str) -> None:
    shape, detail = shapes.TOKENS[name]
    root = etree.fromstring(message_of(client))
    shape(root)
    assert sent(client, root) == detail


def test_the_same_message_unchanged_is_answered(place: Place, client: Client) -> None:
    """What is refused above is refused for its change; and what was refused took nothing away from who sends it right."""
    root = etree.fromstring(message_of(client, "unchanged"))
    shapes.body_in_the_header(root)
    assert sent(client, root) == Detail.WRAPPING
    message = message_of(client, "unchanged")
    assert sent(client, message.replace(b">unchanged<", b">another  <")) == Detail.SIGNATURE
    assert sent(client, message) == State.FINISHED
    assert place.service.exchanged(FIRST, "unchanged") is not None


# --- replays


def malleated(root: Element) -> Element:
    """The same message with the other signature that holds for it, which needs no key to be made."""
    value = next(root.iter(ds("SignatureValue")))
    raw = base64.b64decode(value.text or "")
    value.text = base64.b64encode(raw[:32] + (ORDER_P256 - int.from_bytes(raw[32:])).to_bytes(32)).decode()
    return root


def rewritten(root: Element) -> Element:
    """The same message in other bytes."""
    value = next(root.iter(ds("SignatureValue")))
    value.text = "\n ".join(value.text or "")
    etree.SubElement(root[0], "{urn:example}trace").text = "another"
    return root


def key_info_another(root: Element) -> Element:
    for reference in root.iter("{*}SecurityTokenReference"):
        reference.set("{urn:example}more", "1")
    return root


@pytest.mark.parametrize("change", [lambda root: root, malleated, rewritten, key_info_another])
@pytest.mark.parametrize("door", ["Sincron", "Asincron"])
def test_a_message_again_however_it_is_written(
    place: Place,
    client: Client,
    change: Callable[[Element], Element],
    door: str,
    request: pytest.FixtureRequest,
) -> None:
    message = message_of(client, f"replay {request.node.name}"[:90])
    assert sent(client, message) == State.FINISHED
    before = stored(place)
    assert sent(client, change(etree.fromstring(message)), door) == Detail.REPLAY
    assert stored(place) == before


def test_the_same_message_at_the_same_time_is_answered_once(place: Place, client: Client) -> None:
    message = message_of(client, "at the same time")
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: sent(client, message), range(12)))
    assert sorted(found) == sorted([State.FINISHED, *[Detail.REPLAY] * 11])
    kept = [row for row in stored(place)["requests"] if "at the same time" in row]
    assert len(kept) == 1


@pytest.mark.usefixtures("nothing_stored")
def test_a_poll_again(client: Client) -> None:
    poll = client.signed(writing.poll_xml(Poll.of(client.request("nobody's"), client.clock.now())))
    assert sent(client, poll, "AsincronResposta") == Detail.UNKNOWN
    assert sent(client, poll, "AsincronResposta") == Detail.REPLAY


def test_a_replay_is_known_after_a_restart_and_after_its_end(tmp_path: Path) -> None:
    clock = MovedClock()
    place = Place(tmp_path, clock)
    try:
        message = message_of(place.client(), "restarted")
        assert sent(place.client(), message) == State.FINISHED
        place.stop()
        place.start()
        assert sent(place.client(), message) == Detail.REPLAY
        clock.by = timedelta(minutes=2)
        assert sent(place.client(), message) == Detail.TIMESTAMP
        clock.by = timedelta()
        assert sent(place.client(), message) == Detail.REPLAY, "whoever sets the clock back"
        assert len(place.lines()) == 1
    finally:
        place.close()


# --- time and signature


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize(
    "by", [timedelta(minutes=-2), timedelta(days=-1), timedelta(minutes=3), timedelta(days=400)], ids=str
)
def test_a_message_of_another_time(client: Client, by: timedelta) -> None:
    envelope = soap.envelope(writing.request_xml(client.request("attacked", FORGED)))
    assert sent(client, wss.secure(envelope, client.signer, client.clock.now() + by)) == Detail.TIMESTAMP


@pytest.mark.usefixtures("nothing_stored")
def test_an_unsigned_message(client: Client) -> None:
    plain = soap.envelope(writing.request_xml(client.request("attacked", FORGED)))
    assert sent(client, plain) == Detail.UNSIGNED


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("text", [b"attacked", FORGED.encode(), FIRST.encode(), b"PROVES", b"DIARY"])
def test_a_word_that_was_changed(client: Client, text: bytes) -> None:
    message = message_of(client)
    head, body = message.split(b"<soapenv:Body", 1)
    assert text in body
    assert sent(client, head + b"<soapenv:Body" + body.replace(text, text[:-1] + b"X")) == Detail.SIGNATURE


def test_sha_1_counts_only_where_the_service_says_so(place: Place, client: Client, tmp_path: Path) -> None:
    """A digest by SHA-1, as old clients make them: its author could have made two messages of one signature."""
    sha1 = (xmlsec.constants.TransformEcdsaSha256, xmlsec.constants.TransformSha1)

    def message(client: Client) -> Element:
        now = client.clock.now()
        times = [f"{each:%Y-%m-%dT%H:%M:%SZ}" for each in (now, now + timedelta(seconds=60))]
        envelope = soap.envelope(writing.request_xml(client.request("by SHA-1", FORGED)))
        return Zeep(tmp_path, client.signer, *sha1).stamped(times[0], times[1], envelope)

    before = stored(place)
    assert sent(client, message(client)) == Detail.SIGNATURE
    assert stored(place) == before
    other = Place(tmp_path / "legacy", legacy_sha1=True)
    try:
        assert sent(other.client(), message(other.client())) == State.FINISHED
        assert sent(other.client(), message_of(other.client(), "by SHA-256")) == State.FINISHED
    finally:
        other.close()


# --- whose certificate


def signed_by(client: Client, signer: Signer) -> Detail | str:
    return sent(client, message_of(replace(client, signer=signer)))


@pytest.mark.usefixtures("nothing_stored")
def test_the_certificate_of_another_organisation(place: Place, client: Client) -> None:
    other = place.trust_service.pki.application(SECOND).signer
    assert signed_by(client, other) == Detail.ORGANISATION
    poll = writing.poll_xml(Poll.of(client.request("attacked"), client.clock.now()))
    assert sent(client, replace(client, signer=other).signed(poll), "AsincronResposta") == Detail.ORGANISATION


def certificates_of_others(pki: Pki) -> dict[str, Signer]:
    """Under the sandbox's own root, and of nobody's systems."""
    person = pki.issue_person("Persona Fictícia", "00000000T")
    employee = pki.issue_person("Persona Fictícia", "00000000T", pki.seal(FIRST))
    return {
        "a seal": pki.seal(FIRST).signer,
        "a person": person,
        "a public employee": employee,
        "the exchange": pki.exchange,
        "the server": pki.tls,
        "the time-stamp authority": pki.tsa,
    }


@pytest.mark.usefixtures("nothing_stored")
def test_certificates_that_are_no_systems(place: Place, client: Client) -> None:
    for whose, signer in certificates_of_others(place.trust_service.pki).items():
        assert signed_by(client, signer) == Detail.CERTIFICATE, whose


@pytest.mark.usefixtures("nothing_stored")
def test_certificates_that_lead_to_no_root(place: Place, client: Client) -> None:
    own = client.signer.certificate
    key = ec.generate_private_key(ec.SECP256R1())
    same_names = (
        x509.CertificateBuilder()
        .subject_name(own.subject)
        .issuer_name(own.issuer)
        .public_key(key.public_key())
        .serial_number(own.serial_number)
        .not_valid_before(own.not_valid_before_utc)
        .not_valid_after(own.not_valid_after_utc)
    )
    for extension in own.extensions:
        same_names = same_names.add_extension(extension.value, extension.critical)
    made = same_names.sign(key, own.signature_hash_algorithm)  # type: ignore[arg-type]
    assert signed_by(client, Signer(key, made)) == Detail.CERTIFICATE
    assert signed_by(client, strangers.Pki().seal) == Detail.CERTIFICATE


@pytest.mark.usefixtures("nothing_stored")
def test_the_certificate_in_other_bytes(client: Client) -> None:
    """Its issuer's signature written the other way holds as well, and is not what was issued."""
    certificate = asn1_x509.Certificate.load(client.signer.certificate.public_bytes(Encoding.DER))
    r, s = utils.decode_dss_signature(certificate["signature_value"].native)
    certificate["signature_value"] = utils.encode_dss_signature(r, ORDER_P256 - s)
    other = certificate.dump(force=True)
    assert other != client.signer.certificate.public_bytes(Encoding.DER)
    x509.load_der_x509_certificate(other).verify_directly_issued_by(client.signer.chain[0])
    root = etree.fromstring(message_of(client))
    next(root.iter(TOKEN)).text = base64.b64encode(other).decode()
    assert sent(client, root) == Detail.CERTIFICATE


def test_revoked_and_ended_certificates(tmp_path: Path) -> None:
    clock = MovedClock()
    place = Place(tmp_path, clock)
    try:
        client = place.client()
        shown = place.client(shown=client.signer)
        assert client.sync(client.request("before")).status.state is State.FINISHED
        clock.by = timedelta(days=2000)
        assert sent(client, message_of(client)) == Detail.CERTIFICATE
        clock.by = timedelta()
        place.trust_service.revoke(client.signer.certificate.serial_number)
        before = stored(place)
        assert sent(client, message_of(client)) == Detail.REVOKED
        plain = soap.envelope(writing.request_xml(client.request("attacked")))
        assert sent(shown, plain) == Detail.REVOKED
        assert stored(place) == before
    finally:
        place.close()


# --- two ways of security


@pytest.mark.usefixtures("nothing_stored")
def test_mutual_tls_of_another_organisation(place: Place, client: Client) -> None:
    other = place.trust_service.pki.application(SECOND).signer
    plain = soap.envelope(writing.request_xml(client.request("attacked", FORGED)))
    assert sent(place.client(shown=other), plain) == Detail.ORGANISATION


@pytest.mark.usefixtures("nothing_stored")
def test_both_ways_of_different_holders(place: Place, client: Client) -> None:
    other = place.trust_service.pki.application(SECOND).signer
    assert sent(place.client(shown=other), message_of(client)) == Detail.SECURITY
    theirs = message_of(replace(client, signer=other))
    assert sent(place.client(shown=client.signer), theirs) == Detail.SECURITY


@pytest.mark.usefixtures("nothing_stored")
def test_mutual_tls_does_not_excuse_a_message_that_does_not_hold(place: Place, client: Client) -> None:
    shown = place.client(shown=client.signer)
    for shape in (shapes.body_in_the_header, shapes.second_security_before, shapes.signature_gone):
        root = etree.fromstring(message_of(client))
        shape(root)
        assert sent(shown, root) == shapes.WRAPPED[shape][0]


@pytest.mark.usefixtures("nothing_stored")
def test_connections_by_certificates_that_are_no_systems(place: Place, client: Client) -> None:
    """Who is no client for TLS gets no connection; who is, is asked whose systems it is."""
    plain = soap.envelope(writing.request_xml(client.request("attacked", FORGED)))
    found = {}
    for whose, signer in certificates_of_others(place.trust_service.pki).items():
        try:
            found[whose] = sent(place.client(shown=signer), plain)
        except (httpx2.TransportError, ssl.SSLError):
            found[whose] = "no connection"
    assert set(found.values()) <= {Detail.CERTIFICATE, "no connection"}, found
    with pytest.raises((httpx2.TransportError, ssl.SSLError)):
        sent(place.client(shown=strangers.Pki().seal), plain)


# --- what it may ask for, and how it is written


@pytest.mark.usefixtures("nothing_stored")
def test_what_nobody_authorised(place: Place, client: Client) -> None:
    assert sent(client, message_of(client, modality="OTHER")) == Detail.AUTHORISATION
    assert sent(client, message_of(client, product="PADRO")) == Detail.AUTHORISATION
    second = place.client(SECOND)
    assert sent(second, message_of(second)) == Detail.AUTHORISATION


def changed(client: Client, change: Callable[[Element], None], *lines: str) -> bytes:
    """A request that its own sender wrote as nobody should, and signed."""
    root = writing.request_xml(client.request("attacked", *(lines or (FORGED,))))
    change(root)
    return client.signed(root)


def first(root: Element, name: str) -> Element:
    return next(root.iter(qname(REQUEST, name)))


def one_more_than_there_may_be(root: Element) -> None:
    asked = first(root, "Solicitudes")
    other = copy.deepcopy(asked[-1])
    first(other, "IdSolicitud").text = "501"
    asked.append(other)
    first(root, "NumElementos").text = "501"


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("door", ["Asincron", "Sincron"])
def test_501_elements(client: Client, door: str) -> None:
    message = changed(client, one_more_than_there_may_be, *(f"line {n}" for n in range(500)))
    assert sent(client, message, door) == Detail.ELEMENTS


def text_of(name: str, text: str) -> Callable[[Element], None]:
    def change(root: Element) -> None:
        first(root, name).text = text

    return change


def without(name: str) -> Callable[[Element], None]:
    def change(root: Element) -> None:
        element = first(root, name)
        element.getparent().remove(element)  # type: ignore[union-attr]

    return change


def twice(name: str) -> Callable[[Element], None]:
    def change(root: Element) -> None:
        element = first(root, name)
        element.addnext(copy.deepcopy(element))

    return change


def both_purposes(root: Element) -> None:
    purpose = first(root, "Finalidad")
    other = etree.Element(qname(REQUEST, "Procedimiento"))
    other.text = "12345"
    purpose.addnext(other)


def something_unknown(root: Element) -> None:
    etree.SubElement(first(root, "Atributos"), "{urn:example}more").text = "x"


def two_requests(root: Element) -> None:
    root.append(copy.deepcopy(root[0]))


#: Name → what its sender wrote, and the code; `Fault` where nothing of it can be repeated in an answer.
WRITTEN: dict[str, tuple[Callable[[Element], None], Detail | str]] = {
    "no purpose": (without("Finalidad"), Detail.SCHEMA),
    "both purposes": (both_purposes, Detail.SCHEMA),
    "a purpose of 251 characters": (text_of("Finalidad", "x" * 251), Detail.SCHEMA),
    "no product": (without("CodigoProducto"), "Fault"),
    "two products": (twice("CodigoProducto"), Detail.SCHEMA),
    "no elements": (without("SolicitudTransmision"), Detail.SCHEMA),
    "no Solicitudes": (without("Solicitudes"), Detail.SCHEMA),
    "something unknown": (something_unknown, Detail.SCHEMA),
    "a time that is none": (text_of("TimeStamp", "yesterday"), Detail.SCHEMA),
    "consent of a kind that there is not": (text_of("Consentimiento", "Quizas"), Detail.SCHEMA),
    "fewer elements than it says": (text_of("NumElementos", "2"), Detail.ELEMENTS),
    "the same element twice": (twice("SolicitudTransmision"), Detail.ELEMENTS),
    "negative elements": (text_of("NumElementos", "-1"), Detail.SCHEMA),
    "nobody asks": (without("DatosAutorizacion"), Detail.SCHEMA),
    "two ask": (twice("DatosAutorizacion"), Detail.SCHEMA),
    "two requests": (two_requests, Detail.SCHEMA),
    "another organisation in an element": (
        lambda root: text_of("IdentificadorSolicitante", SECOND)(first(root, "Solicitante")),
        Detail.ORGANISATION,
    ),
    "no identifier": (without("IdPeticion"), "Fault"),
    "an identifier of 101 characters": (text_of("IdPeticion", "x" * 101), "Fault"),
    "no Peticion": (without("Peticion"), "Fault"),
}


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("name", WRITTEN)
def test_requests_that_are_not_as_the_schema_says(client: Client, name: str) -> None:
    change, expected = WRITTEN[name]
    for door in ("Sincron", "Asincron"):
        assert sent(client, changed(client, change), door) == expected


# --- what is no message


def bomb(message: bytes) -> bytes:
    levels = b"".join(b'<!ENTITY l%d "%s">' % (i, b"&l%d;" % (i - 1) * 10) for i in range(1, 10))
    head, rest = message.split(b"?>", 1)
    return head + b'?><!DOCTYPE e [<!ENTITY l0 "lol">' + levels + b"]>" + rest.replace(b"attacked", b"&l9;")


def external(message: bytes) -> bytes:
    head, rest = message.split(b"?>", 1)
    entity = b'?><!DOCTYPE e [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    return head + entity + rest.replace(b"attacked", b"&x;")


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize(
    "change",
    [
        bomb,
        external,
        lambda message: message.replace(FORGED.encode(), b"<a>" * 5000 + b"</a>" * 5000),
        lambda message: message[: len(message) // 2],
        lambda message: message.replace(soap.NAMESPACE.encode(), soap.NAMESPACE_1_2.encode()),
        lambda message: message.decode().replace('encoding="UTF-8"', 'encoding="UTF-16"').encode("utf-16"),
        lambda _: b"",
    ],
    ids=["entity bomb", "external entity", "deep", "half", "SOAP 1.2", "UTF-16", "nothing"],
)
def test_what_is_no_message(client: Client, change: Callable[[bytes], bytes]) -> None:
    answer = client.post("Sincron", change(message_of(client)))
    assert outcome(answer) == "Fault"
    assert b"root:" not in answer.content


#: Name → what becomes of a message with attachments over mutual TLS, and the code.
ATTACHED: dict[str, Callable[[mtom.Multipart], mtom.Multipart]] = {
    "a part that is not there": lambda made: replace(
        made, body=made.body.replace(b"Content-ID: <1.", b"Content-ID: <2.")
    ),
    "a part that nothing includes": lambda made: replace(
        made, body=made.body.replace(b"xop:Include", b"xop:Exclude")
    ),
    "an inclusion of a file": lambda made: replace(
        made, body=made.body.replace(b'href="cid:', b'href="file:///etc/passwd#')
    ),
    "no end": lambda made: replace(made, body=made.body[:-4]),
    "another type": lambda made: replace(made, content_type=made.content_type.replace("xop+xml", "soap+xml")),
    "no boundary": lambda made: replace(made, content_type=made.content_type.partition("; boundary")[0]),
}


def with_attachment(client: Client, request_id: str) -> mtom.Multipart:
    """The Contenido of a file goes beside the message."""
    request = client.request(request_id, FORGED)
    content = b"%PDF-1.7 " + FORGED.encode()
    file = File("f1", "a.pdf", content, hashlib.sha256(content).digest())
    request = replace(request, elements=(replace(request.elements[0], files=(file,)),))
    made = mtom.write(soap.envelope(writing.request_xml(request)), [qname(REQUEST, "Contenido")])
    assert made.body.count(b"\r\nContent-ID:") == 2
    return made


def sent_along(client: Client, made: mtom.Multipart) -> Detail | str:
    return outcome(client.post("Sincron", made.body, **{"Content-Type": made.content_type}))


@pytest.mark.usefixtures("nothing_stored")
def test_attachments_without_a_clients_certificate_or_with_another_ones(place: Place, client: Client) -> None:
    made = with_attachment(client, "attacked")
    assert sent_along(client, made) == Detail.SECURITY
    other = place.trust_service.pki.application(SECOND).signer
    assert sent_along(place.client(shown=other), made) == Detail.ORGANISATION
    signed = mtom.write(message_of(client), ())
    assert sent_along(client, signed) == Detail.SECURITY
    assert sent_along(place.client(shown=client.signer), signed) == Detail.SECURITY


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("name", ATTACHED)
def test_attachments_that_are_none(place: Place, client: Client, name: str) -> None:
    shown = place.client(shown=client.signer)
    assert sent_along(shown, ATTACHED[name](with_attachment(shown, "attacked"))) == "Fault"


def test_attachments_as_they_should_be(place: Place, client: Client) -> None:
    shown = place.client(shown=client.signer)
    assert sent_along(shown, with_attachment(shown, "attached as it should be")) == State.FINISHED


# --- the connection


def chunks(message: bytes, more: int) -> Iterator[bytes]:
    yield message
    for _ in range(more):
        yield b" " * (1 << 20)


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_that_is_too_long(place: Place, client: Client, declared: bool) -> None:
    """Declared or in chunks: what is beyond the limit is not read, and the message alone is still good afterwards."""
    message, before = message_of(client, f"too long {declared}"), stored(place)
    more = (http.MOST_BYTES >> 20) + 1
    content = message + b" " * (more << 20) if declared else chunks(message, more)
    try:
        answer = client.http.post(
            f"{client.url}{DOORS}/Sincron", content=content, headers={"Content-Type": soap.CONTENT_TYPE}
        )
    except httpx2.TransportError:
        pass  # it hung up while we were still writing
    else:
        assert (answer.status_code, outcome(answer)) == (413, "Fault")
    assert stored(place) == before
    assert sent(client, message) == State.FINISHED


def raw(place: Place) -> ssl.SSLSocket:
    host, port = address(place)
    plain = socket.create_connection((host, port), timeout=30)
    return context(place.service.roots_pem).wrap_socket(plain, server_hostname=host)


def address(place: Place) -> tuple[str, int]:
    host, port = place.url.removeprefix("https://").rsplit(":", 1)
    return host, int(port)


def everything(connection: socket.socket) -> bytes:
    """What comes until the other side hangs up."""
    found = b""
    try:
        while piece := connection.recv(1 << 16):
            found += piece
    except (ConnectionError, ssl.SSLError):
        pass
    return found


def test_a_body_that_does_not_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sends a body byte by byte, or half of it, or nothing, is hung up on; others are served meanwhile."""
    monkeypatch.setattr(tls, "SLOWEST_REQUEST", 0.3)
    place = Place(tmp_path)
    try:
        client = place.client()
        message, before = message_of(client), stored(place)
        head = f"POST {DOORS}/Sincron HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\n"
        for sent_at_all in (
            b"",
            head.encode(),
            f"{head}Content-Length: {len(message)}\r\n\r\n".encode() + message[:-1],
            f"{head}Transfer-Encoding: chunked\r\n\r\n{len(message):x}\r\n".encode() + message,
        ):
            with raw(place) as connection:
                connection.sendall(sent_at_all)
                assert b" 200 " not in everything(connection)
        assert stored(place) == before
        assert sent(client, message) == State.FINISHED
    finally:
        place.close()


@pytest.mark.usefixtures("nothing_stored")
def test_a_message_without_tls(place: Place, client: Client) -> None:
    message = message_of(client)
    with socket.create_connection(address(place), timeout=30) as connection:
        head = f"POST {DOORS}/Sincron HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\n"
        connection.sendall(f"{head}Content-Length: {len(message)}\r\n\r\n".encode() + message)
        assert b"HTTP/1.1 200" not in everything(connection)


@pytest.mark.usefixtures("nothing_stored")
def test_two_lengths_for_one_body(place: Place, client: Client) -> None:
    """Request smuggling: what two servers in a row would read as two requests is none."""
    message = message_of(client)
    head = f"POST {DOORS}/Sincron HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\nConnection: close\r\n"
    for lengths in (
        f"Content-Length: {len(message)}\r\nContent-Length: 5\r\n",
        f"Content-Length: -{len(message)}\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
    ):
        with raw(place) as connection:
            connection.sendall(f"{head}{lengths}\r\n".encode() + message)
            assert b"HTTP/1.1 200" not in everything(connection)


@pytest.mark.usefixtures("nothing_stored")
def test_a_service_of_another_authority_gets_nothing(place: Place, client: Client, tmp_path: Path) -> None:
    """The other way round: a client that trusts another root does not hand its message over."""
    other = strangers.Pki().root.certificate.public_bytes(Encoding.PEM)
    with connected(other, tmp_path) as http_client, pytest.raises(httpx2.ConnectError):
        sent(replace(client, http=http_client), message_of(client))
