"""A signed answer with any one bit changed: either it is refused, or what is read from it is the same."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import httpx2
import pytest
from lxml import etree

from baas.ades.types import Trust
from baas.ades.verdict import Verdict
from baas.clock import SystemClock
from baas.connectors.signature._answers import require_bound, require_signed
from baas.connectors.signature._revocation import Crls
from baas.protocols import soap
from baas.protocols.dss import names, requests, responses, verdicts
from baas.protocols.dss.messages import Malformed, Refusal, Subject, VerifyRequest
from baas.protocols.soap import SoapError
from baas.trust_service.dss.http import PATH
from sandbox.errors import VerificationError
from tests.baas.trust_service.dss_place import Place, der, here

#: A changed bit may make a serial number negative, which the parser warns of.
pytestmark = pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")


@dataclass(frozen=True)
class Kept:
    """One answer as it came, the digest of its request, and what it is judged with."""

    answer: bytes
    request_sha256: str
    trust: Trust
    crls: Crls

    def read(self, answer: bytes) -> Verdict | None:
        """What the adapter believes of an answer, by the adapter's own steps; None for a refusal to answer."""
        root = soap.read(answer, limit=1 << 20)
        assert isinstance(root, etree._Element)
        response = responses.read_verify_response(root)
        verdict = verdicts.verdict_in(response)
        require_signed(root, self.trust, self.crls, SystemClock().now())
        require_bound(response, "r1", self.request_sha256, by_digest=True)
        return verdict


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    with here(tmp_path_factory.mktemp("trust")) as place, closing(httpx2.Client(trust_env=False)) as client:
        yield asked(place, client)


def asked(place: Place, client: httpx2.Client) -> Kept:
    wanted = tuple(names.ATTRIBUTES.values())
    question = VerifyRequest("r1", Subject.CERTIFICATE, der(place.town.certificate), attributes=wanted)
    message = soap.envelope(requests.verify_request(question))
    answer = client.post(place.url + PATH, content=message, headers={"Content-Type": "text/xml"})
    trust = Trust((place.service.pki.root,), policies=frozenset({names.SANDBOX_ANSWERS_POLICY}))
    crls = Crls(client, place.url, SystemClock())
    found = Kept(answer.content, hashlib.sha256(message).hexdigest(), trust, crls)
    good = found.read(found.answer)
    assert good is not None
    assert good.ok
    return found


def believed(kept: Kept, positions: list[int]) -> int:
    """How many changed answers were believed: each of them says what the answer said."""
    good, found = kept.read(kept.answer), 0
    for position in positions:
        for bit in range(8):
            changed = bytearray(kept.answer)
            changed[position] ^= 1 << bit
            try:
                assert kept.read(bytes(changed)) == good, (position, bit)
                found += 1
            except (SoapError, Malformed, Refusal, VerificationError):
                pass
    return found


def test_some_bits(kept: Kept) -> None:
    chance = random.Random(3)
    believed(kept, chance.sample(range(len(kept.answer)), 400))


@pytest.mark.long
@pytest.mark.timeout(900)
def test_every_bit(kept: Kept) -> None:
    count = believed(kept, list(range(len(kept.answer))))
    assert count < len(kept.answer) // 20, (
        "almost every change is noticed; the rest changes nothing that is read"
    )
