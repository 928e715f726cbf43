"""Series: retention dates that an admin acts on, and no personal data of real people without a DPIA record."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from baas.administrations.model import Administration, Member, Staff
from baas.privacy.dpia import REFERENCES, VERIFIED
from baas.privacy.model import DataClass, Series
from baas.privacy.series import last_kept
from baas.tenancy import Caller, CallerKind, Role, TenantScope, across_administrations
from tests.baas.conftest import Server
from tests.baas.flows import TEST, Town, anchored, digest, new_town, notarise, ok, scope_of, until
from tests.baas.privacy.samples import DPIA, SERIES
from tests.baas.privacy.test_erasure import log_by, register_of
from tests.baas.privacy.traces import document_needles, traces

PERSONAL = SERIES | {"name": "Padró", "data_class": "real_personal", "years": 2}


@pytest.fixture
def town(server: Server) -> Town:
    return new_town(server, "9999990001")


def test_personal_data_of_real_people_need_a_dpia_record(town: Town) -> None:
    series = ok(town.member.post("/series", json=PERSONAL), 201)
    uses = f"/series/{series['id']}/uses"
    refused = town.member.post(uses, json={"subject": "documents"})
    assert (refused.status_code, "write its DPIA record first" in refused.json()["detail"]) == (409, True)
    assert town.member.get(f"/series/{series['id']}/dpia").status_code == 404
    first = ok(town.member.post(f"/series/{series['id']}/dpia", json=DPIA), 201)
    assert (first["version"], first["content"]["roles"]) == (1, DPIA["roles"])
    assert ok(town.member.post(f"/series/{series['id']}/dpia", json=DPIA), 201)["version"] == 2
    used = ok(town.member.post(uses, json={"subject": "documents"}), 201)
    assert (used["subjects"], used["has_dpia"]) == (["documents"], True)
    other = ok(town.member.post("/series", json=SERIES), 201)
    ok(town.member.post(f"/series/{other['id']}/uses", json={"subject": "documents"}), 201)
    assert ok(town.member.get(f"/series/{series['id']}"))["subjects"] == []  # one series at a time


@pytest.mark.parametrize(
    "change",
    [
        {"necessity": "no"},
        {"risks": []},
        {"risks": [DPIA["risks"][0] | {"residual": "high"}]},
        {"roles": {"controller": "x"}},
        {"more": "x"},
    ],
)
def test_a_record_that_leaves_something_out_is_refused(town: Town, change: dict[str, Any]) -> None:
    series = ok(town.member.post("/series", json=PERSONAL), 201)
    assert town.member.post(f"/series/{series['id']}/dpia", json=DPIA | change).status_code == 422


@pytest.mark.parametrize("change", [{"until": "2030-01-01"}, {"years": -1}, {"data_class": "secret"}])
def test_a_series_that_contradicts_itself_is_refused(town: Town, change: dict[str, Any]) -> None:
    assert town.member.post("/series", json=SERIES | change).status_code == 422


def test_a_series_name_is_one_series(town: Town) -> None:
    ok(town.member.post("/series", json=SERIES), 201)
    assert town.member.post("/series", json=SERIES).status_code == 409


def test_another_administrations_register_belongs_to_no_series_of_ours(server: Server, town: Town) -> None:
    other = new_town(server, "9999990002")
    theirs = register_of(other)
    series = ok(town.member.post("/series", json=SERIES), 201)
    answers = [
        town.member.post(f"/series/{series['id']}/uses", json={"subject": each})
        for each in (theirs["id"], "0" * 26)
    ]
    assert [each.status_code for each in answers] == [404, 404]


def test_the_record_is_exported_for_programs_and_for_people_and_says_what_was_not_verified(
    town: Town,
) -> None:
    series = ok(town.member.post("/series", json=PERSONAL), 201)
    ok(town.member.post(f"/series/{series['id']}/dpia", json=DPIA), 201)
    path = f"/series/{series['id']}/dpia"
    exported = json.loads(town.member.get(path).content)
    assert exported["record"]["content"]["necessity"] == DPIA["necessity"]
    assert exported["guidelines"]["references"].keys() == REFERENCES.keys()
    assert exported["guidelines"]["paragraph_numbers"] == VERIFIED["paragraph_numbers"]
    assert "not verified" in VERIFIED["paragraph_numbers"]
    shown = {
        lang: town.member.get(path, params={"format": "markdown", "lang": lang}).content.decode()
        for lang in ("ca", "es", "en")
    }
    assert len(set(shown.values())) == 3
    for lang, text in shown.items():
        assert len(re.findall(r"^## ", text, re.MULTILINE)) == len(REFERENCES)
        assert DPIA["why_chain"] in text
        assert "02/2025" in text
        assert "{" not in text, lang
    assert "AIPD" in shown["ca"]
    assert "no s'han contrastat" in shown["ca"]
    assert town.member.get(path, params={"format": "pdf"}).status_code == 422


def test_the_paragraphs_that_are_cited_are_those_that_are_known() -> None:
    """No number beyond those that were read or found cited: the list is short on purpose."""
    cited = {each for places in REFERENCES.values() for each in places}
    assert cited == {
        "section 4.1", "section 4.9", "section 5.2", "section 5.3", "section 5.4", "paragraph 51", "paragraph 52",
        "paragraph 53", "paragraph 54", "paragraphs 97-99", "paragraphs 102-104", "recommendation 1", "recommendation 7",
        "recommendation 11", "recommendation 13", "recommendation 14",
    }  # fmt: skip


def test_what_is_past_its_date_is_listed_and_erased_when_an_admin_says_so(server: Server, town: Town) -> None:
    register = register_of(town)
    path = f"/registers/{register['id']}"
    rows = [{"dni": f"{n}", "nom": f"Persona fictici {n}", "adreca": "x"} for n in range(3)]
    ok(town.member.post(f"{path}/entries", json={"rows": rows}), 202)
    old = notarise(town, digest(b"un document que caduca"), digest(b"un altre que caduca"))
    shown = anchored(town, old["items"][1])
    log = log_by(server, shown["log"])
    short = ok(town.member.post("/series", json=SERIES | {"years": 1}), 201)
    long = ok(town.member.post("/series", json=SERIES | {"name": "Padró", "years": 3}), 201)
    ok(town.member.post(f"/series/{short['id']}/uses", json={"subject": "documents"}), 201)
    ok(town.member.post(f"/series/{long['id']}/uses", json={"subject": register["id"]}), 201)
    assert ok(town.member.get("/retention"))["items"] == []
    assert town.member.post(f"/series/{short['id']}/erase-due").status_code == 409

    server.clock.advance(days=400)
    town = new_member(server, town)
    fresh = notarise(town, digest(b"un document nou"))
    anchored(town, fresh["items"][0])
    (due,) = ok(town.member.get("/retention", params={"administration": town.code}))["items"]
    assert (due["series"], due["subject"], due["count"]) == (short["id"], "documents", 2)
    assert server.services.retention.check() == 1
    assert ok(town.member.get("/retention"))["checked"] is not None
    stranger = server.as_member(server.administration("9999990005")["code"], *Role)
    assert ok(stranger.get("/retention"))["items"] == []

    needles = document_needles(server.services, log.key, shown["index"], b"un altre que caduca")
    assert traces(server.services.settings.data, needles)
    refused = server.as_member(town.code, Role.DEVELOPER).post(f"/series/{short['id']}/erase-due")
    assert refused.status_code == 403
    (made,) = ok(town.member.post(f"/series/{short['id']}/erase-due"), 202)["items"]
    assert (made["count"], made["basis"]) == (2, "retention")
    until(lambda: ok(town.member.get(f"/erasures/{made['id']}"))["state"] == "erased" or None)
    assert traces(server.services.settings.data, needles) == []
    assert not ok(town.member.get(f"/notarisations/{fresh['items'][0]}"))["erased"]
    assert ok(town.member.get("/retention"))["items"] == []

    server.clock.advance(days=800)
    town = new_member(server, town)
    left = {each["series"]: each for each in ok(town.member.get("/retention"))["items"]}
    assert (left[long["id"]]["count"], left[short["id"]]["count"]) == (3, 1)
    ok(town.member.post(f"/series/{long['id']}/erase-due"), 202)
    until(lambda: traces(server.services.settings.data, {"name": b"Persona fictici 1"}) == [] or None)


def new_member(server: Server, town: Town) -> Town:
    """The town with a token that has not expired: the clock has been moved by a year and more."""
    services = server.services
    with services.store.session() as session:
        (owner,) = session.exec(
            across_administrations(Administration, TEST).where(Administration.code == town.code)
        )
        member = session.exec(
            across_administrations(Member, TEST).where(Member.administration_id == owner.id)
        ).first()
        staff = session.exec(select(Staff)).one()
        assert member is not None
        token = services.tokens.issue(session, scope_of(owner.id), "later", member.id).text
        operator = services.tokens.issue(
            session, TenantScope(Caller(CallerKind.OPERATOR, staff.id)), "later", staff.id
        ).text
    server.operator_token = operator
    return replace(town, token=token, member=server.client(token))


MOMENTS = st.integers(978_307_200, 10_413_792_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


def series_with(**changes: Any) -> Series:
    return Series(
        id="S", administration_id="A", name="x", code="1", data_class=DataClass.SYNTHETIC, legal_basis="x",
        created=datetime(2026, 1, 1, tzinfo=UTC), **changes,
    )  # fmt: skip


@given(now=MOMENTS, years=st.integers(0, 300))
def test_a_year_more_is_never_kept_shorter(now: datetime, years: int) -> None:
    last, longer = last_kept(series_with(years=years), now), last_kept(series_with(years=years + 1), now)
    assert last is not None
    assert longer is not None
    assert longer < last <= now
    assert (last.month, min(last.day, 28)) == (now.month, min(now.day, 28))


@given(now=MOMENTS, day=st.dates(date(2001, 1, 1), date(2300, 1, 1)))
def test_a_day_for_all_is_past_from_that_day_on(now: datetime, day: date) -> None:
    assert last_kept(series_with(until=day), now) == (now if now.date() >= day else None)
    assert last_kept(series_with(), now) is None
