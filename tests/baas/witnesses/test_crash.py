"""kill -9 of a serving process whose log demands a witness: each acknowledged document ends with a cosigned receipt."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from baas.settings import Settings
from baas.store.paging import PageOf
from baas.wiring import Services
from sandbox.evidence.note import NoteSigner
from sandbox.evidence.policy import STANDARD, Policy
from sandbox.evidence.verify import verify_many
from tests.baas.flows import accept, all_anchored, log_of, until
from tests.baas.logs.test_crash import ROOT, SERVE, everything, load, prepared
from tests.rounds import rounds, until_each_grows

ROUNDS = rounds(5)
WITNESSED = Policy(STANDARD.required | {"witnesses"})


@pytest.mark.crash
@pytest.mark.timeout(300 + 60 * ROUNDS)
def test_no_kill_9_leaves_a_receipt_without_its_cosignature(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    place, token = prepared(directory)
    services = Services.build(Settings(data=directory, port=0))
    services.start()
    numbers = itertools.count()
    accept(services, place, b"document %d" % next(numbers))
    log = all_anchored(services)
    made = services.witnesses.create(place.scope, place.code, "w1")
    key = NoteSigner(log.origin, log.signing_key).verifier.vkey
    services.witnesses.follow(place.scope, made.id, log.origin, key)
    with services.store.session() as session:
        services.witnessing.set(session, place.scope, log, 1, [made.name])
    services.stop()
    moments, acknowledged = random.Random(29), dict[str, bytes]()
    nursery = subprocess.Popen(
        [sys.executable, "-c", SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert nursery.stdin is not None and nursery.stdout is not None
    assert nursery.stdout.readline() == "ready\n"
    for _ in range(ROUNDS):
        print(directory, file=nursery.stdin, flush=True)
        process, url = nursery.stdout.readline().split()
        client = threading.Thread(target=load, args=(url, token, place.code, numbers, acknowledged))
        client.start()
        until_each_grows([client], lambda: [len(acknowledged)], by=moments.randint(3, 15))
        time.sleep(moments.uniform(0, 0.3))
        os.kill(int(process), signal.SIGKILL)
        assert nursery.stdout.readline() == "ended\n"
        client.join()
    nursery.stdin.close()
    nursery.wait()
    nursery.stdout.close()
    services = Services.build(Settings(data=directory, port=0))
    services.start()
    try:
        log = all_anchored(services)

        def witnessed() -> bool:
            with services.store.reading() as session:
                return services.witnessing.witnessed_size(session, log_of(services)) == log.accepted

        assert until(witnessed)
        written = everything(services, place, log.accepted, numbers)
        assert acknowledged.items() <= written.items()
        with services.store.reading() as session:
            root = services.trust.of(session, place.scope, place.code)
            receipts = [
                (written[name], receipt)
                for batch in sorted({name.partition("-")[0] for name in written})
                for name, receipt in services.notarisations.receipts(session, place.scope, batch)
            ]
        assert len(receipts) == len(written) >= 3 * ROUNDS
        for report in verify_many(receipts, root, WITNESSED):
            assert report.ok, report.to_text()
        (row,) = services.witnesses.listing(place.scope, PageOf(), None).rows
        assert services.witnesses.seen(place.scope, row.id)[1] == []  # nothing that it was shown contradicts
    finally:
        services.stop()
