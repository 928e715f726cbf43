"""The embedded DSS: verification, time-stamps and seals over SOAP, at the path that PSIS has.

    http            the route: media type, size, faults
    answering       a message in, a message out; what is recorded, what is signed
    verifying       certificates and signatures against the sandbox's own roots
    tokens          time-stamp tokens alone
    sealing         seals with an administration's key, and time-stamps

Verification is what PSIS does. The sealing is not: AOC documents no operation that seals on its side, so this one is core
OASIS DSS, and a pilot that uses it measures what such a service would give, not one that exists.
"""

from baas.trust_service.dss.answering import Desk, SignatureService
from baas.trust_service.dss.http import PATH, routes

__all__ = ["PATH", "Desk", "SignatureService", "routes"]
