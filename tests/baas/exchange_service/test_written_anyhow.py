"""Requests that their own sender writes anyhow, and signs: each is answered, refused by a code, or a Fault.

Whoever has a good certificate may write what they like. What the service says then is never that it failed, and what it
does not accept leaves nothing behind.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from dataclasses import replace

import pytest
from lxml import etree

from baas.ades.xml import SignatureRefused
from baas.exchange_service.products import products
from baas.protocols.pci import writing
from baas.protocols.pci.codes import Detail, State
from tests.baas.exchange_service.place import FIRST, PRODUCTS, Client, Place
from tests.baas.exchange_service.products.cases import CASES
from tests.baas.exchange_service.test_attacks import sent, stored

Element = etree._Element
XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
TEXTS = (
    "", " ", "\n", "x", "x" * 300, "0", "-1", "+1", "1e5", "NaN", "99999999999", "١", "true", "PROVES", "AAAA", "&",
    "e\u0301", "\u202e", FIRST, "2026-11-22T10:00:00Z", "2007-04-18 17:35:02.454", "18042007",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
)  # fmt: skip
ATTRIBUTES = ("a", "Id", "{urn:x}b", f"{XSI}type", f"{XSI}nil", f"{XSI}schemaLocation")
ROUNDS = 250


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("exchange"), products=PRODUCTS | products())
    for each in products().values():
        for modality in each.modalities:
            made.service.authorise(FIRST, each.code, modality, "PROVES")
    yield made
    made.close()


def rewritten(root: Element, chance: random.Random) -> None:
    """One change, of the text, the name, the attributes or the place of one of the elements in `root`."""
    nodes = [each for each in root.iter(etree.Element) if each is not root]
    if not nodes:
        return
    one, other = chance.choice(nodes), chance.choice(nodes)
    parent = one.getparent()
    assert parent is not None
    match chance.randrange(9):
        case 0:
            parent.remove(one)
        case 1:
            one.addnext(copy.deepcopy(one))
        case 2:
            one.text = chance.choice(TEXTS)
        case 3:
            one.set(chance.choice(ATTRIBUTES), chance.choice(TEXTS))
        case 4:
            one.tag = chance.choice(["{urn:x}y", "y", other.tag])
        case 5:
            one.append(copy.deepcopy(other))
        case 6:
            one.tail = chance.choice(TEXTS)
        case 7:
            one[:] = reversed(one)
        case _:
            one.addprevious(etree.Element(one.tag))


def written(client: Client, request_id: str, chance: random.Random) -> bytes | None:
    """A product's own example, changed in one to three places; None for what cannot be signed."""
    case = CASES[chance.choice(sorted(CASES))]
    asked = chance.choice([*case.acts, *case.questions])(FIRST)
    request = client.request(request_id)
    element = replace(asked.element, requester=request.requester, evidence=chance.random() < 0.1)
    request = replace(
        request, product=asked.request.product, modality=asked.request.modality, elements=(element,)
    )
    outside = etree.Element("outside")
    outside.append(writing.request_xml(request))
    for _ in range(chance.randint(1, 3)):
        within = outside.find(".//{*}DatosEspecificos") if chance.random() < 0.7 else outside
        rewritten(outside if within is None else within, chance)
    try:
        return client.signed(outside[0]) if len(outside) else None
    except SignatureRefused:  # the same identifier twice
        return None


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(4))
def test_no_request_makes_the_service_fail(place: Place, seed: int) -> None:
    client, chance = place.client(), random.Random(seed)
    outcomes = set()
    for number in range(ROUNDS):
        message = written(client, f"{seed} {number}", chance)
        if message is None:
            continue
        before = stored(place) if number % 10 == 0 else None
        outcome = sent(client, message)
        assert outcome != Detail.INTERNAL, message.decode()
        if before is not None and outcome != State.FINISHED:
            assert stored(place) == before
        outcomes.add(outcome)
    assert {State.FINISHED, Detail.SCHEMA, Detail.PRODUCT} <= outcomes
