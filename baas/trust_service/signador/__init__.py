"""The laboratory's Signador: an administration's system asks, a person clicks (`baas.protocols.signador`).

keeping     Signador: processes from their token to their result, on disk
signing     what the fictional person's card does
http        /signador, for systems and for the person
"""

from baas.trust_service.signador.http import routes
from baas.trust_service.signador.keeping import Signador, State

__all__ = ["Signador", "State", "routes"]
