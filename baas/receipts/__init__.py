"""Receipts as files: in which formats one can be had, and what each is made with.

To add a format, add its slug to `Format` and its `Rendering` to `RENDERINGS`: the API's `format`, the command line's and
the client's follow. A rendering takes what it needs from a `Source`, imports heavy libraries only when it is called, and
gives the same bytes for the same source and language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from baas.texts import DEFAULT
from sandbox.evidence import tlog_proof
from sandbox.evidence.cose import issue_inclusion
from sandbox.evidence.note import NoteSigner
from sandbox.evidence.receipt import Receipt


class Format(StrEnum):
    """A receipt's file format, by its slug."""

    JSON = "json"
    COSE = "cose"
    TLOG_PROOF = "tlog-proof"


@dataclass(frozen=True, slots=True)
class Source:
    """What a rendering is made from: the receipt, and the log's key, which signs the roots that it states already."""

    receipt: Receipt
    signer: NoteSigner

    def cose(self) -> bytes:
        """The COSE receipt of the same entry under the same root: the same bytes each time."""
        return issue_inclusion(self.receipt, self.signer).to_bytes()


@dataclass(frozen=True, slots=True)
class Rendering:
    """How a receipt becomes a file of one format; `suffix` follows the document's or notarisation's name.

    `render` takes the source and a language of `baas.texts`, which only what people read makes use of.
    """

    media_type: str
    suffix: str
    render: Callable[[Source, str], bytes]


RENDERINGS: Mapping[Format, Rendering] = MappingProxyType(
    {
        Format.JSON: Rendering(
            "application/json", ".receipt.json", lambda source, _: source.receipt.to_bytes()
        ),
        Format.COSE: Rendering("application/cose", ".receipt.cose", lambda source, _: source.cose()),
        Format.TLOG_PROOF: Rendering(
            "text/plain; charset=utf-8",
            ".tlog-proof",
            lambda source, _: tlog_proof.from_receipt(source.receipt).to_bytes(),
        ),
    }
)


def render(source: Source, format_: Format, language: str = DEFAULT) -> bytes:
    """The receipt as a file of that format."""
    return RENDERINGS[format_].render(source, language)
