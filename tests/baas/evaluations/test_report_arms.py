"""The report of several arms: each beside the chain, the tables across them, and the laboratory said loudly."""

from __future__ import annotations

import io
import json
import re
from copy import deepcopy
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from baas.connectors import Erasure, OnLedger
from baas.evaluations.evaluate import evaluate
from baas.evaluations.forest import across, common_limit, forest
from baas.evaluations.page import render
from baas.evaluations.report import assemble
from baas.evaluations.tables import arm_rows, attacks
from baas.evaluations.words import Words
from baas.metrics import CHAIN, Attack, Trial, metrics
from baas.pilots.cheating import (
    chain,
    csv,
    exchange,
    hand_over_chain,
    hand_over_exchange,
    log,
    seal,
    timestamp,
)
from baas.pilots.outages import Outage
from baas.texts import LANGUAGES, catalogue, text
from tests.baas.evaluations.simulated import ABOUT, facts, run, terms_of
from tests.baas.evaluations.test_report import Reader

COMPARED, OBSERVED = ("timestamp", "seal", "log"), ("csv",)
EVERY = (CHAIN, *COMPARED, *OBSERVED)
SECONDARY = ("tampering_noticed", "time_to_confirmation", "verification_time", "verifiable_until")
FACTS = (
    facts(
        CHAIN,
        on_ledger=OnLedger.SALTED_COMMITMENT,
        erasure=Erasure.SALT_DESTROYED,
        files_offline=("receipt",),
        anchors_offline=("trust_root",),
    ),
    facts("timestamp"),
    facts(
        "seal",
        operators_who_must_collude=2,
        files_offline=("seal",),
        anchors_offline=("seal_root", "tsa_root"),
    ),
    facts(
        "log",
        on_ledger=OnLedger.DIGEST,
        erasure=Erasure.BREAKS_THE_CHAIN,
        files_offline=("log_file", "token"),
    ),
    facts(
        "csv", on_ledger=OnLedger.DOCUMENT, erasure=Erasure.BY_OPERATOR, files_offline=(), anchors_offline=()
    ),
)


def noticed(arm: str, attack: Attack) -> bool:
    if attack is Attack.NONE or arm == "csv":
        return False
    return arm == CHAIN or attack is Attack.DELETE or (arm == "log" and attack is not Attack.EQUIVOCATE)


DISTURBED = {"disturbance": {"arm": "seal", "delay_ms": 300.0}, "legacy_sha1": True}


@cache
def reported(conditions: str = "{}") -> dict[str, Any]:
    """A report of five arms, of which one is only observed; `conditions` of the plan as JSON, such as a disturbance."""
    terms = terms_of(COMPARED, OBSERVED, secondary=SECONDARY)
    terms = replace(terms, conditions={**terms.conditions, **json.loads(conditions)})
    trials = [
        Trial(
            arm,
            attack,
            number,
            noticed(arm, attack),
            *(("holder", "receipt") if noticed(arm, attack) else ("", "")),
            without_operator=noticed(arm, attack),
            seconds=0.012 if noticed(arm, attack) else None,
        )
        for arm in EVERY
        if arm != "seal"
        for attack in Attack
        for number in range(20)
    ]
    measured = run(incumbents=(*COMPARED, *OBSERVED), slower={"seal": 0.1, "log": 2.1})
    measured = replace(measured, trials=tuple(trials))
    return assemble(ABOUT, FACTS, evaluate(terms, measured, metrics(), plan_changed=False))


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return reported()


def cells(rows: list[Any], label: str) -> dict[str, str]:
    """What a row says of each arm, by arm."""
    (row,) = [each for each in rows if each.label == label]
    said = [" ".join(line.text for line in cell) for cell in row.cells]
    return dict(zip(EVERY, said, strict=True))


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_incumbent_has_its_own_verdict_and_the_sentence_has_the_overall_one(
    report: dict[str, Any], language: str
) -> None:
    page, words = Reader(render(report, language)).text, Words(report, language)
    assert report["verdict"]["verdict"] == "incumbent_better"
    assert [each["verdict"]["verdict"] for each in report["comparisons"]] == [
        "incumbent_better",
        "incumbent_better",
        "chain_better",
    ]
    for each in ("incumbent_better", "chain_better"):
        assert words.t(f"verdict.{each}") in page
    named = words.t("and", first=", ".join(map(words.arm, COMPARED[:2])), last=words.arm("log"))
    sentence = words.t(
        "sentence", problem=ABOUT.problem, incumbent=named, verdict=words.t("verdict.incumbent_better")
    )
    assert sentence in page
    assert words.t("verdict_label.not_counted") in page
    assert "{" not in page


