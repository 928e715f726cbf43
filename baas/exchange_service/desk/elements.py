"""One element of an accepted request: what its product answers, with evidence and a PDF that the exchange signs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from baas.ades import pades
from baas.ades.types import Level, Stamper
from baas.ades.xml import parse
from baas.clock import Clock
from baas.exchange_service.errors import Refusal
from baas.exchange_service.products import Asked, Forgetting, Modalities, Product, ProductRefused
from baas.protocols.pci import evidence
from baas.protocols.pci.codes import Detail
from baas.protocols.pci.evidence import EvidenceStatement
from baas.protocols.pci.messages import Answer, Element, Request
from baas.protocols.pci.reading import canonical
from baas.trust_service.database import Database
from baas.trust_service.pki import Pki


@dataclass(frozen=True)
class Came:
    """How an accepted request came: in whose name, and the SHA-256 of its message's bytes and of its certificate's DER."""

    organisation: str
    message_sha256: bytes
    certificate_sha256: bytes


class Elements:
    """Every product, opened on the service's own database. `answer` belongs into a transaction of its caller."""

    def __init__(
        self, products: Mapping[str, Any], database: Database, pki: Pki, stamper: Stamper, clock: Clock
    ) -> None:
        self._pki, self._stamper, self._clock = pki, stamper, clock
        self._database = database
        opened: list[Product] = [each.open(database, clock) for each in products.values()]
        self._products = {each.code: each for each in opened}
        if len(self._products) != len(opened):
            raise ValueError("two products have the same code")

    @property
    def offered(self) -> Mapping[str, Modalities]:
        """What can be asked, by product."""
        return MappingProxyType({code: each.modalities for code, each in self._products.items()})

    def require(self, product: str, modality: str) -> None:
        """Raises Refusal for what nobody answers here."""
        found = self._products.get(product)
        if found is None:
            raise Refusal(
                Detail.PRODUCT,
                f"no product {product!r} here: expected one of {', '.join(sorted(self._products)) or 'none'}",
            )
        if modality not in found.modalities:
            raise Refusal(
                Detail.PRODUCT,
                f"{product} has no modality {modality!r}: expected one of {', '.join(found.modalities)}",
            )

    def forget(self, product: str) -> None:
        """Erases what this product keeps no longer, in the caller's transaction."""
        found: object = self._products.get(product)
        if isinstance(found, Forgetting):
            found.forget()

    def tidy(self) -> None:
        """Erases what any product keeps no longer, from the disk too; outside of a transaction."""
        with self._database.transaction():
            for each in self._products:
                self.forget(each)
        self._database.settle()

    def answer(self, request: Request, element: Element, came: Came) -> Answer:
        """Raises Refusal for what the product does not take, and whatever a failure of this service raises."""
        product = self._products[request.product]
        try:
            done = product.answer(Asked(request, element, came.organisation, self._sealed))
        except ProductRefused as refused:
            raise Refusal(refused.detail, str(refused)) from refused
        data = canonical(parse(done.data))
        now = self._clock.now()
        signed = pdf = b""
        if element.evidence:
            statement = EvidenceStatement(
                request_id=request.id,
                element_id=element.id,
                product=request.product,
                modality=request.modality,
                purpose=element.requester.purpose.value,
                organisation=came.organisation,
                certificate_sha256=came.certificate_sha256,
                message_sha256=came.message_sha256,
                answer_sha256=hashlib.sha256(data).digest(),
                time=now,
                parameters=done.parameters,
            )
            signed = evidence.sign(statement, self._pki.exchange, self._stamper, now)
        if element.pdf and done.pdf:
            pdf = self._sealed(done.pdf)
        return Answer(element.id, element.transmission, data, signed, pdf)

    def _sealed(self, pdf: bytes) -> bytes:
        now = self._clock.now()
        return pades.sign(pdf, Level.T, self._pki.exchange, stamper=self._stamper, trust=None, now=now)
