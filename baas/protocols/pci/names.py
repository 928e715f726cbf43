"""Namespaces and addresses of PCI, from what AOC documents; and the two that are this sandbox's own."""

from __future__ import annotations

WRAPPER = "http://www.openuri.org/"
"""Of `procesa` and `procesaResponse`, the one operation."""
SOAP_ACTION = f"{WRAPPER}procesa"

_SCSP = "http://gencat.net/scsp/esquemes"
REQUEST = f"{_SCSP}/peticion"
RESPONSE = f"{_SCSP}/respuesta"
CONFIRMATION = f"{_SCSP}/confirmacionPeticion"
POLL = f"{_SCSP}/solicitudRespuesta"
EXTENSIONS = "http://www.aocat.net/scsp/esquemes/caoc-extensions"

PADRO = "http://www.aocat.net/padro"
ETAULER = "http://www.aoc.cat/etauler"
MUX = "http://net.aocat/MUX2/PeticioRegistre"
MUX_ANSWER = "http://net.aocat/MUX2/RespostaRegistre"
"""Of the answers, named as the requests' is: what AOC's are in is not documented."""
REPRESENTA = "http://www.aoc.cat/representa/v2"

HANDOVER = "urn:baas:sandbox:exchange-hand-over:1"
"""Ours: what a register entry says of a hand-over."""
EVIDENCE = "urn:baas:sandbox:exchange-evidence:1"
"""Ours."""


def qname(namespace: str, name: str) -> str:
    """A name as lxml writes it."""
    return f"{{{namespace}}}{name}"
