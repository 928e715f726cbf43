"""The one contract of the exchange services' port: every adapter, against the service mounted here and as a process."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from baas.connectors import ConnectorRefused, ConnectorTimeout, ConnectorUnreachable
from baas.connectors.exchanges import Answered, Call, Pending, adapters
from baas.connectors.exchanges._evidence import Signatory
from baas.connectors.exchanges._soap import LARGE
from baas.protocols.pci.codes import Detail, State
from baas.protocols.pci.messages import (
    DocumentType,
    Element,
    File,
    Holder,
    Poll,
    Purpose,
    Request,
    Requester,
)
from baas.protocols.pci.products import etauler, mux, padro, representa
from sandbox.evidence.digest import digest_bytes
from tests.baas.exchange_service.products.place import OFFICER
from tests.baas.exchange_service.served import OTHER, TOWN, Served, apart, here

FOUND = adapters()
numbers = iter(range(1_000_000))


@pytest.fixture(scope="module", params=["mounted", pytest.param("process", marks=pytest.mark.long)])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    directory: Path = tmp_path_factory.mktemp("exchange")
    with here(directory) if request.param == "mounted" else apart(directory) as made:
        yield made


@pytest.fixture(params=[(slug, security) for slug in FOUND for security in ("wss", "mtls")], ids="-".join)
def adapter(request: pytest.FixtureRequest, served: Served) -> Iterator[Any]:
    slug, security = request.param
    with closing(FOUND[slug].open(served.settings(security=security))) as opened:
        yield opened


@pytest.fixture(params=list(FOUND))
def signing(request: pytest.FixtureRequest, served: Served) -> Iterator[Any]:
    """An adapter whose messages are signed: where it makes no difference by what it is known."""
    with closing(FOUND[request.param].open(served.settings())) as opened:
        yield opened


def new_id() -> str:
    return f"{TOWN}-{datetime.now(UTC):%Y%m%d%H%M%S%f}-{next(numbers):06}"


def asking(requester: Requester, product: str, modality: str, *data: bytes, **of_elements: Any) -> Request:
    elements = tuple(
        Element(f"E{number}", requester, each, **{"evidence": True, "officer": OFFICER, **of_elements})
        for number, each in enumerate(data, 1)
    )
    return Request(new_id(), datetime.now(UTC), product, modality, requester, elements)


def resident(requester: Requester, number: str = "12344321Z", **of_elements: Any) -> Request:
    data = padro.write(padro.Resident("EXP-7", padro.Document.NIF, number))
    holder = Holder(DocumentType.NIF, number)
    return asking(requester, "PADRO", "RESIDENT", data, holder=holder, **of_elements)


def honest(call: Call) -> None:
    """What a pilot records of an act is what went over the wire."""
    assert call.provider == "embedded"
    assert call.started <= call.ended <= datetime.now(UTC)
    assert etree.fromstring(call.message).tag.endswith("}Envelope")
    assert etree.fromstring(call.answer).tag.endswith("}Envelope")


def test_there_are_adapters() -> None:
    assert {"pci"} <= set(FOUND)


def test_it_says_where_it_was_really_tried(adapter: Any) -> None:
    found = adapter.capabilities
    assert found.provider == "embedded"
    assert found.most_elements == 500
    assert "not verified against AOC's pre-production" in found.verified_against
    assert found.products["PADRO"] == ("RESIDENT",)


# --- what is asked at once


def test_a_resident(adapter: Any, served: Served) -> None:
    request = resident(adapter.requester)
    before = datetime.now(UTC) - timedelta(seconds=1)
    found = adapter.submit(request)
    honest(found.call)
    assert found.response.status.state is State.FINISHED
    (answer,) = found.response.answers
    told = padro.read(answer.data)
    assert isinstance(told, padro.ResidentAnswer)
    assert (told.document, told.result) == ("12344321Z", padro.Result.FOUND)
    statement = adapter.present(answer.evidence)
    assert (statement.request_id, statement.organisation) == (request.id, TOWN)
    assert statement.message_sha256 == hashlib.sha256(found.call.message).digest()
    assert before <= statement.time <= datetime.now(UTC)


def test_nobody(adapter: Any) -> None:
    (answer,) = adapter.submit(resident(adapter.requester, "00000000T")).response.answers
    told = padro.read(answer.data)
    assert isinstance(told, padro.ResidentAnswer)
    assert told.result is padro.Result.NOT_FOUND


def notice() -> etauler.Notice:
    return etauler.Notice(
        id=f"P7-{new_id()}",
        file_number="EXP-7",
        information=(etauler.Information("Anunci de prova", "Pilot"),),
        start=datetime.now(UTC).date(),
        documents=(etauler.Document("anunci.txt", "d1"),),
        classifications=(etauler.Classification((etauler.Criterion("Procedència", "Interna"),)),),
    )


def attached(content: bytes, id_: str = "d1") -> File:
    return File(id_, "anunci.txt", content, hashlib.sha256(content).digest())


def test_a_notice_with_its_file_and_its_diligence(adapter: Any) -> None:
    data, file = etauler.write(etauler.Publish(notice())), attached(b"Anunci de prova")
    request = asking(adapter.requester, "ETAULER", "ETAULER", data, files=(file,), pdf=True)
    (answer,) = adapter.submit(request).response.answers
    told = etauler.read(answer.data)
    assert isinstance(told, etauler.Published)
    assert told.result.code is etauler.Code.DONE
    assert answer.pdf.startswith(b"%PDF-")
    again = asking(adapter.requester, "ETAULER", "ETAULER", data, files=(file,))
    (answer,) = adapter.submit(again).response.answers
    told = etauler.read(answer.data)
    assert isinstance(told, etauler.Published)
    assert told.result.code is etauler.Code.REGISTERED_ALREADY


@pytest.mark.parametrize("size", [LARGE - 1, LARGE, 8 * LARGE])
def test_a_large_file_goes_beside_the_message_where_tls_is_mutual(adapter: Any, size: int) -> None:
    content = bytes(number * number % 251 for number in range(997)) * (size // 997 + 1)
    hung, file = notice(), attached(content[:size])
    data = etauler.write(etauler.Publish(hung))
    found = adapter.submit(asking(adapter.requester, "ETAULER", "ETAULER", data, files=(file,)))
    told = etauler.read(found.response.answers[0].data)
    assert isinstance(told, etauler.Published)
    assert told.result.code is etauler.Code.DONE
    beside = size >= LARGE and adapter.security == "mtls"
    assert (file.content in found.call.message) is beside
    assert (len(found.call.message) < size * 4 // 3) is beside
    statement = adapter.present(found.response.answers[0].evidence)
    assert statement.message_sha256 == hashlib.sha256(found.call.message).digest(), "as it was sent"
    asked = asking(adapter.requester, "ETAULER", "ETAULER", etauler.write(etauler.AskDocument(hung.id)))
    had = etauler.read(adapter.submit(asked).response.answers[0].data)
    assert isinstance(had, etauler.DocumentAnswer)
    assert had.notice == file.content


def test_an_entry(adapter: Any) -> None:
    digest, now = digest_bytes(b"a decree"), datetime.now(UTC)
    document = mux.Document("decret.pdf", digest, now)
    entry = mux.Entry(mux.Kind.ENTRY, "Decret", now, TOWN, TOWN, (document,))
    data = mux.write(mux.Add("BAAS", entry))
    (answer,) = adapter.submit(asking(adapter.requester, "MUX", mux.ENTRY, data)).response.answers
    told = mux.read(answer.data)
    assert isinstance(told, mux.Answer)
    assert told.code == mux.DONE
    assert [each.documents[0].digest for each in told.entries] == [digest]
    query = mux.write(mux.Query("BAAS", number=told.entries[0].number))
    (answer,) = adapter.submit(asking(adapter.requester, "MUX", mux.QUERY, query)).response.answers
    found = mux.read(answer.data)
    assert isinstance(found, mux.Answer)
    assert [each.number for each in found.entries] == [told.entries[0].number]


def test_a_power(adapter: Any) -> None:
    asked = representa.Validate(
        representa.Person("Q0000000J"),
        representa.Person("00000000T"),
        representa.Scope(("CONSULTA",)),
        datetime.now(UTC),
        representa.Person("00000000T"),
        TOWN,
    )
    request = asking(adapter.requester, "REPRESENTA", representa.VALIDATION, representa.write(asked))
    (answer,) = adapter.submit(request).response.answers
    told = representa.read(answer.data)
    assert isinstance(told, representa.Validated)
    assert told.code == representa.HOLDS


def test_no_evidence_is_given_that_was_not_asked_for(adapter: Any) -> None:
    request = resident(adapter.requester, evidence=False)
    (answer,) = adapter.submit(request).response.answers
    assert answer.evidence == b""
    with pytest.raises(ConnectorRefused, match="asked for with the request") as refused:
        adapter.evidence(Poll.of(request, datetime.now(UTC)))
    assert refused.value.reason == "NO_EVIDENCE"


def test_the_same_request_is_answered_the_same(signing: Any) -> None:
    """As after a timeout: it is signed anew, and its act is not done twice."""
    request = resident(signing.requester)
    first, second = signing.submit(request), signing.submit(request)
    assert first.call.message != second.call.message
    assert first.response == second.response
    fetched = signing.fetch(Poll.of(request, datetime.now(UTC)))
    assert isinstance(fetched, Answered)
    assert fetched.response == first.response
    assert signing.evidence(Poll.of(request, datetime.now(UTC))) == (first.response.answers[0].evidence,)


# --- what is asked for later


def test_many_elements_are_left_and_fetched(adapter: Any) -> None:
    data = [padro.write(padro.Resident(f"EXP-{n}", padro.Document.NIF, "12344321Z")) for n in range(7)]
    request = asking(adapter.requester, "PADRO", "RESIDENT", *data)
    left = adapter.submit_async(request)
    honest(left.call)
    assert left.confirmation.id == request.id
    assert left.confirmation.count == 7
    assert left.confirmation.status.state is State.PENDING
    assert left.confirmation.status.hours >= 0
    poll = Poll.of(request, datetime.now(UTC))
    found = fetched(adapter, poll)
    assert [each.id for each in found.response.answers] == [each.id for each in request.elements]
    evidence = adapter.evidence(poll)
    assert evidence == tuple(each.evidence for each in found.response.answers)
    assert {adapter.present(each).element_id for each in evidence} == {each.id for each in request.elements}


def fetched(adapter: Any, poll: Poll) -> Answered:
    waiting = threading.Event()
    while isinstance(found := adapter.fetch(poll), Pending):
        assert found.response.status.state in (State.PENDING, State.PROCESSING)
        waiting.wait(0.05)
    assert isinstance(found, Answered)
    return found


def test_more_than_can_be_asked_is_not_sent(signing: Any, served: Served) -> None:
    element = padro.write(padro.Resident("EXP", padro.Document.NIF, "12344321Z"))
    many = asking(signing.requester, "PADRO", "RESIDENT", *([element] * 501))
    with pytest.raises(ConnectorRefused, match="nothing was sent") as refused:
        signing.submit_async(many)
    assert refused.value.reason == Detail.ELEMENTS
    with pytest.raises(ConnectorRefused, match="nothing was sent"):
        signing.submit(replace(many, elements=many.elements[:2]))
    assert served.service.exchanged(TOWN, many.id) is None


def test_a_request_that_there_is_not(signing: Any) -> None:
    with pytest.raises(ConnectorRefused) as refused:
        signing.fetch(Poll(new_id(), datetime.now(UTC), "PADRO", "RESIDENT", signing.requester))
    assert refused.value.reason == Detail.UNKNOWN


# --- what is refused


def test_another_organisations_name(adapter: Any, served: Served) -> None:
    stranger = replace(adapter.requester, code=OTHER)
    request = resident(stranger)
    with pytest.raises(ConnectorRefused) as refused:
        adapter.submit(request)
    assert refused.value.reason == Detail.ORGANISATION
    for code in (TOWN, OTHER):
        assert served.service.exchanged(code, request.id) is None


@pytest.mark.parametrize("endpoint", ["submit", "submit_async"])
def test_a_purpose_without_authorisation(signing: Any, endpoint: str) -> None:
    requester = replace(signing.requester, purpose=Purpose("UNA ALTRA"))
    with pytest.raises(ConnectorRefused) as refused:
        getattr(signing, endpoint)(resident(requester))
    assert refused.value.reason == Detail.AUTHORISATION


def test_a_product_that_there_is_not(signing: Any) -> None:
    with pytest.raises(ConnectorRefused) as refused:
        signing.submit(replace(resident(signing.requester), product="CAP"))
    assert refused.value.reason in (Detail.AUTHORISATION, Detail.PRODUCT)


def test_an_identifier_that_was_used_for_something_else(signing: Any) -> None:
    first = resident(signing.requester)
    signing.submit(first)
    with pytest.raises(ConnectorRefused) as refused:
        signing.submit(replace(resident(signing.requester, "00000000T"), id=first.id))
    assert refused.value.reason == Detail.ID_REUSED


@pytest.mark.parametrize("security", ["wss", "mtls"])
@pytest.mark.parametrize("slug", FOUND)
def test_a_revoked_certificate_of_ones_own(slug: str, security: str, served: Served) -> None:
    code = "0800180001" if security == "wss" else "0800180002"
    served.trust.enrol(code, "Ens de prova")
    settings = served.settings(code=code, security=security)
    served.trust.revoke(served.signer(code).certificate.serial_number)
    with closing(FOUND[slug].open(settings)) as adapter, pytest.raises(ConnectorRefused) as refused:
        adapter.submit(resident(adapter.requester))
    assert refused.value.reason == Detail.REVOKED


@pytest.mark.parametrize("slug", FOUND)
def test_a_certificate_of_none_of_an_administrations_systems(slug: str, served: Served) -> None:
    seal = served.trust.pki.seal(TOWN).signer
    settings = replace(served.settings(), signers={TOWN: seal})
    with closing(FOUND[slug].open(settings)) as adapter, pytest.raises(ConnectorRefused) as refused:
        adapter.submit(resident(adapter.requester))
    assert refused.value.reason == Detail.CERTIFICATE


@pytest.mark.parametrize("slug", FOUND)
def test_no_key_of_ones_own(slug: str, served: Served) -> None:
    with pytest.raises(ValueError, match="expected the key"):
        FOUND[slug].open(replace(served.settings(), signers={}))


# --- a service that is not there is a failed act


def acts_of(adapter: Any) -> list[Any]:
    request = resident(adapter.requester)
    poll = Poll.of(request, datetime.now(UTC))
    return [
        lambda: adapter.submit(request),
        lambda: adapter.submit_async(request),
        lambda: adapter.fetch(poll),
        lambda: adapter.evidence(poll),
    ]


@pytest.mark.parametrize("slug", FOUND)
def test_a_service_that_is_not_there(slug: str, served: Served) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with closing(FOUND[slug].open(served.settings(f"https://127.0.0.1:{port}"))) as adapter:
        for act in acts_of(adapter):
            with pytest.raises(ConnectorUnreachable):
                act()


@pytest.mark.parametrize("slug", FOUND)
def test_a_service_that_does_not_answer(slug: str, served: Served) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        with closing(FOUND[slug].open(replace(served.settings(url), timeout=0.2))) as adapter:
            for act in acts_of(adapter):
                with pytest.raises(ConnectorTimeout):
                    act()


@pytest.mark.parametrize("slug", FOUND)
def test_another_root(slug: str, served: Served, tmp_path: Path) -> None:
    with here(tmp_path) as stranger:
        settings = replace(served.settings(), trust_anchor=stranger.service.roots_pem)
    with closing(FOUND[slug].open(settings)) as adapter:
        for act in acts_of(adapter):
            with pytest.raises(ConnectorUnreachable, match="certificate verify failed"):
                act()


def test_many_at_once(signing: Any) -> None:
    """One adapter on many threads: each gets the answer to its own."""
    requests = [resident(signing.requester) for _ in range(12)]
    found: dict[str, str] = {}

    def ask(request: Request) -> None:
        found[request.id] = signing.submit(request).response.id

    threads = [threading.Thread(target=ask, args=(each,)) for each in requests]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found == {each.id: each.id for each in requests}


def test_its_evidence_is_kept_alone(signing: Any, served: Served) -> None:
    """With the CRLs of now in it, it verifies with the root alone; without them nobody can tell offline."""
    (answer,) = signing.submit(resident(signing.requester)).response.answers
    kept = signing.completed(answer.evidence)
    signatory = Signatory.of(replace(served.settings("https://nobody.invalid"), signers={}))
    statement, judged = signatory.kept(kept, datetime.now(UTC))
    assert statement == signing.present(answer.evidence)
    assert judged.until is not None
    assert judged.until > datetime.now(UTC) + timedelta(days=3 * 365)
    assert signing.completed(kept) == kept
