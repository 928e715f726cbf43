"""Step 7: what passes between administrations: the chain beside the exchange that exists, and once-only as a figure."""

from __future__ import annotations

from baas.demo.piloting import carried_out, compared, cut_off, of_arms, plan_in
from baas.demo.stage import Stage
from baas.protocols.pci.products import mux, padro

ONCE_ONLY = ("documents_spared", "reports_spared")


def show(stage: Stage) -> None:
    """A hand-over from one town to the other, then a fact about a person; both by the second town's mandate."""
    first, second = stage.towns
    second.client.grant_mandate(second.code, first.code, ["developer"], days=30)
    stage.note(
        f"{second.name} gives {first.name} a mandate as developer: without one it cannot be named in a plan"
    )
    for town in stage.towns:
        for product, modality in ((mux.PRODUCT, mux.ENTRY), (padro.PRODUCT, padro.RESIDENT)):
            stage.operator.authorise_exchange(town.code, product, modality)
    stage.note("AOC lets both ask the exchange: entries of the register, and whether a person is a resident")
    _hand_over(stage)
    _person(stage)


def _hand_over(stage: Stage) -> None:
    first, second = stage.towns
    plan = plan_in("handover_plan.json") | {"counterpart": second.code}
    folder = stage.folder("handover")
    report = carried_out(
        stage, first, "Traspàs d'expedients: cadena o plataforma d'intercanvi", plan, folder,
        "La plataforma d'intercanvi ja dona prova signada de cada pas; cada ens hauria de tenir la seva clau.",
    )  # fmt: skip
    for each in report["comparisons"]:
        stage.note(compared(each))
    for line in cut_off(report):
        stage.note(line)
    stage.note(
        "here the sandbox holds both towns' keys: one operator alone could make every step of the chain's arm"
    )
    stage.counts["hand_over"] = {
        "pairs": min(each["pairs"] for each in report["comparisons"]),
        "verdict": report["verdict"]["verdict"],
        "arms": [each["arm"] for each in report["arms"]],
    }


def _person(stage: Stage) -> None:
    first, second = stage.towns
    plan = plan_in("person_plan.json") | {"counterpart": second.code}
    report = carried_out(
        stage, first, "Empadronament: qui estalvia documents i trameses", plan, stage.folder("once-only"),
        "Només l'intercanvi respon sobre una persona; la cadena no estalvia cap document.",
    )  # fmt: skip
    (comparison,) = report["comparisons"]
    rates: dict[str, dict[str, float]] = {}
    for outcome in comparison["outcomes"]:
        if outcome["metric"] in ONCE_ONLY:
            stage.note(f"once-only: {of_arms(outcome)}")
            rates[outcome["metric"]] = {arm: each["rate"]["value"] for arm, each in outcome["arms"].items()}
    stage.counts["once_only"] = rates
