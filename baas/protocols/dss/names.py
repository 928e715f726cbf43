"""The identifiers of OASIS DSS 1.0: core, the XSS profile that PSIS speaks, AdES, and our own few.

From the published core specification and from what clients of PSIS in public repositories send and get. Nothing is
copied from a schema or WSDL of AOC.
"""

from __future__ import annotations

from baas.ades.types import Format, Level

DSS = "urn:oasis:names:tc:dss:1.0:core:schema"
XSS = "urn:oasis:names:tc:dss:1.0:profiles:XSS"
DS = "http://www.w3.org/2000/09/xmldsig#"
SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
ADES = "urn:oasis:names:tc:dss:1.0:profiles:AdES:schema#"
OURS = "urn:baas-sandbox:dss"
"""What no standard has a place for. Another service does not know it; a client of another service does not ask for it."""

PROFILE_XSS = XSS
PROFILE_PDF = "urn:oasis:names:tc:dss:1.0:profiles:DSS_PDF"
PROFILE_TIMESTAMPING = "urn:oasis:names:tc:dss:1.0:profiles:timestamping"
PROFILE_CADES = "urn:oasis:names:tc:dss:1.0:profiles:CAdES"
PROFILE_XADES = "urn:oasis:names:tc:dss:1.0:profiles:XAdES"
PROFILE_PADES = f"{OURS}:profile:PAdES"
"""OASIS published no PAdES profile in DSS 1.0."""

CMS = "urn:ietf:rfc:3369"
XML_SIGNATURE = "urn:ietf:rfc:3275"
RFC3161 = "urn:ietf:rfc:3161"
PDF = "application/pdf"

SIGNATURE_TYPES: dict[Format, str] = {Format.CADES: CMS, Format.XADES: XML_SIGNATURE, Format.PADES: PDF}
SEAL_PROFILES: dict[Format, str] = {
    Format.CADES: PROFILE_CADES,
    Format.XADES: PROFILE_XADES,
    Format.PADES: PROFILE_PADES,
}

#: SignatureForm (AdES profile): the forms of 2007, of which the baseline levels are the heirs.
FORMS: dict[Level, str] = {
    Level.B: "urn:oasis:names:tc:dss:1.0:profiles:AdES:forms:BES",
    Level.T: "urn:oasis:names:tc:dss:1.0:profiles:AdES:forms:ES-T",
    Level.LT: "urn:oasis:names:tc:dss:1.0:profiles:AdES:forms:ES-X-L",
    Level.LTA: "urn:oasis:names:tc:dss:1.0:profiles:AdES:forms:ES-A",
}

_MAJOR = "urn:oasis:names:tc:dss:1.0:resultmajor"
SUCCESS = f"{_MAJOR}:Success"
REQUESTER_ERROR = f"{_MAJOR}:RequesterError"
RESPONDER_ERROR = f"{_MAJOR}:ResponderError"
INSUFFICIENT_INFORMATION = f"{_MAJOR}:InsufficientInformation"

_MINOR = "urn:oasis:names:tc:dss:1.0:resultminor"
NOT_SUPPORTED = f"{_MINOR}:NotSupported"
KEY_LOOKUP_FAILED = f"{_MINOR}:invalid:KeyLookupFailed"
REFERENCED_DOCUMENT_NOT_PRESENT = f"{_MINOR}:ReferencedDocumentNotPresent"
#: Ours: core has no code for a client that may not.
NOT_AUTHORISED = f"{OURS}:resultminor:NotAuthorised"
GENERAL_ERROR = f"{_MINOR}:GeneralError"

_DETAIL = "urn:oasis:names:tc:dss:1.0:detail"
DETAIL_VALIDITY_INTERVAL = f"{_DETAIL}:ValidityInterval"
DETAIL_ISSUER_TRUST = f"{_DETAIL}:IssuerTrust"
DETAIL_REVOCATION_STATUS = f"{_DETAIL}:RevocationStatus"
#: The verdict of EN 319 102-1: its indication and sub-indication stand in the detail's Code, as `INDICATION/SUB`.
DETAIL_ETSI = f"{OURS}:detail:etsi-en-319-102-1"
#: What else a verdict holds, each as the Code or Message of a detail.
DETAIL_WORDS = f"{OURS}:detail:words"
DETAIL_NOTE = f"{OURS}:detail:note"
DETAIL_SIGNING_TIME = f"{OURS}:detail:signing-time"
DETAIL_PROVEN_TIME = f"{OURS}:detail:proven-time"
DETAIL_FORMAT = f"{OURS}:detail:format"
DETAIL_LEVEL = f"{OURS}:detail:level"
DETAIL_COVERAGE = f"{OURS}:detail:covers-whole-document"

_CATCERT = "urn:catcert:psis:certificateAttributes"
_CERTIFICATE = f"{XSS}:certificateAttributes"
#: Attribute designators by the names that a verdict has for them (`baas.ades.certificates.attributes`).
ATTRIBUTES: dict[str, str] = {
    "KeyOwnerNIF": f"{_CATCERT}:KeyOwnerNIF",
    "LegalEntityCIF": f"{_CATCERT}:LegalEntityCIF",
    "CertificateType": f"{_CATCERT}:CertificateType",
    "ClassificationLevel": f"{_CATCERT}:ClassificationLevel",
    "CommonName": f"{_CERTIFICATE}:SubjectDistinguishedName:commonName",
    "Surname": f"{_CERTIFICATE}:SubjectDistinguishedName:surname",
    "GivenName": f"{_CERTIFICATE}:SubjectDistinguishedName:givenName",
    "SubjectSerialNumber": f"{_CERTIFICATE}:SubjectDistinguishedName:serialNumber",
    "OrganizationName": f"{_CERTIFICATE}:SubjectDistinguishedName:organizationName",
    "CountryName": f"{_CERTIFICATE}:SubjectDistinguishedName:countryName",
    "Title": f"{_CERTIFICATE}:SubjectDistinguishedName:title",
    "IssuerCommonName": f"{_CERTIFICATE}:IssuerDistinguishedName:commonName",
    "SerialNumber": f"{_CERTIFICATE}:SerialNumber",
    "Version": f"{_CERTIFICATE}:Version",
    "KeyUsages": f"{_CERTIFICATE}:KeyUsages",
    "SubjectEmail": f"{_CERTIFICATE}:SubjectEmail",
    "CertificatePolicies": f"{_CERTIFICATE}:CertificatePolicies",
    "SubjectPublicKeyAlgorithm": f"{_CERTIFICATE}:SubjectPublicKeyAlgorithm",
}

#: Digest algorithms of XML signatures by our slugs (XML Encryption 1.1, RFC 6931, RFC 9231).
DIGESTS: dict[str, str] = {
    "sha-256": "http://www.w3.org/2001/04/xmlenc#sha256",
    "sha-384": "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "sha-512": "http://www.w3.org/2001/04/xmlenc#sha512",
    "sha3-256": "http://www.w3.org/2007/05/xmldsig-more#sha3-256",
}

#: The certificate policy of who signs the sandbox's own answers: no other certificate of its authorities may.
SANDBOX_ANSWERS_POLICY = "2.25.316189420502059296164188729975049763431"