@pytest.mark.tools
@pytest.mark.parametrize("language", LANGUAGES)
def test_html5lib_finds_no_error(report: dict[str, Any], language: str) -> None:
    html5lib = pytest.importorskip("html5lib")
    html5lib.HTMLParser(strict=True).parse(render(report, language))


def test_ids_are_unique_and_every_table_can_be_reached(report: dict[str, Any]) -> None:
    page = Reader(render(report))
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    regions = [a for _, a in page.elements if a.get("role") == "region"]
    assert len(regions) == [tag for tag, _ in page.elements].count("table")
    assert all(each["tabindex"] == "0" and each["aria-labelledby"] in ids for each in regions)
    for _, a in page.elements:
        for reference in (a.get("aria-labelledby") or "").split():
            assert reference in ids
    assert {"script", "link", "img", "iframe"}.isdisjoint(tag for tag, _ in page.elements)


def test_the_table_of_arms_says_what_each_is_worth(report: dict[str, Any]) -> None:
    words = Words(report, "ca")
    rows, t = arm_rows(report, words), words.t
    assert cells(rows, t("arms.role"))["csv"] == "només observada"
    evidence = cells(rows, t("arms.time_to_evidence"))
    assert evidence["log"].startswith("2,1") and evidence["timestamp"].startswith("0,0")
    assert evidence["csv"] == t("arms.cannot")  # said, not left out
    assert cells(rows, t("arms.time_to_confirmation"))["csv"].endswith("\u00a0s")
    assert cells(rows, t("arms.evidence_bytes"))[CHAIN] == "5\u202f200\u00a0bytes"
    assert cells(rows, t("arms.offline"))["csv"] == t("arms.only_issuer")
    files = cells(rows, t("arms.files"))
    assert files[CHAIN] == "justificant d'evidència"
    assert files["log"].count(",") == 1 and files["csv"] == t("arms.not_offline")
    assert "arrel" in cells(rows, t("arms.anchors"))["seal"]
    until = cells(rows, t("arms.until"))
    assert until[CHAIN] == "res no hi caduca" and until["timestamp"].startswith("365\u00a0dies")
    assert list(cells(rows, t("arms.collude")).values()) == ["1", "1", "2", "1", "1"]
    assert "sal" in cells(rows, t("arms.on_ledger"))[CHAIN]
    assert "trenca l'encadenament" in cells(rows, t("arms.erasure"))["log"]
    assert "servei no qualificat" in cells(rows, t("arms.legal_effect"))["seal"]


def test_what_the_plan_does_not_measure_is_said() -> None:
    terms = terms_of(("timestamp",))
    found = assemble(ABOUT, FACTS[:2], evaluate(terms, run(), metrics(), plan_changed=False))
    words = Words(found, "ca")
    (row,) = [each for each in arm_rows(found, words) if each.label == words.t("arms.time_to_confirmation")]
    assert [line.text for cell in row.cells for line in cell] == ["no mesurat en aquest pla"] * 2


