"""`make bench-exchange`: the exchange that exists, and a chain of several writers beside it on the same cases, in one run.

First the same documents through the embedded exchange, by messages that are signed (WS-Security) and by mutual TLS, in
turns. Then one pilot whose cases are hand-overs from one administration to another, by the chain and by the exchange.
Writes build/bench/exchange.json.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("ETH_HASH_BACKEND", "pysha3")

from baas.app import serving
from baas.client import Client
from baas.connectors import Connector, Subject, connectors
from baas.metrics import CHAIN, Measurements
from baas.metrics._pairs import by_case
from baas.protocols.pci.products import mux
from baas.settings import load_settings
from baas.tenancy import Caller, CallerKind, TenantScope
from baas.wiring import Services
from tests.bench.figures import Figure, percentile, show

OUT = Path("build/bench/exchange.json")
GIVER, TAKER = "9999990007", "9999990008"
EXCHANGE = "exchange"
SIGNED, MUTUAL = "wss", "mtls"


def plan(cases: int) -> dict[str, Any]:
    text = "traspàs d'un expedient fictici entre dos ens, per la cadena i per l'intercanvi"
    return {
        "problem": text,
        "hypothesis": text,
        "alternative": text,
        "subject": Subject.HAND_OVER.value,
        "counterpart": TAKER,
        "arms": [EXCHANGE],
        "primary": "time_to_evidence",
        "mid": 2.0,
        "pairs": cases,
        "interval": 3.0,  # three blocks of whole seconds each: the chain's time does not run ahead
        "timeout": 30.0,
        "seed": 20261127,
    }


def opened(services: Services, security: str) -> Connector:
    """The arm of a document, asked in one of the two ways."""
    settings = services.pilots._opening.settings_of(EXCHANGE, GIVER)
    options = {**settings.options, "subject": Subject.DOCUMENT.value, "security": security}
    found: Connector = connectors()[EXCHANGE].open(replace(settings, options=options))
    return found


def in_turns(services: Services, cases: int) -> list[Figure]:
    """Time from a digest to verified evidence: the same digests by both, whoever is first changing."""
    times: dict[str, list[float]] = {SIGNED: [], MUTUAL: []}
    with ExitStack() as stack:
        arms = {each: stack.enter_context(closing(opened(services, each))) for each in times}
        for each in arms.values():  # the connection, the WSDL and the CRLs
            each.submit(hashlib.sha256(b"abans").digest())
        for number in range(cases):
            digest = hashlib.sha256(f"document fictici {number}".encode()).digest()
            for name in (SIGNED, MUTUAL) if number % 2 else (MUTUAL, SIGNED):
                times[name].append(seconds(arms[name], digest))
    base, signed = (statistics.median(times[each]) for each in (MUTUAL, SIGNED))
    return [
        Figure("exchange, mutual TLS: a document to verified evidence, p50", base * 1000, "ms"),
        Figure(
            "exchange, signed message: the same documents, p50",
            signed * 1000,
            "ms",
            base * 1000,
            base / signed,
        ),
        *(
            Figure(
                f"exchange, {name}: the same, p95 of {cases}",
                percentile(sorted(times[each]), 0.95) * 1000,
                "ms",
            )
            for each, name in ((MUTUAL, "mutual TLS"), (SIGNED, "signed message"))
        ),
    ]


def seconds(arm: Connector, digest: bytes) -> float:
    start = time.perf_counter()
    arm.submit(digest)
    return time.perf_counter() - start


def handed_over(services: Services, client: Client, cases: int) -> Measurements:
    """What one pilot of hand-overs observed."""
    pilot = client.create_pilot(GIVER, "Traspassos", plan(cases))["id"]
    client.freeze_pilot(pilot)
    client.run_pilot(pilot)
    client.wait_measured(pilot, timeout=900)
    scope = TenantScope(Caller(CallerKind.EVALUATOR, "bench"))
    with services.store.reading() as session:
        return services.pilots.measurements(session, services.pilots.get(session, scope, pilot))


def compared(measurements: Measurements) -> list[Figure]:
    """The chain beside the exchange, on the same hand-overs: three steps each, verified offline."""
    base: dict[str, float] = {}
    found = []
    for arm in (EXCHANGE, CHAIN):
        acts = list(by_case(measurements, arm).values())
        limit = measurements.timeout
        times = [limit if a.evidence_at is None else a.evidence_at - a.intended_at for a in acts]
        parts = {
            "offered, accepted and completed, p50": (statistics.median(times) * 1000, "ms"),
            f"the same, p95 of {len(acts)} hand-overs": (percentile(sorted(times), 0.95) * 1000, "ms"),
            "verified offline in, p50": (
                statistics.median([a.verification or 0.0 for a in acts if a.good] or [0.0]) * 1000,
                "ms",
            ),
            "evidence, p50": (statistics.median(a.evidence_bytes for a in acts), "bytes"),
        }
        for name, (value, unit) in parts.items():
            if arm == EXCHANGE:
                base[name] = value
                found.append(Figure(f"hand-over, {arm}: {name}", value, unit))
            else:
                ratio = base[name] / value if value else None
                found.append(Figure(f"hand-over, {arm}: {name}", value, unit, base[name], ratio))
        good = sum(a.good for a in acts)
        found.append(
            Figure(
                f"hand-over, {arm}: whose evidence verifies offline, of {len(acts)}",
                good,
                "acts",
                goal="all",
                met=good == len(acts),
            )
        )
    return found


def prepared(operator: Client) -> Client:
    """Two administrations that may ask the exchange; a client of the first one, with the second one's mandate."""
    clients = []
    for code in (GIVER, TAKER):
        operator.create_administration(code, f"Banc de proves {code} (fictici)", "other")
        operator.authorise_exchange(code, mux.PRODUCT, mux.ENTRY)
        member = operator.create_member(code, "Banc", ["admin", "developer", "auditor"])
        clients.append(Client(operator.base_url, operator.create_token("bench", member["id"])["token"]))
    first, second = clients
    second.grant_mandate(TAKER, GIVER, ["developer"], days=1)
    second.close()
    chain = first.create_chain(GIVER, "bench")
    first.deploy(chain["id"], "document-notary")
    return first


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20)
    cases = parser.parse_args().cases
    with tempfile.TemporaryDirectory(prefix="baas-bench-") as name:
        services = Services.build(load_settings(data=Path(name) / "data", host="127.0.0.1", port=0))
        try:
            token = services.initialise()
            services.start()
            with serving(services) as url, Client(url, token.text) as operator, prepared(operator) as client:
                print(f"{cases} documents by both ways, in turns", file=sys.stderr)
                figures = in_turns(services, cases)
                print(f"a pilot of {cases} hand-overs", file=sys.stderr)
                figures += compared(handed_over(services, client, cases))
        finally:
            services.stop()
    show(figures, OUT)


main()
