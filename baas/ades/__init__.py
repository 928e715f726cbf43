"""Advanced electronic signatures: made and validated from bytes, with no server and no socket.

PAdES (ETSI EN 319 142-1), CAdES (EN 319 122-1) and XAdES (EN 319 132-1), judged by the procedures of EN 319 102-1.
What needs somebody else comes in through small seams: a `Stamper` for time-stamps, `Revocation` for CRLs and OCSP
responses. Trust is an argument: roots, the time of the question, and which algorithms and policies hold.

    types           formats, levels, who signs, what is trusted
    verdict         indications and sub-indications of EN 319 102-1, and their counterparts in OASIS DSS
    dss_codes       a verdict as OASIS DSS says it, and the sense of such a code
    algorithms      which digests, signatures and keys a verdict relies on
    paths           a certificate's path at a moment, by what is known of revocation (pyhanko-certvalidator)
    certificates    a certificate alone: its path, its revocation, its policies, its attributes
    stamps          what a time-stamp within a signature proves
    best_time       the signer's certificate at the present, and at the time that a time-stamp proves
    procedure       EN 319 102-1 over one CMS signature
    pades, cades    CMS signatures, in a PDF and beside a document (pyHanko); `signing` and `waiting` are their tools
    signatures      any signature, by its content
    revocation_values   CRLs put into a signature that exists, so that it verifies alone
    xml             XML read so that nothing in it can hurt, and exactly what was signed
    xades           XML signatures, over `xml`
"""
