"""Whatever can be said is read as it was said; whatever comes is a refusal, or says the same again when it is written."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from hashlib import sha256

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree

from baas.ades.xml import UnsafeXml, parse
from baas.protocols.pci import evidence
from baas.protocols.pci.codes import MOST_ELEMENTS, State
from baas.protocols.pci.errors import PciError
from baas.protocols.pci.messages import (
    Answer,
    Confirmation,
    Consent,
    DocumentType,
    Element,
    File,
    Holder,
    Issuer,
    Officer,
    Poll,
    Purpose,
    Request,
    Requester,
    Response,
    Status,
)
from baas.protocols.pci.products import etauler, mux, padro, representa
from baas.protocols.pci.reading import canonical, read_confirmation, read_poll, read_request, read_response
from baas.protocols.pci.writing import confirmation_xml, poll_xml, request_xml, response_xml
from sandbox.evidence.digest import Digest
from tests.baas.protocols.pci.damage import damaged
from tests.baas.protocols.pci.examples import DOCUMENTED, RESIDENT, full_request
from tests.baas.protocols.pci.test_products import CASES, EDICT

SPACE = " \t\r\n"
#: What XML 1.0 can hold, with the characters that its writers and readers treat apart.
LETTERS = st.one_of(
    st.sampled_from("\t\r\n <>&\"'\x7f\x85\u2028\ufffd\U0001f3db"),
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"),
)


def words(most: int, least: int = 1) -> st.SearchStrategy[str]:
    """Any text, and not long: how long a value may be is told elsewhere."""
    return st.text(LETTERS, min_size=least, max_size=min(most, 12))


def code(most: int, least: int = 1) -> st.SearchStrategy[str]:
    """One line, without a space at its ends."""
    return words(most, least).filter(lambda text: text == text.strip(SPACE) and not {"\n", "\r"} & set(text))


ZONES = [UTC, timezone(timedelta(hours=1)), timezone(timedelta(hours=-11, minutes=-30))]
#: Whole milliseconds, from the year 1900 to 2999.
moments = st.builds(
    lambda milliseconds, zone: datetime.fromtimestamp(0, zone) + timedelta(milliseconds=milliseconds),
    st.integers(-2_200_000_000_000, 32_000_000_000_000),
    st.sampled_from(ZONES),
)
days = st.dates(date(1900, 1, 1), date(2999, 1, 1))
purposes = st.one_of(
    words(250).map(lambda text: Purpose(finality=text)),
    words(20, 3).map(lambda text: Purpose(procedure=text)),
)
requesters = st.builds(Requester, code(10), words(100), purposes)
officers = st.builds(Officer, words(122), code(10), words(255, 0), st.just("") | code(10))
holders = st.builds(Holder, st.sampled_from(DocumentType), words(14), words(368, 0))


@st.composite
def files(draw: st.DrawFn) -> tuple[File, ...]:
    ids = draw(st.lists(code(50), max_size=2, unique=True))
    contents = [draw(st.binary(max_size=40)) for _ in ids]
    return tuple(
        File(id_, draw(words(255, 0)), content, sha256(content).digest())
        for id_, content in zip(ids, contents, strict=True)
    )


@st.composite
def data(draw: st.DrawFn) -> bytes:
    """Some product's element, in canonical form; or none."""
    if draw(st.booleans()):
        return b""
    root = etree.Element(
        draw(st.sampled_from(["{urn:a}b", "{urn:a:b}c"])), nsmap={draw(st.sampled_from([None, "x"])): "urn:a"}
    )
    root.text = draw(words(20, 0))
    root.set("attr", draw(words(9, 0)))
    etree.SubElement(root, "{urn:z}inner").tail = draw(words(9, 0))
    return canonical(root)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    ids = draw(st.lists(code(40), min_size=1, max_size=3, unique=True))
    elements = tuple(
        Element(
            id=id_,
            requester=draw(requesters),
            data=draw(data()),
            consent=draw(st.sampled_from(Consent)),
            transmission=draw(st.just("") | code(26)),
            officer=draw(st.none() | officers),
            holder=draw(st.none() | holders),
            files=draw(files()),
            evidence=draw(st.booleans()),
            pdf=draw(st.booleans()),
            generated=draw(words(29, 0)),
        )
        for id_ in ids
    )
    return Request(
        draw(code(100)), draw(moments), draw(code(64)), draw(code(64)), draw(requesters), elements,
        draw(st.builds(Issuer, code(10), words(50))), draw(st.none() | officers),
    )  # fmt: skip


statuses = st.builds(Status, st.sampled_from(State), words(16, 0), words(255, 0), st.integers(0, 9999))


sent_under = st.just("") | code(26)
papers = [st.binary(max_size=9)] * 2


def sent(element: etree._Element) -> etree._Element:
    return parse(etree.tostring(element, encoding="UTF-8"))


