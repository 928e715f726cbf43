"""The report says its limits, in three languages, and cannot say other than its inputs."""

from __future__ import annotations

import html.parser
import inspect
import json
import re
from dataclasses import replace
from typing import Any

import pytest
import rfc8785

from baas.connectors import Environment
from baas.evaluations import verdict
from baas.evaluations.evaluate import evaluate
from baas.evaluations.forest import forest
from baas.evaluations.page import SECURITY_POLICY, render
from baas.evaluations.report import Decision, assemble, canonical, check
from baas.evaluations.verdict import Conclusion
from baas.metrics import metrics
from baas.texts import LANGUAGES, catalogue, text
from tests.baas.evaluations.simulated import ABOUT, ARMS, TERMS, run

METRICS = metrics()


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return assemble(ABOUT, ARMS, evaluate(TERMS, run(), METRICS, plan_changed=False))


class Reader(html.parser.HTMLParser):
    """What a reader meets on the page: elements with attributes, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(re.sub(r"<style>.*</style>", "", page, flags=re.DOTALL))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def test_plain_canonical_and_the_same_again(report: dict[str, Any]) -> None:
    again = assemble(ABOUT, ARMS, evaluate(TERMS, run(), METRICS, plan_changed=False))
    assert canonical(again) == canonical(report)
    assert json.loads(canonical(report)) == report
    assert canonical(json.loads(json.dumps(report))) == canonical(report) == rfc8785.dumps(report)


def test_its_limits_are_data_too(report: dict[str, Any]) -> None:
    assert report["limits"] == {
        "evidence_level": 2,
        "operators_who_must_collude": 1,
        "conclusion_about_aoc_services": False,
        "qualified": [],
        "chain_keys_identify_or_sign_for_citizens": False,
        "log_period_shortened": False,
        "legacy_sha1": False,
        "disturbed": False,
    }
    assert {arm["environment"] for arm in report["arms"]} == {"lab_emulator"}
    assert {o["origin"] for o in report["comparisons"][0]["outcomes"]} == {"measured"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_what_it_must(report: dict[str, Any], language: str) -> None:
    page = Reader(render(report, language))
    for key in (
        "limits.fictional",
        "limits.environment",
        "limits.not_qualified",
        "limits.da6",
        "limits.null",
        "decision.no_scale",
        "decision.pending",
        "proof.replay",
        "verdict.incumbent_better",
        "environment.lab_emulator",
        "attack.back_date",
        "nobody",
    ):
        assert text(f"report.{key}", language) in page.text, key
    assert text("report.limits.level", language).format(level=2) in page.text
    assert text("report.limits.operators", language).format(count=1) in page.text
    assert "n = 60 < 72" in page.text
    assert report["raw_sha256"] in page.text
    assert report["plan"]["sha256"] in page.text
    assert "{" not in page.text, "a blank that nobody filled"


@pytest.mark.parametrize("language", LANGUAGES)
def test_self_contained_and_accessible(report: dict[str, Any], language: str) -> None:
    page = Reader(render(report, language))
    tags = [tag for tag, _ in page.elements]
    assert {"script", "link", "img", "iframe", "object"}.isdisjoint(tags)
    for _, attributes in page.elements:
        assert not any(name.startswith("on") or name in ("src", "style") for name in attributes)
        assert attributes.get("href", "#content") == "#content"
    assert dict(page.elements)["html"]["lang"] == language
    assert tags.count("h1") == tags.count("main") == 1
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    for _, attributes in page.elements:
        for reference in (attributes.get("aria-labelledby") or "").split():
            assert reference in ids
    assert all(a.get("scope") in ("row", "col") for tag, a in page.elements if tag == "th")
    assert dict(page.elements)["svg"]["role"] == "img"
    assert "url(" not in render(report, language)
    assert "default-src 'none'" in SECURITY_POLICY


def test_what_people_wrote_is_escaped(report: dict[str, Any]) -> None:
    assert "Constància de decrets &lt;de prova&gt;" in render(report)
    assert "<de prova>" not in render(report)


def test_numbers_are_written_as_in_the_language(report: dict[str, Any]) -> None:
    found = next(o for o in report["comparisons"][0]["outcomes"] if o["role"] == "primary")["difference"]
    catalan, english = Reader(render(report, "ca")).text, Reader(render(report, "en")).text
    shown = f"+{found['value']:.3f} [+{found['low']:.3f}; +{found['high']:.3f}] s"
    assert 0.5 < found["low"] < found["high"] < 0.75
    assert shown in english
    assert shown.replace(".", ",") in catalan
    assert "+3 983 [+3 983; +3 983] bytes" in english, "thousands apart by a thin space"


def test_another_verdict_or_other_numbers_are_not_rendered(report: dict[str, Any]) -> None:
    assert check(report).verdict is Conclusion.INCUMBENT_BETTER
    forged = json.loads(json.dumps(report))
    forged["verdict"]["verdict"] = "chain_better"
    with pytest.raises(ValueError, match="the rules conclude 'incumbent_better': it was changed"):
        render(forged)
    forged = json.loads(json.dumps(report))
    forged["comparisons"][0]["outcomes"][0]["difference"]["high"] = 0.1
    with pytest.raises(ValueError, match="other numbers"):
        render(forged)
    forged = json.loads(json.dumps(report))
    forged["arms"][1]["environment"] = "production"
    with pytest.raises(ValueError, match="other numbers"):
        render(forged)
    with pytest.raises(ValueError, match=r"baas\.report/3"):
        check(report | {"schema": "baas.report/1"})
    with pytest.raises(KeyError):
        render(report, "fr")


def test_a_decision_is_a_persons_and_never_scale_in_a_laboratory() -> None:
    evaluation = evaluate(TERMS, run(), METRICS, plan_changed=False)
    learned = Decision(
        "stop_learned", "El segell n'hi ha prou.", "Persona Fictícia", "2026-11-23T08:00:00.000Z"
    )
    page = Reader(render(assemble(ABOUT, ARMS, evaluation, learned))).text
    assert text("report.decision.stop_learned", "ca") in page
    assert "El segell n'hi ha prou." in page
    assert text("report.decision.pending", "ca") not in page
    with pytest.raises(ValueError, match="lab_emulator"):
        assemble(ABOUT, ARMS, evaluation, replace(learned, decision="scale"))
    with pytest.raises(ValueError, match="expected one of"):
        replace(learned, decision="perhaps")
    with pytest.raises(ValueError, match="a reason"):
        replace(learned, reason="")


def test_facts_that_contradict_the_plan_are_refused() -> None:
    evaluation = evaluate(TERMS, run(), METRICS, plan_changed=False)
    with pytest.raises(ValueError, match="arms and environments"):
        assemble(ABOUT, (ARMS[0], replace(ARMS[1], environment=Environment.PRODUCTION)), evaluation)
    with pytest.raises(ValueError, match="arms and environments"):
        assemble(ABOUT, (ARMS[1], ARMS[0]), evaluation)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "change",
    [
        {"n": 3},
        {"n": 60, "delay": 0.234},
        {"n": 60, "control_delay": 1.0},
        {"n": 60, "lost": tuple(range(40))},
    ],
)
def test_every_kind_of_run_has_a_page(change: dict[str, Any], language: str) -> None:
    page = render(
        assemble(ABOUT, ARMS, evaluate(TERMS, run(**change), METRICS, plan_changed=False)), language
    )
    assert text("report.section.verdict", language) in page


def test_each_code_of_the_rules_has_its_words() -> None:
    """Reason codes, conclusions and slugs are found in the sources' own enumerations and rules."""
    source = inspect.getsource(verdict)
    codes = set(
        re.findall(
            r'"((?:primary|guardrails?|control|clock|plan|raw|order|fewer|real|dlt)_[a-z_]+)[":]', source
        )
    )
    codes |= {"guardrail_inferior", "guardrail_not_shown"}
    codes -= {"dlt_use"}  # the one field that is no code too
    keys = catalogue("ca")
    assert {f"report.reason.{code}" for code in codes} == {k for k in keys if k.startswith("report.reason.")}
    assert {f"report.verdict.{c}" for c in Conclusion} == {k for k in keys if k.startswith("report.verdict.")}
    assert {f"report.environment.{e}" for e in Environment} <= set(keys)


