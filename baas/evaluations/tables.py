"""The report's tables across arms, as rows of cells: what each arm is and measured, and who notices which attack.

A cell is a list of lines; what an arm does not have, or the plan does not measure, is said in words and never left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from baas.evaluations.words import Words
from baas.metrics import CHAIN, Attack
from baas.metrics.verifiable_until import HORIZON

#: The metrics of which the table of arms has a row, in its order, with what each is called there.
MEASURED: Final = ("time_to_evidence", "time_to_confirmation", "evidence_bytes", "verification_time")


@dataclass(frozen=True)
class Line:
    """One line of a cell: a number, a remark, or words."""

    text: str
    kind: str = ""


@dataclass(frozen=True)
class Row:
    """One row: what it is about, a remark on that, and a cell for each arm."""

    label: str
    cells: list[list[Line]] = field(default_factory=list)
    note: str = ""


def arm_rows(report: Mapping[str, Any], words: Words) -> list[Row]:
    """What is measured and known of each arm, in the order of the report's arms."""
    arms = report["arms"]

    def row(label: str, *cells: str, kind: str = "", note: str = "") -> Row:
        return Row(label, [[Line(each, kind)] for each in cells], note)

    def known(key: str, group: str) -> list[str]:
        return [words.known(f"arms.{group}", each[key]) for each in arms]

    t = words.t
    return [
        row(t("arms.role"), *(t(f"arms.role_{each['role']}") for each in arms)),
        row(
            t("arms.environment"),
            *(t(f"environment.{each['environment']}") for each in arms),
        ),
        *(_measured(report, words, metric) for metric in MEASURED),
        row(
            t("arms.offline"),
            *(t("yes" if each["verifies_offline"] else "arms.only_issuer") for each in arms),
        ),
        row(t("arms.files"), *(_listed(words, each, "files_offline", "arms.file") for each in arms)),
        row(t("arms.anchors"), *(_listed(words, each, "anchors_offline", "arms.anchor") for each in arms)),
        _until(report, words),
        row(
            t("arms.collude"),
            *(str(each["operators_who_must_collude"]) for each in arms),
            kind="number",
            note=t("arms.collude_note"),
        ),
        row(t("arms.on_ledger"), *known("on_ledger", "on_ledger")),
        row(t("arms.erasure"), *known("erasure", "erasure")),
        *_outages(report, words),
        row(
            t("arms.legal_effect"),
            *(
                f"{t('legal_effect.' + each['legal_effect'])}; "
                f"{t('arms.qualified' if each['qualified'] else 'arms.not_qualified')}"
                for each in arms
            ),
        ),
    ]


@dataclass(frozen=True)
class Attacks:
    """The table of attacks: the arms that were tried, and a row for each attack that was tried on any of them."""

    arms: list[str]
    rows: list[Row]


def attacks(report: Mapping[str, Any], words: Words) -> Attacks:
    """Attack × arm: who notices, with which file, how soon, without whose servers. The last row has the false alarms."""
    trials = {(each["attack"], each["arm"]): each for each in report["trials"] if each["trials"]}
    arms = [each["arm"] for each in report["arms"] if any(arm == each["arm"] for _, arm in trials)]
    order = [each.value for each in Attack if each is not Attack.NONE] + [Attack.NONE.value]
    rows = [
        Row(words.t(f"attack.{attack}"), [_cell(trials.get((attack, arm)), words) for arm in arms])
        for attack in order
        if any(found == attack for found, _ in trials)
    ]
    return Attacks(arms, rows)


def _cell(trial: Mapping[str, Any] | None, words: Words) -> list[Line]:
    if trial is None:
        return [Line(words.t("cheating.not_tried"), "note")]
    t = words.t
    noticed = t("cheating.of", count=trial["noticed"], n=trial["trials"])
    lines = [Line(noticed, "number"), Line(words.show(trial["rate"], "proportion"), "note")]
    if trial["attack"] == Attack.NONE:
        return [*lines, Line(t("cheating.alarms" if trial["noticed"] else "cheating.no_alarm"), "note")]
    if not trial["noticed"]:
        return [*lines, Line(t("cheating.nobody"), "strong")]
    lines.append(Line(words.by(trial["noticed_by"])))
    lines.append(Line(t("cheating.with", file=words.files(trial["with_file"])), "note"))
    if trial["seconds"] is not None:
        lines.append(Line(t("cheating.within", time=words.amount(trial["seconds"], "s")), "note"))
    alone = t("cheating.of", count=trial["without_operator"], n=trial["noticed"])
    return [*lines, Line(t("cheating.servers_off", count=alone), "note")]


