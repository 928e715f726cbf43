"""kill -9 in the outage drill: the pilot ended early, the chain runs again, and what was acknowledged is anchored."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from baas.audit.model import AuditRow
from baas.pilots.model import Pilot
from baas.settings import Settings
from baas.tenancy import across_administrations
from baas.wiring import Services
from sandbox.lifecycle import DesiredState
from tests.baas.flows import TEST, all_anchored, scope_of

ROOT = Path(__file__).parents[3]

#: A service that runs a pilot by itself, and says what it acknowledged while the pilot's drill keeps its chain stopped.
DRILLS = """
import json, sys, time
from pathlib import Path
from baas.pilots.outages import Drills
from baas.pilots.plan import Plan
from baas.settings import Settings
from baas.wiring import Services
from tests.baas.conftest import serving
from tests.baas.flows import new_place

TEXT = "una frase prou llarga"
services = Services.build(Settings(data=Path(sys.argv[1]), port=0))
services.start()
place = new_place(services)
accepted = Drills._accepted

def telling(self, *given):
    notarisation = accepted(self, *given)
    print(json.dumps({"acknowledged": notarisation}), flush=True)
    return notarisation

Drills._accepted = telling
services.runs._drill._seconds = 60.0
services.runs._examine = lambda *given: ()
with serving(services) as url:
    services.address.is_at(url)
    plan = Plan(problem=TEXT, hypothesis=TEXT, alternative=TEXT, mid=1.0, seed=1, pairs=6, interval=0.05)
    with services.store.session() as session:
        pilot = services.pilots.create(session, place.scope, place.code, "Pilot", plan)
    services.pilots.freeze(place.scope, pilot.id)
    services.pilots.start(place.scope, pilot.id)
    print(json.dumps({"chain": place.chain.id, "owner": pilot.administration_id}), flush=True)
    time.sleep(600)
"""


@pytest.mark.crash
def test_a_service_killed_in_the_drill_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    with subprocess.Popen(
        [sys.executable, "-c", DRILLS, str(directory)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        told = [json.loads(process.stdout.readline()) for _ in range(3)]
        process.send_signal(signal.SIGKILL)
    place = next(each for each in told if "chain" in each)
    acknowledged = [each["acknowledged"] for each in told if "acknowledged" in each]
    assert len(acknowledged) == 2
    services = Services.build(Settings(data=directory, port=0))
    with services.store.reading() as session:
        (pilot,) = session.exec(across_administrations(Pilot, TEST)).all()
        assert pilot.state == "running"
    scope = scope_of(place["owner"])
    assert services.chains.get(scope, place["chain"]).desired == DesiredState.STOPPED
    services.start()
    try:
        with services.store.reading() as session:
            (pilot,) = session.exec(across_administrations(Pilot, TEST)).all()
            ended = [
                each.detail
                for each in session.exec(across_administrations(AuditRow, TEST)).all()
                if each.action == "pilot.measured"
            ]
            assert not services.pilots.outages(session, pilot)  # no table, and not half of one
        assert pilot.state == "measured"
        assert len(ended) == 1
        assert "early" in str(ended[0])
        assert services.chains.get(scope, place["chain"]).desired == DesiredState.RUNNING
        all_anchored(services)
        with services.store.reading() as session:
            for each in acknowledged:
                assert services.notarisations.receipt(session, scope, each).anchor is not None
    finally:
        services.stop()
