"""Requests answered over HTTPS: the order of what is checked, what is recorded, what is said again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from baas.protocols.pci import writing
from baas.protocols.pci.codes import Detail, State
from baas.protocols.pci.messages import Poll, Purpose
from tests.baas.exchange_service.place import FIRST, SECOND, Client, Place, number_of


@pytest.fixture
def client(place: Place) -> Client:
    return place.client()


def test_a_request_is_answered_at_once(place: Place, client: Client) -> None:
    response = client.sync(client.request("at-once", "a line"))
    assert (response.status.state, response.status.message, response.id) == (State.FINISHED, "OK", "at-once")
    number = int(number_of(response) or 0)
    assert (number, FIRST, "a line") in place.lines()
    kept = place.service.exchanged(FIRST, "at-once")
    assert kept is not None
    assert b"at-once" in kept.message
    assert kept.answer


def test_it_is_answered_once_however_often_it_is_asked(place: Place, client: Client) -> None:
    request = client.request("again", "once")
    answers = {
        client.post(
            "Sincron", client.signed(writing.request_xml(replace(request, time=client.clock.now())))
        ).content
        for _ in range(3)
    }
    assert len(answers) == 1, "to the byte"
    assert [each[2] for each in place.lines()].count("once") == 1
    assert number_of(client.poll(request)) is not None, "and the third endpoint knows it too"


def test_the_same_message_again_is_a_replay(client: Client) -> None:
    message = client.signed(writing.request_xml(client.request("replayed")))
    assert client.post("Sincron", message).status_code == 200
    assert b"REPLAY" in client.post("Sincron", message).content
    polled = client.signed(writing.poll_xml(Poll.of(client.request("replayed"), client.clock.now())))
    assert b"REPLAY" not in client.post("AsincronResposta", polled).content
    assert b"REPLAY" in client.post("AsincronResposta", polled).content


def test_an_identifier_means_one_thing(place: Place, client: Client) -> None:
    assert client.sync(client.request("meaning", "one")).status.state is State.FINISHED
    assert client.sync(client.request("meaning", "two")).status.detail == Detail.ID_REUSED
    assert client.leave(client.request("meaning", "one")).status.detail == Detail.ID_REUSED
    assert "two" not in [each[2] for each in place.lines()]


def test_default_deny(place: Place, client: Client) -> None:
    def refused(**changed: object) -> str:
        return client.sync(client.request("denied", "denied", **changed)).status.detail

    assert refused(modality="OTHER") == Detail.AUTHORISATION
    assert refused(product="NONE") == Detail.AUTHORISATION
    asked = client.request("denied", "denied")
    other = replace(asked.requester, purpose=Purpose("ALTRES"))
    elements = (replace(asked.elements[0], requester=other),)
    assert refused(elements=elements) == Detail.AUTHORISATION, "each element's own purpose"
    assert "denied" not in [each[2] for each in place.lines()]
    second = place.client(SECOND)
    assert second.sync(second.request("denied")).status.detail == Detail.AUTHORISATION
    place.service.authorise(SECOND, "DIARY", "LINE", "PROVES")
    assert second.sync(second.request("denied")).status.state is State.FINISHED
    place.service.withdraw(SECOND, "DIARY", "LINE", "PROVES")
    assert second.sync(second.request("denied 2")).status.detail == Detail.AUTHORISATION
    assert place.service.authorisations(SECOND) == ()


def test_nobody_asks_in_anothers_name(place: Place, client: Client) -> None:
    asked = client.request("name")
    theirs = replace(asked.requester, code=SECOND)
    assert client.sync(replace(asked, requester=theirs)).status.detail == Detail.ORGANISATION
    elements = (replace(asked.elements[0], requester=theirs),)
    assert client.sync(replace(asked, elements=elements)).status.detail == Detail.ORGANISATION
    assert place.service.exchanged(FIRST, "name") is None


def test_nobody_sees_anothers_request(place: Place, client: Client) -> None:
    request = client.request("mine")
    assert client.sync(request).status.state is State.FINISHED
    second = place.client(SECOND)
    theirs = replace(request, requester=replace(request.requester, code=SECOND))
    found, absent = second.poll(theirs), second.poll(replace(theirs, id="nobody's"))
    assert found.status.detail == absent.status.detail == Detail.UNKNOWN
    assert found.status.message == absent.status.message


def test_what_a_refused_product_wrote_is_gone_and_its_identifier_is_free(
    place: Place, client: Client
) -> None:
    assert client.sync(client.request("refused", "no")).status.detail == Detail.PRODUCT
    assert "no" not in [each[2] for each in place.lines()]
    assert client.poll(client.request("refused")).status.detail == Detail.UNKNOWN
    assert client.sync(client.request("refused", "yes")).status.state is State.FINISHED


def test_one_element_is_answered_at_once_and_501_never(client: Client) -> None:
    assert client.sync(client.request("two", "a", "b")).status.detail == Detail.ELEMENTS
