"""The embedded exchange service, shaped as AOC's PCI is: SOAP messages over HTTPS, authorisations, fictional data.

It stands on the embedded trust service, whose PKI its clients' and its own certificates are of. It is no service of AOC's,
and its answers are about nobody.
"""