def test_the_plots_geometry(report: dict[str, Any]) -> None:
    plot = forest(report["comparisons"][0]["outcomes"])
    assert [m.name for m in plot.marks] == ["time_to_evidence", "verified_offline", "evidence_bytes"]
    time, rate, size = plot.marks
    assert time.value is not None
    assert time.value < plot.band_left, (
        "0.6 s later with a MID of 0.25 s: left of the band, the chain is worse"
    )
    assert rate.value == plot.zero
    assert size.value is not None
    assert plot.band_left < size.value < plot.zero, "some 4,000 bytes more, of a margin of 8,192"
    far = json.loads(json.dumps(report["comparisons"][0]["outcomes"]))
    far[0]["margin"] = 0.001
    assert forest(far).marks[0].cut_low
    assert forest(far).marks[0].outside, "600 units: no circle is drawn where the value is not"
    few = assemble(ABOUT, ARMS, evaluate(TERMS, run(3), METRICS, plan_changed=False))
    assert forest(few["comparisons"][0]["outcomes"]).marks[0].value is None


@pytest.mark.tools
@pytest.mark.parametrize("language", LANGUAGES)
def test_html5lib_finds_no_error(report: dict[str, Any], language: str) -> None:
    html5lib = pytest.importorskip("html5lib")
    html5lib.HTMLParser(strict=True).parse(render(report, language))