@settings(max_examples=40)
@given(requests(), statuses, moments, st.data())
def test_requests_and_their_answers(
    request: Request, status: Status, time: datetime, drawing: st.DataObject
) -> None:
    assert read_request(sent(request_xml(request))) == request
    answered = [each for each in request.elements if drawing.draw(st.booleans())]
    answers = tuple(
        drawing.draw(st.builds(Answer, st.just(each.id), sent_under, data(), *papers)) for each in answered
    )
    response = Response(request.id, time, request.product, request.modality, status, answers)
    assert read_response(sent(response_xml(response, request))) == response


@given(code(100), moments, code(64), code(64), requesters, statuses, st.integers(0, 9_999_999))
def test_polls_and_confirmations(
    id_: str, time: datetime, product: str, modality: str, requester: Requester, status: Status, count: int
) -> None:
    poll = Poll(id_, time, product, modality, requester, count)
    assert read_poll(sent(poll_xml(poll))) == poll
    confirmation = Confirmation(id_, time, product, modality, count, status)
    assert read_confirmation(sent(confirmation_xml(confirmation))) == confirmation


# --- products

digests = st.one_of(
    *(st.binary(min_size=size, max_size=size).map(lambda value, slug=slug: Digest(slug, value))
      for slug, size in (("sha-256", 32), ("sha-384", 48), ("sha-512", 64)))
)  # fmt: skip
ine10 = st.from_regex(r"[0-9]{10}", fullmatch=True).filter(str.isascii)
people = st.builds(
    representa.Person,
    words(14),
    st.sampled_from(["NIF", "PASSAPORT"]),
    st.sampled_from(["", "FISICA", "JURIDICA"]),
    words(255, 0),
)
scopes = st.builds(
    representa.Scope, st.lists(words(64), min_size=1, max_size=3).map(tuple), words(64, 0), words(64, 0)
)
types, states = st.sampled_from(["TIPUS_A", "TIPUS_B", "TIPUS_C"]), st.sampled_from(["VALIDA", "REVOCADA"])
sometimes = st.none() | moments
powers = st.builds(representa.Power, words(64), types, states, people, people, scopes, sometimes, sometimes)
languages = st.sampled_from(["ca", "es", "oc"])
steps = st.builds(mux.Step, words(70), st.sampled_from(mux.Phase), st.just("") | ine10, words(1000, 0))
entries = st.builds(
    mux.Entry, st.sampled_from(mux.Kind), words(1000, 0), moments, ine10, ine10,
    st.lists(st.builds(mux.Document, words(255, 5), digests, moments, words(64, 0)), max_size=2).map(tuple),
    words(400, 0), st.none() | steps,
)  # fmt: skip
applications = words(10, 3).map(
    lambda text: "".join("x" if letter in "\t\r\n" else letter for letter in text)
)
transactions = st.from_regex(r"[A-Za-z0-9,.-]{0,70}", fullmatch=True)


