"""The DPIA record of a series (art. 35 GDPR) and its export, with the places of EDPB Guidelines 02/2025 that it answers.

Of the Guidelines, sections 3.2 to 4.5, 4.9 to 5 and Annex A of version 1.1 (for consultation, 8 April 2025) were read.
Version 2.0 is final (7 July 2026); its paragraph numbers are those that others cite, and its own text was not read:
`VERIFIED` says so in every export, and whoever signs the record checks it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from baas.clock import iso
from baas.privacy.model import Series
from baas.texts import text

GUIDELINES = "EDPB Guidelines 02/2025"
VERSION = "2.0 (7 July 2026)"
VERIFIED = {
    "version": VERSION,
    "read": "1.1 (8 April 2025): sections 3.2-4.5, 4.9-5, Annex A",
    "paragraph_numbers": "of version 2.0 as cited by others; not verified against its text",
}
#: Which places each part of the record answers; an empty list where none was found in what was read.
REFERENCES: Mapping[str, Sequence[str]] = {
    "operations": ["section 4.9", "paragraphs 97-99"],
    "necessity": ["section 4.1", "recommendation 1"],
    "why_chain": ["section 4.1", "recommendation 1"],
    "alternatives": ["section 4.1", "recommendation 1"],
    "map": ["paragraph 51", "paragraph 52", "paragraph 53", "paragraph 54"],
    "risks": ["section 4.9", "paragraphs 97-99"],
    "measures": ["paragraph 52", "paragraph 54"],
    "rights": ["section 5.2", "section 5.3", "paragraphs 102-104"],
    "retention": ["recommendation 11"],
    "automated_decisions": ["section 5.4"],
    "algorithm_failure": ["recommendation 7", "recommendation 13", "recommendation 14"],
    "roles": [],
    "consultation": [],
}
#: What is where, by slug of the texts; the same for every series, since it is how the product works.
ON_CHAIN = ("root", "size", "sender")
OFF_CHAIN = ("digest", "salt", "row", "commitment", "audit")
MEASURES = ("salt", "strings", "erase", "guard", "scan", "tenants")
RIGHTS = ("information", "access", "rectification", "erasure", "objection")


def exported(series: Series, record: Mapping[str, Any]) -> dict[str, Any]:
    """The record as a document that stands alone: the series, what its admin wrote, what the product adds, references."""
    return {
        "type": "baas-dpia",
        "v": 1,
        "series": {
            "id": series.id,
            "name": series.name,
            "code": series.code,
            "data_class": str(series.data_class),
            "legal_basis": series.legal_basis,
            "retention": {
                "years": series.years,
                "until": series.until.isoformat() if series.until else None,
            },
            "created": iso(series.created),
        },
        "record": dict(record),
        "map": {"on_chain": list(ON_CHAIN), "off_chain": list(OFF_CHAIN)},
        "product_measures": list(MEASURES),
        "guidelines": {
            "name": GUIDELINES,
            **VERIFIED,
            "references": {k: list(v) for k, v in REFERENCES.items()},
        },
    }


def markdown(series: Series, record: Mapping[str, Any], language: str) -> str:
    """The same for people, in a language of the catalogue."""

    def t(key: str, **blanks: object) -> str:
        return text(f"dpia.{key}", language).format(**blanks)

    def section(name: str, *lines: str) -> list[str]:
        places = ", ".join(
            t(f"place.{each.partition(' ')[0]}", number=each.partition(" ")[2]) for each in REFERENCES[name]
        )
        cited = t("answers", places=places) if places else t("answers_nothing")
        return [f"## {t(f'part.{name}')}", "", *lines, "", f"*{cited}*", ""]

    def level(slug: str) -> str:
        return t(f"level.{slug}")

    said = record["content"]
    kept = (
        t("kept_until", until=series.until)
        if series.until
        else t("kept_years", years=series.years)
        if series.years is not None
        else t("kept_for_good")
    )
    risks = [
        f"| {_cell(each['risk'])} | {level(each['likelihood'])} | {level(each['severity'])} | "
        f"{_cell('; '.join(each['measures']))} | {level(each['residual'])} |"
        for each in said["risks"]
    ]
    lines = [
        f"# {t('title', name=series.name)}",
        "",
        t("head", code=series.code, basis=series.legal_basis, data_class=t(f"class.{series.data_class}")),
        "",
        t("written", version=record["version"], written=record["written"], author=record["author"]),
        "",
        f"> {t('guidelines', version=VERSION)}",
        "",
        *section(
            "operations",
            said["operations"],
            "",
            f"{t('subjects')}: {', '.join(said['data_subjects'])}.",
            f"{t('categories')}: {', '.join(said['data_categories'])}.",
        ),
        *section("necessity", said["necessity"]),
        *section("why_chain", said["why_chain"]),
        *section(
            "alternatives",
            f"- {t('timestamp_and_log')}: {said['timestamp_and_signed_log']}",
            *(f"- {each['name']}: {each['assessment']}" for each in said["other_alternatives"]),
        ),
        *section(
            "map",
            f"| {t('where')} | {t('what')} |",
            "|---|---|",
            *(f"| {t('on_chain')} | {t(f'map.{each}')} |" for each in ON_CHAIN),
            *(f"| {t('off_chain')} | {t(f'map.{each}')} |" for each in OFF_CHAIN),
        ),
        *section(
            "risks",
            f"| {t('risk')} | {t('likelihood')} | {t('severity')} | {t('taken')} | {t('residual')} |",
            "|---|---|---|---|---|",
            *risks,
        ),
        *section("measures", *(f"- {t(f'measure.{each}')}" for each in MEASURES)),
        *section("rights", *(f"- {t(f'right.{each}')}: {said['rights'][each]}" for each in RIGHTS)),
        *section("retention", kept),
        *section("automated_decisions", said["automated_decisions"] or t("no_decisions")),
        *section("algorithm_failure", said["algorithm_failure"] or t("renewals")),
        *section(
            "roles",
            f"- {t('controller')}: {said['roles']['controller']}",
            f"- {t('processor')}: {said['roles']['processor']}",
            f"- {t('dpo')}: {said['roles']['data_protection_officer']}",
        ),
        *section("consultation", said["prior_consultation"] or t("no_consultation")),
    ]
    return "\n".join(lines)


def _cell(value: str) -> str:
    """A text in a table's cell."""
    return " ".join(value.replace("|", "\\|").split())
