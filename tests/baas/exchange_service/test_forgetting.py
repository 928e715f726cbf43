"""What has ended is told to nobody any more, and is on no disk soon after: whether or not anybody asks for anything."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from baas.exchange_service.desk import queue
from baas.exchange_service.products import products
from baas.protocols.pci.codes import Detail, State
from baas.protocols.pci.messages import Element, File, Request, Requester
from baas.protocols.pci.products import etauler
from tests.baas.exchange_service.place import FIRST, PRODUCTS, PURPOSE, Client, MovedClock, Place
from tests.baas.exchange_service.products.cases import NOTICE

SECRET = b"%PDF-1.7 Maria Ficticia, multa de deu euros"
TRACE = b"multa-de-maria"


def opened(directory: Path, *, working: bool) -> Place:
    place = Place(directory, MovedClock(), working=working, products=PRODUCTS | products())
    place.service.authorise(FIRST, etauler.PRODUCT, etauler.MODALITY, "PROVES")
    return place


def asked(client: Client, request_id: str, payload: etauler.Payload, *files: File) -> Request:
    requester = Requester(client.code, "Ens de prova", PURPOSE)
    element = Element("1", requester, etauler.write(payload), files=files, evidence=True, pdf=True)
    return Request(request_id, client.clock.now(), etauler.PRODUCT, etauler.MODALITY, requester, (element,))


def published(client: Client) -> Request:
    """A notice with personal data, until tonight."""
    today: date = client.clock.now().date()
    notice = replace(
        NOTICE,
        id="P7-0009",
        information=(etauler.Information("Multa a Maria Fictícia", "Deu euros"),),
        start=today - timedelta(days=1),
        end=today + timedelta(days=1),
        documents=(etauler.Document("multa-de-maria.pdf", "d1"),),
        personal_data=True,
    )
    file = File("d1", "multa.pdf", SECRET, hashlib.sha256(SECRET).digest())
    request = asked(client, "told", etauler.Publish(notice), file)
    assert client.sync(request).status.state is State.FINISHED
    return request


def on_disk(place: Place) -> bytes:
    """Every file of the service, its database's journal too, as they are."""
    return b"".join(each.read_bytes() for each in (place.directory / "exchange").iterdir() if each.is_file())


def wait_until_gone(place: Place) -> None:
    """The test's own time limit ends it."""
    while any(trace in on_disk(place) for trace in (TRACE, SECRET)):
        time.sleep(0.05)


@pytest.mark.parametrize("how", ["again", "polled"])
def test_a_recorded_answer_is_not_given_after_the_last_day(tmp_path: Path, how: str) -> None:
    """It was, for as long as nobody asked the board for anything new."""
    place = opened(tmp_path, working=False)
    try:
        client, clock = place.client(), place.clock
        assert isinstance(clock, MovedClock)
        request = published(client)
        ask = client.sync if how == "again" else client.poll
        assert ask(request).answers, "while it is on the board"
        clock.by = timedelta(days=3)
        found = ask(request)
        assert (found.status.state, found.status.detail) == (State.ERROR, Detail.UNKNOWN)
        assert found.answers == ()
        kept = place.service.exchanged(FIRST, "told")
        assert kept is not None
        assert (kept.message, kept.answer) == (b"", b"")
    finally:
        place.close()


def test_it_is_erased_where_nobody_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "TIDY", 0.1)
    place = opened(tmp_path, working=True)
    try:
        client, clock = place.client(), place.clock
        assert isinstance(clock, MovedClock)
        published(client)
        assert TRACE in on_disk(place)
        clock.by = timedelta(days=3)
        wait_until_gone(place)
    finally:
        place.close()


def test_what_is_withdrawn_goes_from_the_journal_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database's own file was clean, and its journal kept every page as it had been."""
    monkeypatch.setattr(queue, "TIDY", 0.1)
    place = opened(tmp_path, working=True)
    try:
        client = place.client()
        published(client)
        assert client.sync(asked(client, "down", etauler.Withdraw("P7-0009"))).status.state is State.FINISHED
        wait_until_gone(place)
    finally:
        place.close()


def test_it_is_erased_at_the_next_start_from_the_journal_too(tmp_path: Path) -> None:
    place = opened(tmp_path, working=False)
    try:
        clock = place.clock
        assert isinstance(clock, MovedClock)
        published(place.client())
        place.stop()
        clock.by = timedelta(days=3)
        place.start(working=False)
        assert TRACE not in on_disk(place)
        assert SECRET not in on_disk(place)
    finally:
        place.close()
