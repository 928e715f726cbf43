"""OASIS Digital Signature Services 1.0 as PSIS speaks it: core, the XSS profile, AdES forms. Pure, both directions.

names       identifiers
messages    requests and responses as values
requests    VerifyRequest and SignRequest as XML
responses   VerifyResponse and SignResponse as XML
verdicts    a verdict of EN 319 102-1 as a DSS result with processing details, and back
"""
