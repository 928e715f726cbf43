"""The report as one HTML page: self-contained, printable, in the languages of the catalogue.

It needs no script and loads nothing; `SECURITY_POLICY` is the Content-Security-Policy to serve it with.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from baas.evaluations import report as reports
from baas.evaluations.forest import forest
from baas.texts import text

SECURITY_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

_MINUS, _THIN = "−", "\u202f"


def render(report: dict[str, Any], language: str = "ca") -> str:
    """The page of a report. ValueError if its own inputs contradict it, KeyError for an unknown language."""
    reports.check(report)
    titles = {each["arm"]: each["titles"].get(language) for each in report["arms"]}

    def t(key: str, **blanks: object) -> str:
        return text(f"report.{key}", language).format(**blanks)

    def show(estimate: dict[str, Any] | None, unit: str, *, signed: bool = False) -> str:
        return _estimate(estimate, unit, language, signed=signed)

    def reason(code: str) -> str:
        name, _, metric = code.partition(":")
        metrics = {o["metric"]: o["texts"][language] for o in report["comparisons"][0]["outcomes"]}
        return t(f"reason.{name}", metric=metrics.get(metric, metric))

    def arm(slug: str) -> str:
        return titles[slug] or t("arm.chain")

    def by(noticers: list[str]) -> str:
        known = ("holder", "verifier", "auditor", "third_party", "witness")
        return ", ".join(t(f"by.{who}") if who in known else who for who in noticers)

    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            r=report,
            language=language,
            incumbents=", ".join(arm(slug) for slug in report["plan"]["arms"]),
            t=t,
            show=show,
            reason=reason,
            by=by,
            arm=arm,
            amount=lambda value, unit: _amount(value, unit, language),
            plain=lambda value: _number(value, _decimals(value), language),
            forest=forest,
            gaps=[gap for each in _compared(report) for gap in _gaps(each, arm, language)],
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


def _compared(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Every comparison, with those of the arms that were only observed."""
    return [*report["comparisons"], *report["observed"]]


def _gaps(comparison: dict[str, Any], arm: Callable[[str], str], language: str) -> list[str]:
    """What was not estimable, one sentence each: a gap is part of the result."""
    found = []

    def note(what: str, estimate: dict[str, Any] | None) -> None:
        if estimate is not None and estimate["not_estimable"]:
            value = text("report.not_estimable", language)
            found.append(f"{what}: {value} ({estimate['not_estimable']})")

    beside = arm(comparison["incumbent"])
    for outcome in comparison["outcomes"]:
        title = outcome["texts"][language]
        difference = text("report.outcome.difference", language).lower()
        note(f"{title}, {beside}, {difference}", outcome["difference"])
        for slug, estimates in outcome["arms"].items():
            for key, estimate in estimates.items():
                if key != "rate":
                    name = text(f"report.outcome.quantile_{key}", language)
                    note(f"{title}, {arm(slug)}, {name}", estimate)
        if outcome["missing"]:
            missing = text("report.outcome.missing", language)
            found.append(f"{beside}: {missing.format(metric=title, count=outcome['missing'])}")
    note(f"{text('report.control.drift', language)}, {beside}", comparison["controls"]["drift"])
    return found


def _estimate(estimate: dict[str, Any] | None, unit: str, language: str, *, signed: bool) -> str:
    """`1,23 [1,10; 1,40] s`, or that it is not estimable."""
    if estimate is None or estimate["not_estimable"]:
        return text("report.not_estimable", language)
    scale, name = (100.0, "points" if signed else unit) if unit == "proportion" else (1.0, unit)
    numbers = {k: estimate[k] * scale for k in ("value", "low", "high") if estimate[k] is not None}
    decimals = 0 if unit == "bytes" else _decimals(max(map(abs, numbers.values())))
    shown = {k: _number(v, decimals, language, signed=signed) for k, v in numbers.items()}
    if "low" not in shown:
        written = text("report.at_most", language).format(high=shown["high"])
    else:
        written = text("report.interval", language).format(**shown)
    return f"{written}\u00a0{text(f'report.unit.{name}', language)}"


def _amount(value: float, unit: str, language: str) -> str:
    """A margin with its unit."""
    scaled, name = (value * 100, "points") if unit == "proportion" else (value, unit)
    decimals = 0 if unit == "bytes" or scaled == int(scaled) else _decimals(scaled)
    return f"{_number(scaled, decimals, language)}\u00a0{text(f'report.unit.{name}', language)}"


def _decimals(largest: float) -> int:
    """Three to four significant digits: what an interval of a few dozen pairs can carry."""
    bounds = ((100, 0), (10, 1), (1, 2), (0.1, 3))
    return next((decimals for bound, decimals in bounds if abs(largest) >= bound), 4)


def _number(value: float, decimals: int, language: str, *, signed: bool = False) -> str:
    """A number as it is written in the language: decimal comma in ca and es, a true minus, thin spaces."""
    digits = f"{abs(value):,.{decimals}f}"
    whole, _, fraction = digits.partition(".")
    point = "." if language == "en" else ","
    written = whole.replace(",", _THIN) + (point + fraction if fraction else "")
    negative = value < 0 and any(c in "123456789" for c in digits)
    return (_MINUS if negative else "+" if signed and any(c in "123456789" for c in digits) else "") + written
