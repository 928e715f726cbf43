"""The exchange bus of AOC (Plataforma de Col·laboració Interadministrativa, PCI): its messages, both directions, no socket.

A Catalan dialect of the Spanish SCSP: SOAP 1.1, one operation `procesa` at three endpoints. The schemas here are ours,
written from the fields that AOC documents; no text of AOC's is in them.

messages    what is exchanged, as data: requests, responses, confirmations
codes       states, and this sandbox's own secondary codes of refusals
writing     messages as XML, valid by our schemas
reading     messages from XML, once our schemas have let them through; refusals are `errors.PciError`
products    what products exchange in DatosEspecificos: one module is one product
evidence    what the service signs of each act, and reading it
wsdl        the three endpoints, described for clients
schema      the schemas, and what they say against an element
"""
