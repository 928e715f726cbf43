"""What is asked to be notarised: documents, each by its digests. The documents themselves never come here."""

from __future__ import annotations

from dataclasses import dataclass

from baas.errors import Invalid
from sandbox.errors import MalformedEvidence
from sandbox.evidence.digest import Digest, algorithm

MOST_DOCUMENTS = 10_000


@dataclass(frozen=True, slots=True)
class Document:
    """What is asked to be notarised: a digest, the notarisation that it supersedes, if any, and its further digests.

    `also` holds (algorithm, hex) of the same document by other algorithms, in any order.
    """

    algorithm: str
    digest: str
    supersedes: str | None = None
    also: tuple[tuple[str, str], ...] = ()


def digests_of(document: Document, place: int) -> list[Digest]:
    """The document's digests, in the order of their slugs; Invalid where one is wrong or an algorithm comes twice."""
    given = [(document.algorithm, document.digest, "digest")]
    given += [(slug, value, f"also/{at}") for at, (slug, value) in enumerate(document.also)]
    found: dict[str, Digest] = {}
    for slug, value, where in given:
        try:
            digest, expected = bytes.fromhex(value), algorithm(slug).size
        except (ValueError, MalformedEvidence) as error:
            raise Invalid(f"/documents/{place}", "an algorithm and its digest in hex", str(error)) from None
        if len(digest) != expected:
            raise Invalid(
                f"/documents/{place}/{where}", f"{expected} bytes in hex for {slug}", f"{len(digest)} bytes"
            )
        if slug in found:
            raise Invalid(f"/documents/{place}/{where}", "one digest by each algorithm", f"{slug} twice")
        found[slug] = Digest(slug, digest)
    return [found[slug] for slug in sorted(found)]
