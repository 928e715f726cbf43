"""The report as one HTML page: self-contained, printable, in the languages of the catalogue.

It needs no script and loads nothing; `SECURITY_POLICY` is the Content-Security-Policy to serve it with.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from baas.evaluations import report as reports
from baas.evaluations.forest import across, common_limit, forest
from baas.evaluations.screened import against, screened, summary
from baas.evaluations.tables import arm_rows, attacks, parties
from baas.evaluations.words import Words

SECURITY_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def render(report: dict[str, Any], language: str = "ca") -> str:
    """The page of a report. ValueError if its own inputs contradict it, KeyError for an unknown language."""
    reports.check(report)
    words = Words(report, language)
    comparisons = [*report["comparisons"], *report["observed"]]
    limit = common_limit(comparisons)
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            r=report,
            language=language,
            w=words,
            t=words.t,
            incumbents=_joined([words.arm(slug) for slug in report["plan"]["arms"]], words),
            comparisons=comparisons,
            primary=_primary(report),
            across=across(comparisons),
            forest=lambda outcomes: forest(outcomes, limit),
            arm_rows=arm_rows(report, words),
            attacks=attacks(report, words),
            shortened=_shortened(report, words),
            trees=screened(report, words),
            trees_say=summary(report, words),
            against=against(report),
            parties=parties(report, words),
            gaps=[gap for each in comparisons for gap in _gaps(each, words)],
        )
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("baas.evaluations", package_path="."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _joined(names: list[str], words: Words) -> str:
    """`a`, `a i b`, `a, b i c`: names in a sentence, where they begin with a small letter."""
    names = [each[:1].lower() + each[1:] for each in names]
    if len(names) < 2:
        return "".join(names)
    return words.t("and", first=", ".join(names[:-1]), last=names[-1])


def _primary(report: dict[str, Any]) -> dict[str, Any]:
    """The primary outcome of the first comparison: its texts, unit, direction and margin are the plan's."""
    return next(dict(each) for each in report["comparisons"][0]["outcomes"] if each["role"] == "primary")


def _shortened(report: dict[str, Any], words: Words) -> list[str]:
    """What a laboratory did otherwise than the real service would, one sentence each: said where nobody can miss it."""
    plan, limits, found = report["plan"], report["limits"], []
    if all(each["environment"] == "lab_emulator" for each in report["arms"]):
        found.append(words.t("short.emulated"))
    if limits["log_period_shortened"]:
        period = words.amount(plan["log_period"], "s")
        found.append(words.t("short.log_period", log=words.arm("log"), period=period))
    if plan.get("disturbance"):
        delay = words.amount(plan["disturbance"]["delay_ms"], "ms")
        found.append(words.t("short.disturbance", arm=words.arm(plan["disturbance"]["arm"]), delay=delay))
    if limits["legacy_sha1"]:
        found.append(words.t("short.legacy_sha1"))
    return found


def _gaps(comparison: dict[str, Any], words: Words) -> list[str]:
    """What was not estimable, one sentence each: a gap is part of the result."""
    found, t = [], words.t

    def note(what: str, estimate: dict[str, Any] | None) -> None:
        if estimate is not None and estimate["not_estimable"]:
            found.append(f"{what}: {t('not_estimable')} ({estimate['not_estimable']})")

    beside = words.arm(comparison["incumbent"])
    for outcome in comparison["outcomes"]:
        title = outcome["texts"][words.language]
        note(f"{title}, {beside}, {t('outcome.difference').lower()}", outcome["difference"])
        for slug, estimates in outcome["arms"].items():
            for key, estimate in estimates.items():
                if key != "rate":
                    note(f"{title}, {words.arm(slug)}, {t(f'outcome.quantile_{key}')}", estimate)
        if outcome["missing"]:
            found.append(f"{beside}: {t('outcome.missing', metric=title, count=outcome['missing'])}")
    if comparison["not_applicable"]:
        metrics = ", ".join(words.metric(each) for each in comparison["not_applicable"])
        found.append(t("outcome.not_applicable", arm=beside, metrics=metrics))
    note(f"{t('control.drift')}, {beside}", comparison["controls"]["drift"])
    return found
