"""kill -9 of the exchange service in mid-request, under load: no accepted IdPeticion is lost, or answered in two ways."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx2
import pytest

from baas.ades import pem
from baas.clock import SystemClock
from baas.exchange_service.__main__ import TRUST_SERVICE
from baas.exchange_service.service import ExchangeService
from baas.protocols import soap
from baas.protocols.pci import evidence, reading, writing
from baas.protocols.pci.codes import State
from baas.protocols.pci.messages import Element, Poll, Request, Requester, Response
from baas.protocols.pci.products import mux
from baas.protocols.pci.products.mux import Add, Document, Entry, Kind
from baas.trust_service.database import Database
from baas.trust_service.service import TrustService
from sandbox.evidence.digest import Digest
from tests.baas.exchange_service.place import FIRST, PURPOSE, SECOND, Client, connected
from tests.rounds import NEWEST, rounds, until_each_grows

pytestmark = pytest.mark.crash
ROUNDS = rounds(20)
ELEMENTS = 5
AUTHORISED = tuple(f"--authorise={code}:MUX:{mux.ENTRY}:{PURPOSE.value}" for code in (FIRST, SECOND))

#: For each line of its input, forks a process that runs the stand-alone service on that directory. It has all code loaded
#: and no thread, so that a round takes no time to start. The service's own line follows the process's id.
SERVE = """
import os, sys
from baas.exchange_service.__main__ import main

print("ready", flush=True)
for line in sys.stdin:
    child = os.fork()
    if not child:
        print(os.getpid(), flush=True)
        os._exit(main(["--data", line.strip(), "--port", "0", *sys.argv[1:]]))
    os.waitpid(child, 0)
    print("ended", flush=True)