def test_who_notices_which_attack_with_what(report: dict[str, Any]) -> None:
    words = Words(report, "ca")
    table = attacks(report, words)
    assert table.arms == [CHAIN, "timestamp", "log", "csv"]  # the seal was not tried
    assert len(table.rows) == len(Attack)
    by_attack = {
        row.label: {
            arm: [line.text for line in cell] for arm, cell in zip(table.arms, row.cells, strict=True)
        }
        for row in table.rows
    }
    told = by_attack[words.t("attack.equivocate")]
    assert told[CHAIN] == [
        "20 de 20",
        "100 [84; 100]\u00a0%",
        "qui guarda el justificant",
        "amb: justificant d'evidència",
        "en 0,0120\u00a0s com a màxim, un cop ho té al davant",
        "sense cap servidor de l'operador: 20 de 20",
    ]
    assert told["log"][-1] == "ningú se n'adona"
    assert table.rows[-1].label == words.t("attack.none")
    assert {each[-1] for each in by_attack[words.t("attack.none")].values()} == {"cap falsa alarma"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_laboratorys_shortenings_are_said_loudly(language: str) -> None:
    def loud(page: str) -> str:
        found = re.search(r"<section [^>]*loud.*?</section>", page, re.DOTALL)
        return Reader(found[0]).text if found else ""

    calm = loud(render(reported('{"log_period": 86400.0}'), language))
    assert text("report.short.emulated", language) in calm
    assert calm.count(".") == text("report.short.emulated", language).count(".")
    shown = loud(render(reported(json.dumps(DISTURBED)), language))
    assert "300 ms" in shown
    assert "2 s" in shown  # the log's period
    assert text("report.short.legacy_sha1", language) in shown


def test_one_scale_for_what_is_the_same_and_no_circle_where_the_value_is_not(report: dict[str, Any]) -> None:
    comparisons = [*report["comparisons"], *report["observed"]]
    plot = across(comparisons)
    assert [mark.name for mark in plot.marks] == list(COMPARED)
    assert not any(mark.outside for mark in plot.marks)
    timestamp, _, log = plot.marks
    assert timestamp.value is not None and log.value is not None
    assert timestamp.value < plot.band_left < plot.zero < plot.band_right < log.value
    limit = common_limit(comparisons)
    bands = {forest(each["outcomes"], limit).band_right for each in comparisons}
    assert len(bands) == 1, "a length means the same in each plot"
    slow = deepcopy(report)
    for each in slow["comparisons"]:
        each["outcomes"][0]["margin"] = 0.001
    far = across(slow["comparisons"])
    assert not any(mark.outside for mark in far.marks)
    assert len(far.ticks) <= 11
    assert any(mark.outside for mark in forest(slow["comparisons"][0]["outcomes"], limit).marks)


@pytest.mark.browser
def test_it_prints_with_its_conclusion_on_one_sheet_and_fits_a_telephone(
    report: dict[str, Any], tmp_path: Path
) -> None:
    import base64

    import pypdfium2

    from tests.baas.console.chromium import chromium

    page = tmp_path / "report.html"
    page.write_text(render(report), encoding="utf-8")
    with chromium(tmp_path / "profile") as browser:
        browser.get(page.as_uri())
        printed = browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"]
        for width in (360, 1200):
            size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    document = pypdfium2.PdfDocument(io.BytesIO(base64.b64decode(printed)))
    width, height = document[0].get_size()
    assert (round(width), round(height)) in {(595, 842), (594, 841), (595, 841), (596, 842)}
    first = re.sub(r"\s+", " ", document[0].get_textpage().get_text_range())
    words = Words(report, "ca")
    for key in ("section.verdict", "section.short", "section.limits", "limits.null"):
        assert words.t(key)[:60] in first, key
    second = re.sub(r"\s+", " ", document[1].get_textpage().get_text_range())
    assert second.startswith(words.t("section.arms"))
    assert words.t("arms.legal_effect").split()[0] in second, "the table of arms is on one sheet"


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_an_outage_did_is_said_of_each_arm_and_of_one_that_was_not_cut_off(language: str) -> None:
    cut = [
        Outage(CHAIN, 6, 0, 0, 6, 0, 2.0, 0.25, kept_evidence_verifies=True),
        Outage("csv", 6, 3, 2, 0, 1, 2.0, None, kept_evidence_verifies=False),
    ]
    report = {**reported(), "outages": [asdict(each) for each in cut]}
    words = Words(report, language)
    said = cells(arm_rows(report, words), words.t("arms.outage"))
    assert words.t("arms.outage_kept") in said[CHAIN]
    assert words.t("arms.outage_recovery", time=words.amount(0.25, "s")) in said[CHAIN]
    assert words.t("arms.outage_not_kept") in said["csv"]
    assert words.t("arms.outage_no_recovery") in said["csv"]
    counts = {"submitted": 6, "refused": 3, "timed_out": 2, "completed": 0, "lost": 1}
    assert words.t("arms.outage_counts", **counts) in said["csv"]
    assert said["log"] == words.t("arms.outage_none")
    assert (
        said["csv"].replace("{", "") == said["csv"] in " ".join(Reader(render(report, language)).text.split())
    )
    nothing = {**report, "outages": []}
    assert words.t("arms.outage") not in {row.label for row in arm_rows(nothing, words)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_a_cheating_operator_is_noticed_with_has_a_name(report: Any, language: str) -> None:
    words, texts = Words(report, language), catalogue(language)
    arms = (chain, csv, exchange, hand_over_chain, hand_over_exchange, log, seal, timestamp)
    names = ("KEPT", "ROOT", "TWO", "TWO_HOLDERS", "BODIES")
    kept = {getattr(arm, name) for arm in arms for name in names if hasattr(arm, name)}
    assert {"exchange_root", "exchange_bodies", "bodies", "trust_root"} <= kept
    for each in sorted(kept):
        named = texts.get(f"arms.file.{each}") or texts.get(f"arms.anchor.{each}")
        assert words.files([each]) == named, each
