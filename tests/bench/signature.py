"""`make bench-signature`: the arms of a pilot side by side on the same cases, in one run, and what their parts cost.

Four runs of one plan by the service's own pilots, in turns: as it is, with 300 ms put before the arm `seal`, and both once
more. That arm's outcome must move by that, and no other's, and no arm may differ from itself. Writes
build/bench/signature.json.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("ETH_HASH_BACKEND", "pysha3")

from baas.app import serving
from baas.client import Client
from baas.evaluations.statistics import Estimate, median_of_differences
from baas.metrics import CHAIN, Measurements
from baas.metrics._pairs import by_case
from baas.pilots.service import Pilots
from baas.settings import load_settings
from baas.tenancy import Caller, CallerKind, TenantScope
from baas.wiring import Services
from tests.bench import sealing
from tests.bench.figures import Figure, percentile, show

OUT = Path("build/bench/signature.json")
CODE = "9999990007"
ARMS = ["timestamp", "seal", "log"]
OBSERVED = ["csv"]
DELAYED, DELAY_MS = "seal", 300.0
PERIOD = 2.0


def plan(cases: int, seed: int, delay_ms: float | None) -> dict[str, Any]:
    text = "comparació de serveis sobre els mateixos casos ficticis"
    terms: dict[str, Any] = {
        "problem": text,
        "hypothesis": text,
        "alternative": text,
        "arms": ARMS,
        "observed": OBSERVED,
        "primary": "time_to_evidence",
        "mid": 2.0,
        "pairs": cases,
        "interval": 0.9,  # a seal with its checks takes a third of a second of processor
        "timeout": 30.0,
        "seed": seed,
        "log_period": PERIOD,
    }
    return terms | ({"disturbance": {"arm": DELAYED, "delay_ms": delay_ms}} if delay_ms else {})


class Bench:
    """A service with one administration, its chain and its document log."""

    def __init__(self, services: Services, client: Client) -> None:
        self._services, self._client = services, client

    def measured(self, title: str, terms: dict[str, Any]) -> Measurements:
        """What one pilot of this plan observed."""
        client = self._client
        pilot = client.create_pilot(CODE, title, terms)["id"]
        client.freeze_pilot(pilot)
        client.run_pilot(pilot)
        client.wait_measured(pilot, timeout=900)
        pilots: Pilots = self._services.pilots
        scope = TenantScope(Caller(CallerKind.EVALUATOR, "bench"))
        with self._services.store.reading() as session:
            return pilots.measurements(session, pilots.get(session, scope, pilot))


def seconds(measurements: Measurements, arm: str) -> dict[int, float]:
    """Time to evidence by case; an act that gave none counts at the time limit."""
    limit = measurements.timeout
    return {
        case: limit if act.evidence_at is None else act.evidence_at - act.intended_at
        for case, act in by_case(measurements, arm).items()
    }


def moved(before: list[Measurements], after: list[Measurements], arm: str) -> Estimate:
    """How much later the arm's evidence came, the same case in both, each run with its neighbour in time."""
    first: list[float] = []
    second: list[float] = []
    for one, other in zip(before, after, strict=True):
        was, came = seconds(one, arm), seconds(other, arm)
        both = sorted(was.keys() & came.keys())
        first += [was[case] for case in both]
        second += [came[case] for case in both]
    return median_of_differences(second, first, seed=1)


def compared(measurements: Measurements) -> list[Figure]:
    """Each arm beside the time-stamp, on the same cases."""
    found = []
    base = statistics.median(seconds(measurements, "timestamp").values())
    for arm in (CHAIN, *ARMS, *OBSERVED):
        acts = list(by_case(measurements, arm).values())
        times = sorted(seconds(measurements, arm).values())
        half = statistics.median(times)
        found.append(Figure(f"{arm}: time to evidence, p50", half, "s", base, base / half))
        found.append(Figure(f"{arm}: the same, p95 of {len(times)} cases", percentile(times, 0.95), "s"))
        if checked := [act.verification for act in acts if act.verification is not None and act.good]:
            found.append(Figure(f"{arm}: verified offline in, p50", statistics.median(checked) * 1000, "ms"))
        found.append(
            Figure(f"{arm}: evidence, p50", statistics.median(act.evidence_bytes for act in acts), "bytes")
        )
        good = sum(act.good for act in acts)
        found.append(
            Figure(f"{arm}: acts that gave evidence which verifies offline, of {len(acts)}", good, "acts")
        )
    return found


def shifts(plain: list[Measurements], delayed: list[Measurements]) -> list[Figure]:
    found = []
    for arm in (CHAIN, *ARMS, *OBSERVED):
        for name, estimate, expected in (
            ("the same plan once more", moved(plain[:1], plain[1:], arm), 0.0),
            (
                f"with {DELAY_MS:.0f} ms put before {DELAYED}",
                moved(plain, delayed, arm),
                DELAY_MS / 1000 if arm == DELAYED else 0.0,
            ),
        ):
            assert estimate.low is not None and estimate.high is not None and estimate.value is not None
            # a tenth of a second is what two runs of a busy machine differ by
            met = estimate.low - 0.1 <= expected <= estimate.high + 0.1
            interval = f"[{estimate.low * 1000:+.0f}; {estimate.high * 1000:+.0f}]"
            found.append(
                Figure(
                    f"{arm} moved, {name} {interval}",
                    estimate.value * 1000,
                    "ms",
                    goal=f"{expected * 1000:.0f} ± 100 ms",
                    met=met,
                )
            )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20)
    cases = parser.parse_args().cases
    with tempfile.TemporaryDirectory(prefix="baas-bench-") as name:
        services = Services.build(load_settings(data=Path(name) / "data", host="127.0.0.1", port=0))
        try:
            token = services.initialise()
            services.start()
            with serving(services) as url, Client(url, token.text) as operator:
                operator.create_administration(CODE, "Banc de proves (fictici)", "other")
                member = operator.create_member(CODE, "Banc", ["admin", "developer", "auditor"])
                with Client(url, operator.create_token("bench", member["id"])["token"]) as client:
                    chain = client.create_chain(CODE, "bench")
                    client.deploy(chain["id"], "document-notary")
                    bench = Bench(services, client)
                    runs = []
                    for delay in (None, DELAY_MS, None, DELAY_MS):
                        title = f"{delay:.0f} ms put before {DELAYED}" if delay else "as it is"
                        print(f"a pilot of {cases} cases, {title}", file=sys.stderr)
                        runs.append(bench.measured(title, plan(cases, 20261127, delay)))
            print("what the parts cost", file=sys.stderr)
            parts = sealing.figures(services)
        finally:
            services.stop()
    show([*compared(runs[0]), *shifts(runs[::2], runs[1::2]), *parts], OUT)


main()
