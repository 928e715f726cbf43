"""WS-Security for SOAP 1.1 messages: signed by an X.509 certificate that goes along, fresh, and read by place. No socket.

OASIS WS-Security 1.1 "SOAP Message Security" and "X.509 Certificate Token Profile", as much of both as the exchange bus of
AOC uses: one binary security token, one signature over the Body and the Timestamp, a direct reference to the token.

reading     a message whose Body and Timestamp are signed where they stand; one that has no security of its own
writing     a message that is signed so
timestamps  when a message was made, and until when it counts
names       namespaces and identifiers of the three standards
"""

from baas.protocols.wss.errors import WssError
from baas.protocols.wss.reading import Secured, plain_in, read_plain, read_secured, secured_in
from baas.protocols.wss.timestamps import MAX_TTL, SKEW
from baas.protocols.wss.writing import TTL, secure

__all__ = [
    "MAX_TTL",
    "SKEW",
    "TTL",
    "Secured",
    "WssError",
    "plain_in",
    "read_plain",
    "read_secured",
    "secure",
    "secured_in",
]
