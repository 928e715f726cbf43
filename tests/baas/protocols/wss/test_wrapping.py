"""XML signature wrapping on SOAP: every shape is refused by its code, and most of them hold for whoever verifies alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import xmlsec
import zeep.exceptions
import zeep.wsse.signature
from lxml import etree

from baas.ades.xml import Refusal
from baas.protocols.pci.codes import Detail
from baas.protocols.wss import WssError
from baas.protocols.wss.errors import DETAILS
from tests.baas.ades import xmljudges
from tests.baas.ades.pki import Pki
from tests.baas.protocols.wss import shapes
from tests.baas.protocols.wss.messages import Element, read, request_id, secured, who


def named(shape: Callable[[Element], None]) -> str:
    return shape.__name__.replace("_", " ")


def message(pki: Pki, shape: shapes.Shape) -> Element:
    """The shape as it arrives: written, and parsed again."""
    root = etree.fromstring(secured(pki.seal))
    shape(root)
    return etree.fromstring(etree.tostring(root))


def refused(root: Element) -> Detail:
    with pytest.raises(WssError) as caught:
        read(root)
    return caught.value.detail


def xmlsec_holds(root: Element, pki: Pki) -> bool:
    try:
        return xmljudges.xmlsec_verifies(root, pki.seal.certificate)
    except (xmlsec.Error, StopIteration):  # an identifier twice; no signature
        return False


def zeep_holds(root: Element, pki: Pki) -> bool:
    """zeep by its own function, which it calls for answers that are signed."""
    key = zeep.wsse.signature._make_verify_key(xmljudges.pem(pki.seal.certificate))
    try:
        zeep.wsse.signature._verify_envelope_with_key(root, key)
    except (zeep.exceptions.SignatureVerificationFailed, xmlsec.Error, AttributeError, IndexError):
        return False
    return True


@pytest.mark.parametrize("shape", shapes.WRAPPED, ids=named)
def test_a_message_that_was_rearranged(pki: Pki, shape: shapes.Shape) -> None:
    detail, xmlsec_does, zeep_does = shapes.WRAPPED[shape]
    root = message(pki, shape)
    assert refused(root) is detail
    assert (xmlsec_holds(root, pki), zeep_holds(root, pki)) == (xmlsec_does, zeep_does)


def test_the_danger_is_real(pki: Pki) -> None:
    """Whoever verifies with xmlsec, or with zeep, and then takes the Body by its path does what a forger asks."""
    taken = {
        named(shape): shapes.what_a_plain_reader_takes(message(pki, shape)) == shapes.EVIL
        for shape, (_, *holds) in shapes.WRAPPED.items()
        if any(holds)
    }
    assert sum(taken.values()) == 9, taken
    assert request_id(read(secured(pki.seal))) != shapes.EVIL


@pytest.mark.parametrize("name", shapes.LOOSE)
def test_a_signature_that_its_signer_made_too_loose(pki: Pki, name: str) -> None:
    shape, detail = shapes.LOOSE[name]

    def signed_again(root: Element) -> None:
        shape(root)
        shapes.signed_again(root, pki.seal)

    assert refused(message(pki, signed_again)) is detail


def test_signing_again_is_what_it_says(pki: Pki) -> None:
    """The same message, signed again without a change, is read: what is refused above is refused for its change."""
    assert who(read(message(pki, lambda root: shapes.signed_again(root, pki.seal)))) == "9821920002"


@pytest.mark.parametrize("name", shapes.TOKENS)
def test_a_token_that_is_not_the_signers(pki: Pki, name: str) -> None:
    shape, detail = shapes.TOKENS[name]
    assert refused(message(pki, shape)) is detail


def test_the_token_of_somebody_else(pki: Pki) -> None:
    root = message(pki, lambda root: shapes.swapped(root, secured(pki.person)))
    assert refused(root) is Detail.SIGNATURE
    assert xmlsec_holds(root, pki)


def test_whoever_signs_with_a_key_of_their_own_is_who_signed(pki: Pki) -> None:
    """Nothing is wrong with the message; that the certificate is a stranger's is its reader's to find."""
    assert read(secured(pki.unknown)).certificate == pki.unknown.certificate


def test_every_refusal_of_a_signature_has_its_code() -> None:
    assert set(DETAILS) == set(Refusal)
