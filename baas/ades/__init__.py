"""Advanced electronic signatures: made and validated from bytes, with no server and no socket.

PAdES (ETSI EN 319 142-1), CAdES (EN 319 122-1) and XAdES (EN 319 132-1), judged by the procedures of EN 319 102-1.
What needs somebody else comes in through small seams: a `Stamper` for time-stamps, `Revocation` for CRLs and OCSP
responses. Trust is an argument: roots, the time of the question, and which algorithms and policies hold.

    types           formats, levels, who signs, what is trusted
    verdict         indications and sub-indications of EN 319 102-1, and their counterparts in OASIS DSS
    algorithms      which digests and keys a verdict relies on
    certificates    a certificate alone: its path, its revocation, its attributes
    pades, cades    CMS signatures, in a PDF and beside a document (pyHanko)
    xml             XML read so that nothing in it can hurt, and exactly what was signed
    xades           XML signatures, over `xml`
"""
