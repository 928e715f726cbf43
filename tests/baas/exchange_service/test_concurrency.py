"""Many at once: the same request is answered once; different ones do not mix."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from cryptography.x509 import ReasonFlags

from baas.exchange_service.service import ExchangeService
from baas.protocols import soap
from baas.protocols.pci import writing
from baas.protocols.pci.codes import Detail, State
from tests.baas.exchange_service.place import FIRST, PRODUCTS, SECOND, Client, Place, number_of


def test_the_same_identifier_from_many_threads_is_answered_once(place: Place) -> None:
    client = place.client()
    request = client.request("rush", "rush")
    messages = [
        client.signed(writing.request_xml(replace(request, time=client.clock.now()))) for _ in range(16)
    ]
    with ThreadPoolExecutor(16) as pool:
        answers = set(pool.map(lambda message: client.post("Sincron", message).content, messages))
    assert len(answers) == 1
    assert [each[2] for each in place.lines()].count("rush") == 1


def test_the_very_same_message_from_many_threads_is_answered_once(place: Place) -> None:
    client = place.client()
    message = client.signed(writing.request_xml(client.request("stampede", "stampede")))
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: client.post("Sincron", message).content, range(16)))
    assert sum(b"REPLAY" in each for each in answers) == 15
    assert [each[2] for each in place.lines()].count("stampede") == 1


def test_two_meanings_of_one_identifier_race_and_one_wins(place: Place) -> None:
    client = place.client()
    requests = [client.request("race", f"race {n}") for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(client.sync, requests))
    won = [each for each in responses if each.status.state is State.FINISHED]
    assert len(won) == 1
    assert {each.status.detail for each in responses if each not in won} == {Detail.ID_REUSED}
    assert sum(str(each[2]).startswith("race") for each in place.lines()) == 1


def test_different_requests_get_their_own_answers(place: Place) -> None:
    client = place.client()
    with ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(lambda n: client.sync(client.request(f"own {n}", f"own {n}")), range(32)))
    for n, response in enumerate(responses):
        assert response.id == f"own {n}"
        assert b">own " + str(n).encode() + b"<" in response.answers[0].data
    assert len({number_of(each) for each in responses}) == 32


def test_two_services_on_one_directory_answer_alike(place: Place) -> None:
    other = ExchangeService.open(
        place.directory / "exchange", place.clock, place.trust_service, products=PRODUCTS
    )
    try:
        client = place.client()
        there = Client(other.serve(), FIRST, client.signer, client.clock, client.http)
        request = client.request("either", "either")
        with ThreadPoolExecutor(8) as pool:
            answers = set(
                pool.map(
                    lambda each: each.post("Sincron", each.signed(writing.request_xml(request))).content,
                    [client, there] * 4,
                )
            )
        assert len(answers) == 1
        assert [each[2] for each in place.lines()].count("either") == 1
    finally:
        other.close()


def test_a_revocation_counts_at_once(tmp_path: Path) -> None:
    place = Place(tmp_path)
    try:
        pki = place.trust_service.pki
        first = place.client()
        shown = place.client(shown=first.signer)
        assert first.sync(first.request("before")).status.state is State.FINISHED
        pki.revoke(first.signer.certificate.serial_number, ReasonFlags.key_compromise)
        assert first.sync(first.request("after")).status.detail == Detail.REVOKED
        plain = writing.request_xml(first.request("after"))
        assert b"REVOKED" in shown.post("Sincron", soap.envelope(plain)).content, (
            "on the connection of before too"
        )
        anew = place.client(signer=pki.issue_application(FIRST).signer)
        assert anew.sync(anew.request("after")).status.state is State.FINISHED
        place.service.authorise(SECOND, "DIARY", "LINE", "PROVES")
        other = place.client(SECOND)
        assert other.sync(other.request("after")).status.state is State.FINISHED
    finally:
        place.close()
