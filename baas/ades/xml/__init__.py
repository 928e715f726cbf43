"""XML read so that nothing in it can hurt, and exactly what was signed.

reading     bytes to elements: no DTD, no entities, no instructions, nothing fetched, all bounded
places      the very element that a reference covers, at the place where its reader expects it
dsig        an XML signature: read strictly, verified, made
enveloped   a message signed as a whole by a signature inside it, or in parts by one in its header
names       namespaces and algorithms
"""

from baas.ades.xml.messages import Signed, sign_enveloped, sign_parts, verify_enveloped, verify_parts
from baas.ades.xml.places import Refusal, SignatureRefused, child, identified, signed_element
from baas.ades.xml.reading import LIMIT, Danger, UnsafeXml, parse

__all__ = [
    "LIMIT",
    "Danger",
    "Refusal",
    "SignatureRefused",
    "Signed",
    "UnsafeXml",
    "child",
    "identified",
    "parse",
    "sign_enveloped",
    "sign_parts",
    "signed_element",
    "verify_enveloped",
    "verify_parts",
]
