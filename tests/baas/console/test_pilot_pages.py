"""A pilot in the console, over a real service: made from a form, frozen, run, judged, decided; mistakes beside fields."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import httpx2
import pytest

from baas.console.pilot_form import first
from baas.pilots.screening import trees
from baas.tenancy import CallerKind
from baas.texts import text
from tests.baas.console.person import Person, words
from tests.baas.console.town import CODE, Town
from tests.baas.flows import ok, until

PAGE = "/console/pilots"
#: The code of another administration, where nobody here may act.
OTHER = "9999990009"
FIELDS = {
    "administration": CODE,
    "title": "Constància de decrets (fictici)",
    "problem": "la constància dels decrets d'un ajuntament fictici",
    "hypothesis": "La cadena dona evidència tan aviat com un segell de temps.",
    "alternative": "Un segell de temps pot ser suficient.",
    "mid": "2,5",
    "pairs": "7",
    "interval": "0,05",
    "log_period": "1",
}


@pytest.fixture(scope="module")
def town_with_notary(town: Town) -> Town:
    ok(town.api.post(f"/chains/{town.chain}/deployments", json={"template": "document-notary"}), 201)
    return town


def filled(**changed: str) -> dict[str, str]:
    return {**first(), **FIELDS, **changed}


def beside(answer: httpx2.Response, field: str) -> str:
    """What the page says is wrong beside that field; the field says that this describes it."""
    place = f"pilot-{field}-mistake"
    found = re.search(f'id="{place}" role="alert">(.*?)</p>', answer.text)
    assert found, words(answer)
    assert re.search(f'aria-describedby="[^"]*{place}"', answer.text)
    return unescape(found[1])


def created(person: Person, **changed: str) -> str:
    answer = person.post(PAGE, **filled(**changed))
    assert answer.status_code == 303, words(answer)
    return str(answer.headers["location"])


def test_the_form_says_what_it_asks_and_begins_with_every_arm_that_needs_no_authorisation(town: Town) -> None:
    page = town.developer.get(f"{PAGE}/new")
    said = words(page)
    for each in ("Segell de temps", "Codi segur de verificació", "Registre encadenat", "Segell electrònic"):
        assert each in said
    assert "Prepareu un pilot" in words(town.developer.get(PAGE))
    parts = re.findall(r'name="arm-(\w+)".*?value="(\w*)" selected', page.text, re.DOTALL)
    assert dict(parts) == {
        "csv": "observed",
        "exchange": "",
        "log": "compared",
        "seal": "compared",
        "timestamp": "compared",
    }
    assert "Prepareu un pilot" not in words(town.auditor.get(PAGE))
    assert "no permet preparar pilots" in words(town.auditor.get(f"{PAGE}/new"))
    assert town.auditor.post(PAGE, **filled()).status_code in (403, 404)


def test_a_draft_has_the_plan_that_was_typed(town: Town) -> None:
    where = created(town.developer, **{"use-evidence_bytes": "guardrail", "margin-evidence_bytes": "8192"})
    plan = ok(town.api.get(f"/pilots/{where.rpartition('/')[2]}"))["plan"]
    assert (plan["arms"], plan["observed"]) == (["log", "seal", "timestamp"], ["csv"])
    assert (plan["mid"], plan["pairs"], plan["interval"], plan["log_period"]) == (2.5, 7, 0.05, 1.0)
    assert plan["guardrails"] == {"verified_offline": 0.08, "evidence_bytes": 8192.0}
    assert "tampering_noticed" in plan["secondary"] and "time_to_evidence" not in plan["secondary"]
    page = words(town.auditor.get(where))
    assert "esborrany" in page and "2,5 s" in page.replace("\u00a0", " ")
    assert "Laboratori: el registre encadenat es tanca cada 1 s" in page
    assert "Congela el pla" not in page  # an auditor reads


@pytest.mark.parametrize(
    ("changed", "field", "told"),
    [
        ({"title": " "}, "title", "Poseu-hi un nom"),
        ({"problem": "curt"}, "problem", "Escriviu una frase"),
        ({"mid": "molt"}, "mid", "Escriviu un nombre"),
        ({"mid": "0"}, "mid", "no es pot fer servir"),
        ({"mid": "nan"}, "mid", "no es pot fer servir"),
        ({"pairs": "5"}, "pairs", "no es pot fer servir"),
        ({"pairs": "7,5"}, "pairs", "no es pot fer servir"),
        ({"pairs": "6"}, "pairs", "almenys 7 casos"),
        ({"log_period": "100000"}, "log_period", "no es pot fer servir"),
        ({"log_period": "16"}, "log_period", "Com a màxim 15 s"),
        ({"arm-csv": "compared", "pairs": "8"}, "primary", "no pot tenir aquesta mètrica"),
        (
            {
                "arm-csv": "compared",
                "pairs": "8",
                "primary": "time_to_confirmation",
                "use-verification_time": "guardrail",
                "margin-verification_time": "1",
            },
            "secondary",
            "una de les salvaguardes",
        ),
        ({"seed": "inf"}, "seed", "no es pot fer servir"),
        ({"use-evidence_bytes": "guardrail"}, "margin-evidence_bytes", "Escriviu un nombre"),
        ({"margin-verified_offline": "-1"}, "margin-verified_offline", "no es pot fer servir"),
        ({"arm-log": "", "arm-seal": "", "arm-timestamp": ""}, "arms", "Trieu almenys un servei"),
        ({"primary": "felicitat"}, "primary", "no pot tenir aquesta mètrica"),
        ({"arm-seal": "", "disturbed": "seal", "delay_ms": "300"}, "disturbed", "que sigui al pilot"),
        ({"disturbed": "seal", "delay_ms": ""}, "delay_ms", "Escriviu un nombre"),
        ({"subject": "hand_over", "counterpart": OTHER}, "arms", "no sap fer aquests casos"),
        ({"subject": "poem"}, "subject", "no es pot fer servir"),
        ({"counterpart": OTHER}, "counterpart", "deixeu-ho en blanc"),
        ({"subject": "person_fact"}, "counterpart", "Trieu el segon ens"),
        ({"subject": "person_fact", "counterpart": CODE}, "counterpart", "no pot ser el del pilot"),
        (
            {"subject": "person_fact", "counterpart": OTHER, "data_class": "real_non_personal"},
            "data_class",
            "només s'admeten dades sintètiques",
        ),
        ({"use-documents_spared": "secondary"}, "secondary", "què s'estalvia a les persones"),
    ],
)
def test_a_mistake_is_told_beside_its_field(
    town: Town, changed: dict[str, str], field: str, told: str
) -> None:
    answer = town.developer.post(PAGE, **filled(**changed))
    assert answer.status_code == 422, words(answer)
    assert told in beside(answer, field)
    assert "Constància de decrets" in answer.text or field == "title"  # what was typed is not lost


def test_the_trees_are_asked_and_the_answers_kept(town: Town) -> None:
    page = town.developer.get(f"{PAGE}/new")
    for tree in trees():
        assert tree.title["ca"] in words(page)
        for question in tree.questions:
            legend = rf"<legend>{re.escape(question.id)}\. {re.escape(question.text['ca'])}</legend>"
            group = re.search(rf"<fieldset[^>]*>\s*{legend}.*?</fieldset>", unescape(page.text), re.DOTALL)
            assert group, question.id
            values = re.findall(
                rf'type="radio" id="[^"]+" name="screening-{question.id}" value="(\w*)"( checked)?', group[0]
            )
            assert values == [("yes", ""), ("no", ""), ("", " checked")], "nothing is answered beforehand"
    sheet = {
        "screening-dhs.1": "yes",
        "screening-dhs.2": "no",
        "screening-wg.3": "yes",
        "screening-wef.4": "",
    }
    where = created(town.developer, **sheet)
    plan = ok(town.api.get(f"/pilots/{where.rpartition('/')[2]}"))["plan"]
    assert plan["screening"] == {"dhs.1": True, "dhs.2": False, "wg.3": True}
    assert (plan["subject"], plan["counterpart"]) == ("document", "")
    said = words(town.auditor.get(where))
    assert "no cal cap cadena de blocs: n'hi ha prou amb una base de dades" in said
    assert "Wüst i Gervais (2017): no respost" in said, "its first question is open"
    assert "cap pregunta resposta" in words(town.auditor.get(created(town.developer)))


def test_what_was_answered_is_still_there_after_a_mistake(town: Town) -> None:
    answer = town.developer.post(PAGE, **filled(title="", **{"screening-drenthe.3": "no"}))
    assert answer.status_code == 422
    assert re.search(r'name="screening-drenthe\.3" value="no" checked', answer.text)
    opened = re.findall(r"<details open>\s*<summary>([^<(]+)", answer.text)
    assert [each.strip() for each in opened] == ["BlockchainLab Drenthe"]
    wrong = town.developer.post(PAGE, **filled(**{"screening-dhs.1": "perhaps"}))
    assert "només s'hi pot respondre sí o no" in unescape(wrong.text)


def test_several_mistakes_are_told_at_once(town: Town) -> None:
    answer = town.developer.post(PAGE, **filled(title="", pairs="", hypothesis="no"))
    assert "Camps per revisar: 3." in words(answer)
    for field in ("title", "pairs", "hypothesis"):
        assert beside(answer, field)


def test_another_administrations_pilot_is_not_there(town: Town) -> None:
    where = created(town.developer)
    for path in ("", "/freeze", "/run", "/evaluate", "/decide"):
        ask = town.developer.post if path else town.developer.get
        assert ask(f"{PAGE}/{'0' * 26}{path}").status_code == 404
        if path:
            assert town.auditor.post(f"{where}{path}", decision="iterate", reason="x" * 20).status_code == 403


@pytest.mark.timeout(240)
def test_the_whole_way_of_a_pilot(town_with_notary: Town) -> None:
    town = town_with_notary
    where = created(town.developer, **{"arm-seal": ""})
    assert "encara no toca" in words(town.developer.post(f"{where}/run"))
    assert town.developer.post(f"{where}/freeze").status_code == 303
    page = town.developer.get(where)
    assert "Comença la prova" in words(page) and "/console/notarisations/" in page.text
    assert town.developer.post(f"{where}/run").status_code == 303
    assert "La prova està en marxa" in words(town.developer.get(where))
    pilot = where.rpartition("/")[2]
    until(lambda: ok(town.api.get(f"/pilots/{pilot}"))["state"] == "measured", 180)
    assert town.developer.post(f"{where}/evaluate").status_code == 303
    told = json.loads(town.api.get(f"/pilots/{pilot}/report").content)
    page = words(town.developer.get(where))
    assert [each["incumbent"] for each in told["comparisons"]] == ["log", "timestamp"]
    for each in told["comparisons"]:
        assert text(f"report.verdict.{each['verdict']['verdict']}") in page
    assert "Ara cal que un gestor" in page  # a developer does not decide
    assert town.developer.post(f"{where}/decide", decision="iterate", reason="x" * 20).status_code == 403
    page = town.admin.get(where)
    assert 'value="scale"' not in page.text  # a laboratory's evidence does not carry it
    wrong = town.admin.post(f"{where}/decide", reason="curt")
    assert wrong.status_code == 422
    assert "Trieu una decisió" in words(wrong)
    assert "de 10 a 2000 caràcters" in beside(wrong, "reason") and ">curt</textarea>" in wrong.text
    refused = town.admin.post(f"{where}/decide", decision="scale", reason="Perquè sí, que ja toca.")
    assert refused.status_code == 422
    done = town.admin.post(f"{where}/decide", decision="stop_learned", reason="Amb el segell n'hi ha prou.")
    assert done.status_code == 303
    page = words(town.auditor.get(where))
    assert "aturar-lo: se n'ha après" in page and "Amb el segell n'hi ha prou." in page
    report = town.auditor.get(f"{where}/report")
    assert "Amb el segell n'hi ha prou." in words(report)
    assert f'href="{where}"' in town.auditor.get(PAGE).text


def test_a_plan_that_the_exchange_would_refuse_is_told_where_to_ask(town: Town) -> None:
    where = created(town.developer, **{"arm-seal": "", "arm-log": "", "arm-exchange": "compared"})
    refused = town.developer.post(f"{where}/freeze")
    assert refused.status_code == 422
    said = words(refused)
    assert "Vallclara del Mar: encara no té autorització per demanar MUX · MUX_REGISTRE" in said
    assert "amb la finalitat «PROVES»" in said
    link = re.search(r'role="alert">.*?<a href="([^"]+)">Com es demana', refused.text)
    assert link and link[1] == f"/console/exchange?administration={CODE}"
    assert "Com es demana una autorització" in words(town.developer.get(link[1]))


def test_aocs_staff_read_and_change_nothing(town: Town) -> None:
    server: Any = town.server
    where = created(town.developer)
    made = ok(server.operator.post("/staff", json={"label": "AOC", "kind": CallerKind.EVALUATOR}), 201)
    staff = Person(server)
    assert staff.sign_in(server.token_of(made["id"])).status_code == 303
    assert "Constància de decrets" in words(staff.get(where))
    assert '<form method="post"' not in staff.get(where).text.partition("<main")[2]
    assert "Prepareu un pilot" not in words(staff.get(PAGE))
    assert staff.post(f"{where}/freeze").status_code == 403


def test_real_services_are_named_that_wait_for_a_declaration(
    town_with_notary: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from baas.connectors import Environment

    town = town_with_notary
    opening = town.server.services.pilots._opening
    where_is = opening.settings_of
    monkeypatch.setattr(
        opening,
        "settings_of",
        lambda slug, code: replace(where_is(slug, code), environment=Environment.PREPRODUCTION),
    )
    answer = town.developer.post(f"{created(town.developer)}/freeze")
    assert answer.status_code == 422
    assert "falta declarar: Conveni o adhesió als serveis de l'AOC" in words(answer)
