"""The words and numbers of one report in one language: texts of the catalogue, estimates, amounts, names of arms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from baas.metrics import CHAIN
from baas.texts import catalogue, text

_MINUS, _THIN = "−", "\u202f"
#: Who may notice a cheating operator, as trials say it.
NOTICERS: Final = ("holder", "verifier", "auditor", "third_party", "witness")


class Words:
    """What the page of a report says things with. KeyError for an unknown language."""

    def __init__(self, report: Mapping[str, Any], language: str) -> None:
        self.language, self._texts = language, catalogue(language)
        self._titles = {each["arm"]: each["titles"].get(language) for each in report["arms"]}
        self._metrics = {
            outcome["metric"]: outcome["texts"][language]
            for each in (*report["comparisons"], *report["observed"])
            for outcome in each["outcomes"]
        }

    def t(self, key: str, **blanks: object) -> str:
        return text(f"report.{key}", self.language).format(**blanks)

    def known(self, group: str, slug: str) -> str:
        """The text `<group>.<slug>` where the catalogue has it; else the slug, which says more than nothing."""
        return self._texts.get(f"{group}.{slug}", slug)

    def arm(self, slug: str) -> str:
        return self.t("arm.chain") if slug == CHAIN else str(self._titles.get(slug) or slug)

    def metric(self, slug: str) -> str:
        return str(self._metrics.get(slug, slug))

    def reason(self, code: str) -> str:
        """A code of the rules, such as `guardrail_inferior:evidence_bytes`, in words."""
        name, _, metric = code.partition(":")
        return self.t(f"reason.{name}", metric=self.metric(metric))

    def by(self, noticers: Sequence[str]) -> str:
        return ", ".join(self.t(f"by.{who}") if who in NOTICERS else who for who in noticers)

    def files(self, names: Sequence[str]) -> str:
        """What somebody kept: evidence, or what a verifier holds from before."""
        return ", ".join(
            self._texts.get(f"arms.file.{name}") or self.known("arms.anchor", name) for name in names
        )

    def show(self, estimate: Mapping[str, Any] | None, unit: str, *, signed: bool = False) -> str:
        """`1,23 [1,10; 1,40] s`, or that it is not estimable."""
        if estimate is None or estimate["not_estimable"]:
            return self.t("not_estimable")
        scale, name = (100.0, "points" if signed else unit) if unit == "proportion" else (1.0, unit)
        numbers = {k: estimate[k] * scale for k in ("value", "low", "high") if estimate[k] is not None}
        decimals = 0 if unit == "bytes" else _decimals(max(map(abs, numbers.values())))
        shown = {k: self.number(v, decimals, signed=signed) for k, v in numbers.items()}
        if "low" not in shown:
            written = self.t("at_most", high=shown["high"])
        elif len(set(shown.values())) == 1 and not signed:
            written = shown["value"]  # an interval of no width: all the values are the same
        else:
            written = self.t("interval", **shown)
        return f"{written}\u00a0{self.t(f'unit.{name}')}"

    def amount(self, value: float, unit: str) -> str:
        """A margin or another given number with its unit."""
        scaled, name = (value * 100, "points") if unit == "proportion" else (value, unit)
        decimals = 0 if unit == "bytes" or scaled == int(scaled) else _decimals(scaled)
        return f"{self.number(scaled, decimals)}\u00a0{self.t(f'unit.{name}')}"

    def plain(self, value: float) -> str:
        return self.number(value, 0 if value == int(value) else _decimals(value))

    def number(self, value: float, decimals: int, *, signed: bool = False) -> str:
        """A number as it is written in the language: decimal comma in ca and es, a true minus, thin spaces."""
        digits = f"{abs(value):,.{decimals}f}"
        whole, _, fraction = digits.partition(".")
        point = "." if self.language == "en" else ","
        written = whole.replace(",", _THIN) + (point + fraction if fraction else "")
        negative = value < 0 and any(c in "123456789" for c in digits)
        sign = _MINUS if negative else "+" if signed and any(c in "123456789" for c in digits) else ""
        return sign + written


def _decimals(largest: float) -> int:
    """Three to four significant digits: what an interval of a few dozen pairs can carry."""
    bounds = ((100, 0), (10, 1), (1, 2), (0.1, 3))
    return next((decimals for bound, decimals in bounds if abs(largest) >= bound), 4)