"""


@dataclass
class Told:
    """What clients were told, over all rounds. Dictionaries by (organisation, IdPeticion), whose operations are atomic."""

    asked: dict[tuple[str, str], tuple[str, Request]] = field(default_factory=dict)
    """Endpoint and request, of all that was ever sent."""
    first: dict[tuple[str, str], bytes] = field(default_factory=dict)
    """The first answer to each: a Respuesta, or the confirmation of an asynchronous one."""
    whole: dict[tuple[str, str], bytes] = field(default_factory=dict)
    """The Respuesta of an asynchronous one."""
    again: int = 0

    def counts(self) -> list[int]:
        """How many were answered at once, accepted for later, to be answered with evidence, and repeated."""
        answered = list(self.first)
        later = sum(self.asked[each][0] == "Asincron" for each in answered)
        proved = sum(with_evidence(request_id) for _, request_id in answered)
        return [len(answered) - later, later, proved, self.again]


def with_evidence(request_id: str) -> bool:
    return int(request_id, 16) % 2 == 0


def document(request_id: str, element: int) -> Digest:
    return Digest("sha-256", hashlib.sha256(f"{request_id}/{element}".encode()).digest())


def request(code: str, request_id: str, elements: int) -> Request:
    """Entries in the register, each of a document of its own."""
    requester = Requester(code, "Ens de prova", PURPOSE)
    now = SystemClock().now()

    def entry(n: int) -> bytes:
        attached = Document("acta.pdf", document(request_id, n), now)
        made = Entry(Kind.ENTRY, "Prova", now, "0000000000", code, (attached,))
        return mux.write(Add("PROVES", made))

    asked = tuple(
        Element(str(n), requester, entry(n), evidence=n == 0 and with_evidence(request_id))
        for n in range(elements)
    )
    return Request(request_id, now, "MUX", mux.ENTRY, requester, asked)


def says(answer: httpx2.Response) -> bytes:
    assert answer.status_code == 200, answer.text
    assert b"<CodigoEstado>0502<" not in answer.content, answer.text
    return answer.content


def send(client: Client, endpoint: str, asked: Request) -> bytes:
    stamped = replace(asked, time=client.clock.now())
    return says(client.post(endpoint, client.signed(writing.request_xml(stamped))))


def poll(client: Client, asked: Request) -> bytes | None:
    answer = says(
        client.post("AsincronResposta", client.signed(writing.poll_xml(Poll.of(asked, client.clock.now()))))
    )
    return answer if b"<CodigoEstado>0003<" in answer else None


@contextlib.contextmanager
def client_of(said: dict[str, str], code: str, directory: Path) -> Iterator[Client]:
    signer = pem.read((Path(said["keys"]) / f"{code}.pem").read_bytes())
    with (
        contextlib.suppress(httpx2.HTTPError),
        connected(Path(said["roots"]).read_bytes(), directory) as http,
    ):
        yield Client(said["url"], code, signer, SystemClock(), http)


def asking(client: Client, told: Told, numbers: Iterator[int], chance: random.Random) -> None:
    """New requests of both kinds, and now and then one of before: answered or not, it means the same as before."""
    while True:
        kind = chance.random()
        if kind < 0.3 and told.asked:
            key = chance.choice([each for each in list(told.asked) if each[0] == client.code] or [None])
            if key is not None:
                endpoint, asked = told.asked[key]
                answer = send(client, endpoint, asked)
                assert told.first.setdefault(key, answer) == answer, "one answer for ever"
                told.again += 1
            continue
        elements, endpoint = (1, "Sincron") if kind < 0.8 else (ELEMENTS, "Asincron")
        asked = request(client.code, f"{next(numbers):08x}", elements)
        key = client.code, asked.id
        told.asked[key] = endpoint, asked
        answer = send(client, endpoint, asked)
        assert told.first.setdefault(key, answer) == answer


def fetching(client: Client, told: Told, chance: random.Random) -> None:
    """Asks for answers of its own requests of both kinds."""
    while True:
        mine = [key for key in list(told.first) if key[0] == client.code]
        if not mine:
            time.sleep(0.001)
            continue
        key = chance.choice(mine)
        endpoint, asked = told.asked[key]
        if (answer := poll(client, asked)) is not None:
            known = told.first if endpoint == "Sincron" else told.whole
            assert known.setdefault(key, answer) == answer, "one answer for ever"


def check(directory: Path, told: Told, keys: list[tuple[str, str]]) -> None:
    """What is on disk is what was told."""
    trust_service = TrustService.open(directory / TRUST_SERVICE, SystemClock())
    service = ExchangeService.open(directory, SystemClock(), trust_service)
    try:
        for key in keys:
            kept = service.exchanged(*key)
            assert kept is not None, "accepted, and lost"
            assert (kept.acceptance or kept.answer) == told.first[key]
            assert key not in told.whole or kept.answer == told.whole[key]
    finally:
        service.close()
        trust_service.close()


def finish(directory: Path, told: Told) -> None:
    """All that was accepted is answered in the end, whoever was told; each document is in the register once."""
    trust_service = TrustService.open(directory / TRUST_SERVICE, SystemClock())
    service = ExchangeService.open(directory, SystemClock(), trust_service)
    trust, now = trust_service.pki.trust(), SystemClock().now()
    proved, entries = 0, set[tuple[str, str]]()
    try:
        while service._desk.queue.turn():
            pass
        database = Database(directory / "exchange.sqlite", "SELECT 1")
        accepted = {
            (str(each[0]), str(each[1]))
            for each in database.rows("SELECT organisation, request_id FROM requests")
        }
        assert set(told.first) <= accepted <= set(told.asked)
        for key in accepted:
            endpoint, asked = told.asked[key]
            kept = service.exchanged(*key)
            assert kept is not None
            if endpoint == "Asincron" and key in told.whole:
                assert kept.answer == told.whole[key]
            response = whole(kept.answer)
            assert response.status.state is State.FINISHED, response.status
            assert [each.id for each in response.answers] == [each.id for each in asked.elements]
            for n, answer in enumerate(response.answers):
                made = mux.read(answer.data)
                assert isinstance(made, mux.Answer)
                [entry] = made.entries
                times = database.rows(
                    "SELECT count(*) FROM mux_documents WHERE digest = ?", document(asked.id, n).value
                )
                assert times == [(1,)], "in the register once"
                assert (entry.owner, entry.number) not in entries, "each entry has its own number"
                entries.add((entry.owner, entry.number))
                if answer.evidence:
                    statement, verdict = evidence.read_verified(answer.evidence, trust, now)
                    assert verdict.ok, verdict.details
                    assert statement is not None
                    assert statement.message_sha256 == hashlib.sha256(kept.message).digest()
                    proved += 1
        assert database.rows("SELECT count(*) FROM mux_entries") == [(len(entries),)]
        database.close()
    finally:
        service.close()
        trust_service.close()
    later = sum(endpoint == "Asincron" for key, (endpoint, _) in told.asked.items() if key in accepted)
    assert min(len(told.first), later, proved, told.again) >= ROUNDS, "there was a load"
    print(
        f"{ROUNDS} kills; sent {len(told.asked)}, acknowledged {len(told.first)}, accepted {len(accepted)} of which "
        f"{later} asynchronous, repeated {told.again}, evidence verified {proved}"
    )


def whole(answer: bytes) -> Response:
    found = soap.read(answer, limit=64 << 20)
    assert not isinstance(found, soap.Fault)
    return reading.read_response(found)


@pytest.mark.timeout(300 + 60 * ROUNDS)
def test_no_accepted_request_is_lost_or_answered_in_two_ways(tmp_path: Path) -> None:
    directory, told, numbers = tmp_path / "exchange", Told(), itertools.count(1)
    chance = random.Random(6)
    failures: list[BaseException] = []

    def work(said: dict[str, str], code: str, doing: str, seed: int) -> None:
        try:
            with client_of(said, code, tmp_path) as client:
                if doing == "asks":
                    asking(client, told, numbers, random.Random(seed))
                else:
                    fetching(client, told, random.Random(seed))
        except BaseException as error:  # of a thread: it would be lost
            failures.append(error)

    with subprocess.Popen(
        [sys.executable, "-c", SERVE, *AUTHORISED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        for _ in range(ROUNDS):
            server.stdin.write(f"{directory}\n")
            server.stdin.flush()
            process, said = int(server.stdout.readline()), json.loads(server.stdout.readline())
            before = set(told.first)
            threads = [
                threading.Thread(target=work, args=(said, code, doing, chance.randrange(1 << 30)))
                for code in (FIRST, SECOND)
                for doing in ("asks", "asks", "fetches")
            ]
            for thread in threads:
                thread.start()
            until_each_grows(threads, told.counts)
            time.sleep(chance.uniform(0.0, 0.8))
            os.kill(process, signal.SIGKILL)
            for thread in threads:
                thread.join()
            assert server.stdout.readline() == "ended\n"
            assert not failures, failures
            check(directory, told, [key for key in told.first if key not in before][-NEWEST:])
        server.stdin.close()
    check(directory, told, list(told.first))
    finish(directory, told)