def some(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(strategy, min_size=1, max_size=3).map(tuple)


criteria = st.builds(etauler.Criterion, words(256), words(256), words(256, 0), languages)
kinds = st.sampled_from(["classificacio1", "classificacio2", "procedencia"])
diligences = st.builds(etauler.Diligence, languages, st.sampled_from(["electronica", "imprimible"]))
notices = st.builds(
    etauler.Notice,
    words(256),
    words(256),
    some(st.builds(etauler.Information, words(256), words(4000), languages)),
    days,
    some(st.builds(etauler.Document, words(256), words(50), languages)),
    some(st.builds(etauler.Classification, some(criteria), kinds)),
    st.none() | days,
    st.booleans(),
    diligences,
    st.booleans(),
)
results = st.builds(etauler.Result, st.sampled_from(etauler.Code), words(99, 0))
notice_states = st.none() | st.sampled_from(etauler.NoticeState)
stated = st.none() | days


@given(words(64), st.sampled_from(padro.Document), words(14), st.sampled_from(padro.Result))
def test_padro(file_number: str, kind: padro.Document, document: str, result: padro.Result) -> None:
    asked = padro.Resident(file_number, kind, document)
    assert padro.read(padro.write(asked)) == asked
    answer = padro.ResidentAnswer.to(asked, result)
    assert padro.read(padro.write(answer)) == answer


@settings(max_examples=40)
@given(notices, results, notice_states, stated, stated, st.binary(min_size=1, max_size=99))
def test_etauler(
    notice: etauler.Notice,
    result: etauler.Result,
    state: etauler.NoticeState | None,
    one: date | None,
    other: date | None,
    paper: bytes,
) -> None:
    for payload in (
        etauler.Publish(notice), etauler.AskState(notice.id), etauler.Withdraw(notice.id),
        etauler.AskDocument(notice.id, notice.diligence), etauler.Published(result),
        etauler.StateAnswer(result, state, one, other, other, one, one), etauler.DocumentAnswer(result, paper),
    ):  # fmt: skip
        assert etauler.read(etauler.write(payload)) == payload


@settings(max_examples=40)
@given(entries, applications, transactions, digests, moments, ine10, st.none() | moments)
def test_mux(
    entry: mux.Entry,
    application: str,
    transaction: str,
    digest: Digest,
    time: datetime,
    owner: str,
    ended: datetime | None,
) -> None:
    documents = tuple(replace(each, issued=None, guid="") for each in entry.documents)
    for payload in (
        mux.Add(application, entry, transaction), mux.Query(application, document=digest),
        mux.Answer(
            mux.DONE, entry.observations, (mux.Registered("2026/1", time, owner, documents, entry.step),),
            mux.HandOver("T", mux.HandOverState.ACCEPTED, owner, owner, digest, time, ended, ended, entry.subject),
        ),
    ):  # fmt: skip
        assert mux.read(mux.write(payload)) == payload


@settings(max_examples=40)
@given(powers, people, moments, words(64), words(255, 0), st.booleans())
def test_representa(
    power: representa.Power,
    asker: representa.Person,
    at: datetime,
    administration: str,
    application: str,
    wanted: bool,
) -> None:
    for payload in (
        representa.Validate(
            power.grantor, power.representative, power.scope, at, asker, administration, application, wanted
        ),
        representa.Validated(representa.HOLDS, application, power),
    ):
        assert representa.read(representa.write(payload)) == payload


@given(
    st.builds(
        evidence.EvidenceStatement,
        words(100, 0),
        words(40, 0),
        words(64, 0),
        words(64, 0),
        words(250, 0),
        words(10, 0),
        *[st.binary(min_size=32, max_size=32)] * 3,
        moments,
        st.dictionaries(words(71), words(400, 0), max_size=5),
    )
)
@example(
    evidence.EvidenceStatement(
        "1",
        "1",
        "P",
        "M",
        "F",
        "O",
        bytes(32),
        bytes(32),
        bytes(32),
        datetime(2026, 1, 1, tzinfo=UTC),
        {"": "a name that the schema does not take alone, and takes after its prefix"},
    )
)
def test_evidence(statement: evidence.EvidenceStatement) -> None:
    root = parse(evidence.write(statement))
    assert evidence._statement(root[0]) == statement


# --- whatever comes

READERS = [padro.read, etauler.read, mux.read, representa.read]


@given(damaged(DOCUMENTED))
def test_a_damaged_request_is_refused_or_says_the_same_again(element: etree._Element) -> None:
    try:
        read = read_request(element)
    except PciError as error:
        assert str(error)
        return
    assert read_request(sent(request_xml(read))) == read
    assert 1 <= len(read.elements) <= MOST_ELEMENTS


ASKED = full_request()
ANSWERED = Response(
    ASKED.id,
    ASKED.time,
    ASKED.product,
    ASKED.modality,
    Status(State.FINISHED, message="OK"),
    (Answer("1", "T-1", RESIDENT, b"<Evidencia/>", b"%PDF"), Answer("2", "", b"")),
)


@given(damaged(etree.tostring(response_xml(ANSWERED, ASKED))))
def test_a_damaged_answer_is_refused_or_is_of_elements_that_differ(element: etree._Element) -> None:
    try:
        read = read_response(element)
    except PciError as error:
        assert str(error)
        return
    assert len({each.id for each in read.answers}) == len(read.answers)
    assert read.status.state in State


@pytest.mark.parametrize("case", CASES, ids=lambda case: type(case[1]).__name__)
@settings(max_examples=20)
@given(st.data())
def test_damaged_payloads_are_refused_or_say_the_same_again(
    case: tuple[object, object], drawing: st.DataObject
) -> None:
    product, payload = case
    element = drawing.draw(damaged(product.write(payload)))  # type: ignore[attr-defined]
    try:
        read = product.read(etree.tostring(element))  # type: ignore[attr-defined]
    except PciError as error:
        assert str(error)
        return
    assert product.read(product.write(read)) == read  # type: ignore[attr-defined]


@given(st.one_of(st.binary(max_size=200), st.sampled_from([RESIDENT, EDICT]).flatmap(
    lambda whole: st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)).map(
        lambda at: whole[: at[0]] + bytes([at[1]]) + whole[at[0] + 1 :]
    )
)))  # fmt: skip
def test_bytes_are_a_payload_or_a_refusal(given_bytes: bytes) -> None:
    for read in READERS:
        try:
            read(given_bytes)
        except PciError as error:
            assert str(error)


@given(st.tuples(st.integers(0, len(DOCUMENTED) - 1), st.integers(0, 255)))
def test_one_byte_of_a_message(changed: tuple[int, int]) -> None:
    place, value = changed
    try:
        read_request(parse(DOCUMENTED[:place] + bytes([value]) + DOCUMENTED[place + 1 :]))
    except (PciError, UnsafeXml) as error:
        assert str(error)
