"""Namespaces and identifiers of WS-Security 1.1 and of its X.509 token profile."""

from __future__ import annotations

from baas.ades.xml.names import WSU

WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
BASE64 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
X509_V3 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"

SECURITY, TOKEN, TOKEN_REFERENCE, REFERENCE = (
    f"{{{WSSE}}}{name}" for name in ("Security", "BinarySecurityToken", "SecurityTokenReference", "Reference")
)
TIMESTAMP, CREATED, EXPIRES, ID = (f"{{{WSU}}}{name}" for name in ("Timestamp", "Created", "Expires", "Id"))
