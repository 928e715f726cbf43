"""Names of XML signatures: namespaces, and the identifiers of algorithms that are read and made here."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from cryptography.hazmat.primitives import hashes

DS = "http://www.w3.org/2000/09/xmldsig#"
XADES = "http://uri.etsi.org/01903/v1.3.2#"
EXC_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
XINCLUDE = "http://www.w3.org/2001/XInclude"
XML = "http://www.w3.org/XML/1998/namespace"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"

#: What a same-document reference may name: XML Signature's own, SAML's and XSS' capitals, WS-Security's, and XML's.
ID_ATTRIBUTES = ("Id", "ID", f"{{{WSU}}}Id", f"{{{XML}}}id")

C14N_11 = "http://www.w3.org/2006/12/xml-c14n11"
ENVELOPED = f"{DS}enveloped-signature"
BASE64 = f"{DS}base64"
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
XPATH_FILTER = "http://www.w3.org/2002/06/xmldsig-filter2"
#: Canonicalisations without comments; the value says whether it is the exclusive one.
CANONICALISATIONS = MappingProxyType(
    {
        EXC_C14N: True,
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315": False,
        C14N_11: False,
    }
)
DEFAULT_CANONICALISATION = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"

_ENC = "http://www.w3.org/2001/04/xmlenc#"
_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
_MORE_2007 = "http://www.w3.org/2007/05/xmldsig-more#"

SHA256 = f"{_ENC}sha256"
#: Identifier of a digest → its name in `hashlib`.
DIGESTS = MappingProxyType(
    {
        SHA256: "sha256",
        f"{_MORE}sha384": "sha384",
        f"{_ENC}sha512": "sha512",
        f"{_MORE_2007}sha3-256": "sha3_256",
    }
)
LEGACY_DIGESTS = MappingProxyType({f"{DS}sha1": "sha1"})
#: Slug of a digest of `sandbox.evidence.digest` → its identifier in XML.
DIGEST_OF_SLUG = MappingProxyType(
    {
        "sha-256": SHA256,
        "sha-384": f"{_MORE}sha384",
        "sha-512": f"{_ENC}sha512",
        "sha3-256": f"{_MORE_2007}sha3-256",
    }
)


@dataclass(frozen=True)
class Method:
    """A signature algorithm: `kind` is "rsa" (PKCS#1 v1.5), "pss" (with MGF1, salt as long as the hash) or "ecdsa"."""

    kind: str
    hash: type[hashes.HashAlgorithm]


_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}
RSA_SHA256 = f"{_MORE}rsa-sha256"
ECDSA_SHA256 = f"{_MORE}ecdsa-sha256"
ECDSA_SHA384 = f"{_MORE}ecdsa-sha384"
ECDSA_SHA512 = f"{_MORE}ecdsa-sha512"
METHODS = MappingProxyType(
    {f"{_MORE}rsa-{name}": Method("rsa", made) for name, made in _HASHES.items()}
    | {f"{_MORE}ecdsa-{name}": Method("ecdsa", made) for name, made in _HASHES.items()}
    | {f"{_MORE_2007}{name}-rsa-MGF1": Method("pss", made) for name, made in _HASHES.items()}
)
LEGACY_METHODS = MappingProxyType(
    {f"{DS}rsa-sha1": Method("rsa", hashes.SHA1), f"{_MORE}ecdsa-sha1": Method("ecdsa", hashes.SHA1)}
)


def ds(name: str) -> str:
    """The name in XML Signature's namespace, as lxml writes it."""
    return f"{{{DS}}}{name}"


def xades(name: str) -> str:
    """The name in XAdES' namespace (EN 319 132-1), as lxml writes it."""
    return f"{{{XADES}}}{name}"