def _listed(words: Words, arm: Mapping[str, Any], key: str, group: str) -> str:
    if not arm["verifies_offline"]:
        return words.t("arms.not_offline")
    return ", ".join(words.known(group, each) for each in arm[key]) or words.t("arms.nothing")


def _estimates(report: Mapping[str, Any], arm: str, metric: str) -> tuple[str, Mapping[str, Any]] | None:
    """The unit, and the first estimate by name, of a metric in an arm; None where the report has none."""
    for comparison in _comparisons(report):
        if arm not in (CHAIN, comparison["incumbent"]):
            continue
        for outcome in comparison["outcomes"]:
            if outcome["metric"] == metric and outcome["arms"].get(arm):
                return outcome["unit"], next(iter(outcome["arms"][arm].values()))
    return None


def _comparisons(report: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return [*report["comparisons"], *report["observed"]]


def _absent(report: Mapping[str, Any], arm: str, metric: str, words: Words) -> Line:
    """Why a metric has no estimate for an arm."""
    cannot = any(
        each["incumbent"] == arm and metric in each["not_applicable"] for each in _comparisons(report)
    )
    return Line(words.t("arms.cannot" if cannot else "arms.not_in_plan"), "note")


def parties(report: Mapping[str, Any], words: Words) -> list[Row]:
    """Of a hand-over, by arm: who signs what, who holds which key, what each body keeps. Empty for another subject."""
    told = report["hand_over"]
    if told is None:
        return []
    t = words.t
    return [
        Row(
            t("hand_over.signs"),
            [[Line(t(f"hand_over.signed_with.{each['steps_signed_with']}"))] for each in told["arms"]],
        ),
        Row(
            t("hand_over.holds"),
            [
                [
                    Line(f"{t('hand_over.key.' + one['key'])}: {t('hand_over.holder.' + one['holder'])}")
                    for one in each["keys"]
                ]
                for each in told["arms"]
            ],
        ),
        Row(
            t("hand_over.keeps"),
            [[Line(words.files(each["each_body_keeps"]))] for each in told["arms"]],
        ),
    ]


def _measured(report: Mapping[str, Any], words: Words, metric: str) -> Row:
    cells = []
    for arm in report["arms"]:
        found = _estimates(report, arm["arm"], metric)
        if found is None:
            cells.append([_absent(report, arm["arm"], metric, words)])
        else:
            cells.append([Line(words.show(found[1], found[0]), "number")])
    return Row(words.t(f"arms.{metric}"), cells, words.t("arms.median"))


def _until(report: Mapping[str, Any], words: Words) -> Row:
    cells = []
    for arm in report["arms"]:
        found = _estimates(report, arm["arm"], "verifiable_until")
        if found is None:
            cells.append([_absent(report, arm["arm"], "verifiable_until", words)])
        elif found[1]["value"] is not None and found[1]["value"] >= HORIZON:
            cells.append([Line(words.t("arms.no_end"))])
        elif found[1]["value"] is None:
            cells.append([Line(words.t("not_estimable"), "note")])
        else:
            years = words.t("arms.years", years=words.number(found[1]["value"] / 365.25, 1))
            cells.append(
                [Line(words.amount(round(found[1]["value"]), "days"), "number"), Line(years, "note")]
            )
    return Row(words.t("arms.until"), cells, words.t("arms.until_note"))


def _outages(report: Mapping[str, Any], words: Words) -> list[Row]:
    """What happened to each arm while its service was cut off; no row where nothing was."""
    drilled = {each["arm"]: each for each in report["outages"]}
    if not drilled:
        return []
    cells = [
        _outage(drilled[each["arm"]], words)
        if each["arm"] in drilled
        else [Line(words.t("arms.outage_none"), "note")]
        for each in report["arms"]
    ]
    return [Row(words.t("arms.outage"), cells, words.t("arms.outage_note"))]


def _outage(outage: Mapping[str, Any], words: Words) -> list[Line]:
    t, seconds = words.t, outage["recovery_seconds"]
    counts = {name: outage[name] for name in ("submitted", "refused", "timed_out", "lost")}
    recovery = (
        t("arms.outage_no_recovery")
        if seconds is None
        else t("arms.outage_recovery", time=words.amount(round(seconds, 2), "s"))
    )
    return [
        Line(t("arms.outage_kept" if outage["kept_evidence_verifies"] else "arms.outage_not_kept")),
        Line(t("arms.outage_counts", completed=outage["completed_later"], **counts), "note"),
        Line(recovery, "note"),
    ]
