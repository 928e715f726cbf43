"""What every product keeps to, whatever it is about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baas.ades.xml import parse
from baas.exchange_service.products import Done, Product, ProductRefused, products
from baas.protocols.pci import evidence
from baas.protocols.pci.codes import Detail
from baas.protocols.pci.evidence import EvidenceStatement
from baas.protocols.pci.messages import DocumentType, File, Holder
from baas.protocols.pci.reading import canonical
from baas.texts import LANGUAGES
from baas.trust_service.database import Database
from tests.baas.exchange_service.products.cases import CASES, Case
from tests.baas.exchange_service.products.place import NOW, OTHER, TOWN, HandClock, opened

SLUGS = sorted(products())
BAD = [(slug, name) for slug in sorted(CASES) for name in CASES[slug].bad]


class Bench:
    """One product on a database of its own, and its case."""

    def __init__(self, slug: str, path: Path) -> None:
        self.kind: type[Product] = products()[slug]
        self.case: Case = CASES[slug]
        self.clock = HandClock()
        self.database = Database(path, "SELECT 1")
        self.product = opened(self.kind, self.database, self.clock)

    def answer(self, make: Any, organisation: str = TOWN) -> Done:
        """As the service calls it: in a transaction of its own."""
        with self.database.transaction():
            return self.product.answer(make(organisation))

    def act(self) -> list[Done]:
        return [self.answer(make) for make in self.case.acts]

    def dump(self) -> list[tuple[object, ...]]:
        """All rows of all tables."""
        tables = [
            str(name) for (name,) in self.database.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        return [
            (table, *row) for table in sorted(tables) for row in self.database.rows(f"SELECT * FROM {table}")
        ]

    def close(self) -> None:
        self.database.close()


@pytest.fixture(params=SLUGS)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    with closing(Bench(request.param, tmp_path / "exchange.sqlite")) as made:
        yield made


def test_every_product_has_its_case() -> None:
    assert SLUGS == sorted(CASES) == ["etauler", "mux", "padro", "representa"]


def test_no_two_products_answer_for_the_same_code() -> None:
    found = products()
    assert len({each.code for each in found.values()}) == len(found)
    assert all(each.modalities and each.__module__.endswith(each.slug) for each in found.values())


def test_every_modality_says_what_it_is_asked() -> None:
    for each in products().values():
        for modality, asked in each.modalities.items():
            assert set(asked) == set(LANGUAGES), modality
            assert all(asked.values()), modality


def test_what_is_answered_is_the_products_own_xml_as_it_will_be_sent(bench: Bench) -> None:
    questions = [bench.answer(make) for make in bench.case.questions]
    for done in bench.act() + questions:
        assert canonical(parse(done.data)) == done.data
        assert bench.case.read(done.data)


def statement(bench: Bench, done: Done) -> EvidenceStatement:
    kind = bench.kind
    digests = [bytes(32)] * 3
    return EvidenceStatement(
        "R-1", "1", kind.code, next(iter(kind.modalities)), "PROVES", TOWN, *digests, NOW, done.parameters
    )


def test_evidence_can_state_every_parameter(bench: Bench) -> None:
    for done in bench.act() + [bench.answer(make) for make in bench.case.questions]:
        assert done.parameters
        written = evidence.write(statement(bench, done)).decode()
        assert all(f"producte:{name}" in written for name in done.parameters)


def test_another_modality_or_product_is_refused(bench: Bench) -> None:
    asked = bench.case.acts[0](TOWN)
    for changed in ({"modality": "NO_SUCH"}, {"modality": ""}, {"product": "NO_SUCH"}):
        with pytest.raises(ProductRefused, match="expected"):
            bench.product.answer(replace(asked, request=replace(asked.request, **changed)))


def test_what_nobody_needs_is_not_taken(bench: Bench) -> None:
    """A file that no product asked for, and a person whom the data are not about."""
    for make in (*bench.case.acts, *bench.case.questions):
        good = make(TOWN)
        holder = Holder(DocumentType.NIF, "99999999R")
        more = (*good.element.files, File("more", "more.pdf", b"more", sha256(b"more").digest()))
        for changed in ({"holder": holder}, {"files": more}):
            with pytest.raises(ProductRefused, match=r"Titular|Fichero"):
                bench.product.answer(replace(good, element=replace(good.element, **changed)))
    assert bench.act(), "and nothing was left"


def test_the_same_input_is_answered_alike_on_another_machine(bench: Bench, tmp_path: Path) -> None:
    with closing(Bench(bench.kind.slug, tmp_path / "other.sqlite")) as other:
        assert bench.act() == other.act()
        for make in bench.case.questions:
            assert bench.answer(make) == other.answer(make)
        assert bench.dump() == other.dump()


def test_a_rollback_leaves_nothing(bench: Bench, tmp_path: Path) -> None:
    before = bench.dump()
    with pytest.raises(ZeroDivisionError), bench.database.transaction():
        for make in bench.case.acts:
            bench.product.answer(make(TOWN))
        raise ZeroDivisionError
    assert bench.dump() == before
    with closing(Bench(bench.kind.slug, tmp_path / "other.sqlite")) as fresh:
        assert bench.act() == fresh.act(), "no number is lost, no name is taken"


def test_questions_leave_nothing(bench: Bench) -> None:
    bench.act()
    before = bench.dump()
    for make in bench.case.questions:
        bench.answer(make)
        bench.answer(make, OTHER)
    assert bench.dump() == before


@pytest.mark.parametrize(("slug", "name"), BAD, ids=[f"{slug}-{name}" for slug, name in BAD])
def test_bad_data_are_refused_and_leave_nothing(slug: str, name: str, tmp_path: Path) -> None:
    with closing(Bench(slug, tmp_path / "exchange.sqlite")) as bench:
        for happened in (False, True):
            if happened:
                bench.act()
            before = bench.dump()
            with bench.database.transaction(), pytest.raises(ProductRefused) as refused:
                bench.product.answer(bench.case.bad[name](TOWN))
            assert refused.value.detail is Detail.PRODUCT
            assert 20 < len(str(refused.value)) < 400
            assert bench.dump() == before


def test_nobody_sees_what_another_left(bench: Bench, tmp_path: Path) -> None:
    with closing(Bench(bench.kind.slug, tmp_path / "other.sqlite")) as empty:
        bench.act()
        for make in bench.case.questions:
            assert bench.answer(make, OTHER) == empty.answer(make, OTHER)


def test_what_was_left_is_there_after_a_restart(bench: Bench) -> None:
    bench.act()
    before = [bench.answer(make) for make in bench.case.questions]
    rows = bench.dump()
    bench.product = opened(bench.kind, bench.database, bench.clock)
    assert bench.dump() == rows
    assert [bench.answer(make) for make in bench.case.questions] == before


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=100).map(str.encode)), st.data())
def test_anything_at_all_is_answered_or_refused(bench: Bench, junk: bytes, data: st.DataObject) -> None:
    """Junk, and good data with junk put into them somewhere."""
    good = data.draw(st.sampled_from(bench.case.acts))(TOWN)
    at = data.draw(st.integers(0, len(good.element.data)))
    for content in (junk, good.element.data[:at] + junk + good.element.data[at:]):
        with pytest.raises(ZeroDivisionError), bench.database.transaction():
            try:
                done = bench.product.answer(replace(good, element=replace(good.element, data=content)))
            except ProductRefused as refused:
                assert refused.detail in (Detail.PRODUCT, Detail.SCHEMA)
            else:
                assert bench.case.read(done.data)
            raise ZeroDivisionError


#: Numbers, days, names and markup that somebody may try in any place.
NASTY = (
    "", " ", "0", "-1", "٣", "1e9", "9" * 30, "0000-01-01", "0001-01-01", "2026-02-29", "2026-12-31+14:00", "-2026-01-01",
    "9999-12-31", "10000-01-01", "0001-01-01T00:00:00+14:00", "9999-12-31T24:00:00Z", "2026-06-30T23:59:60Z",
    "2026-11-27T09:30:00.123456789Z", "true", "oc", "' OR ''='", "%", "\u202e\u0301", "\n", "]]>&lt;", "{nb}{0}%s",
    "AA==", "A" * 300, "x" * 4001, "\U0010ffff\ud7ff\ue000",
)  # fmt: skip
LETTERS = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")


@settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_any_text_in_any_place_is_answered_or_refused(bench: Bench, data: st.DataObject) -> None:
    """What is answered can be stated in evidence and be on paper, and whoever asks for it again gets it."""
    good = data.draw(st.sampled_from([*bench.case.acts, *bench.case.questions]))(TOWN)
    root = parse(good.element.data)
    places = [each for each in root.iter() if not len(each)]
    for place in data.draw(st.lists(st.sampled_from(places), min_size=1, max_size=3)):
        place.text = data.draw(st.one_of(st.sampled_from(NASTY), st.text(LETTERS, max_size=80)))
    content = canonical(root)
    with pytest.raises(ZeroDivisionError), bench.database.transaction():
        try:
            done = bench.product.answer(replace(good, element=replace(good.element, data=content, pdf=True)))
        except ProductRefused as refused:
            assert refused.detail in (Detail.PRODUCT, Detail.SCHEMA)
        else:
            assert bench.case.read(done.data)
            evidence.write(statement(bench, done))
        raise ZeroDivisionError
