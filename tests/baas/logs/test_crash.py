"""kill -9 of a serving process while digests are notarised: whatever was acknowledged ends anchored and provable."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx2
import pytest

from baas.settings import Settings
from baas.wiring import Services
from tests.baas.flows import Place, all_anchored, digest, new_place
from tests.baas.logs.whole import check_whole
from tests.rounds import rounds, until_each_grows

ROOT = Path(__file__).parents[3]
ROUNDS = rounds(5)

#: For each line of its input, forks a process that serves the directory and says its id and address. It has all code
#: loaded and no thread, so that a round takes no time to start.
SERVE = """
import os, sys, threading, time
from pathlib import Path
from baas.app import create_server
from baas.errors import Conflict
from baas.settings import Settings
from baas.wiring import Services

def serve(directory):
    services = Services.build(Settings(data=Path(directory), port=0))
    services.start()
    server = create_server(services)
    def tell():
        while True:  # it is started a moment before it knows its address
            try:
                print(os.getpid(), server.url, flush=True)
                return
            except Conflict:
                time.sleep(0.001)
    threading.Thread(target=tell, daemon=True).start()
    server.run()

print("ready", flush=True)
for line in sys.stdin:
    child = os.fork()
    if not child:
        serve(line.strip())
        os._exit(0)
    os.waitpid(child, 0)
    print("ended", flush=True)
"""


def load(
    url: str, token: str, code: str, numbers: itertools.count[int], acknowledged: dict[str, bytes]
) -> None:
    """Notarises until the connection breaks, keeping what was acknowledged."""
    with (
        httpx2.Client(
            base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=60
        ) as client,
        contextlib.suppress(httpx2.HTTPError),
    ):
        while True:
            documents = [b"document %d" % next(numbers) for _ in range(3)]
            body = {"administration": code, "documents": [digest(each) for each in documents]}
            answer = client.post("/notarisations", json=body)
            assert answer.status_code == 202, answer.text
            acknowledged.update(zip(answer.json()["items"], documents, strict=True))


def prepared(directory: Path) -> tuple[Place, str]:
    services = Services.build(Settings(data=directory, port=0))
    services.start()
    place = new_place(services)
    with services.store.session() as session:
        operator = services.tokens  # a member's token, as an operator issues it
        member = services.administrations.add_member(
            session, place.scope, place.code, "persona", frozenset({"admin", "developer"})
        )
        token = operator.issue(session, place.scope, "crash", member.id).text
    services.stop()
    return place, token


@pytest.mark.crash
@pytest.mark.timeout(300 + 60 * ROUNDS)
def test_nothing_acknowledged_is_lost_by_kill_9(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    place, token = prepared(directory)
    moments = random.Random(11)
    numbers = itertools.count()
    acknowledged: dict[str, bytes] = {}
    nursery = subprocess.Popen(
        [sys.executable, "-c", SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert nursery.stdin is not None and nursery.stdout is not None
    assert nursery.stdout.readline() == "ready\n"
    for _ in range(ROUNDS):
        print(directory, file=nursery.stdin, flush=True)
        process, url = nursery.stdout.readline().split()
        clients = [
            threading.Thread(target=load, args=(url, token, place.code, numbers, acknowledged))
            for _ in range(2)
        ]
        for each in clients:
            each.start()
        until_each_grows(clients, lambda: [len(acknowledged)], by=moments.randint(3, 15))
        time.sleep(moments.uniform(0, 0.2))
        os.kill(int(process), signal.SIGKILL)
        assert nursery.stdout.readline() == "ended\n"
        for each in clients:
            each.join()
    nursery.stdin.close()
    nursery.wait()
    nursery.stdout.close()
    services = Services.build(Settings(data=directory, port=0))
    services.start()
    try:
        log = all_anchored(services)
        assert log.accepted - 1 >= len(acknowledged) >= 3 * ROUNDS
        written = everything(services, place, log.accepted, numbers)
        assert acknowledged.items() <= written.items()
        check_whole(services, place, written)
    finally:
        services.stop()


def everything(
    services: Services, place: Place, accepted: int, numbers: itertools.count[int]
) -> dict[str, bytes]:
    """Every entry of the log by its notarisation's id: also what was accepted and never acknowledged."""
    known = {digest(each)["digest"]: each for each in (b"document %d" % n for n in range(next(numbers)))}
    found: dict[str, bytes] = {}
    with services.store.reading() as session:
        after: str | None = None
        while True:
            page = services.notarisations.newest(session, place.scope, after, 200)
            found |= {each.id: known[str(each.digest)] for each in page.rows}
            if page.next is None:
                break
            after = page.next
    assert len(found) == accepted - 1
    return found
