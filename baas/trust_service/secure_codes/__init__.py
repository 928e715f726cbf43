"""Documents under a codi segur de verificació: the issuer's side (`baas.protocols.secure_code`).

keeping     SecureCodes: what is kept under each code, on disk before the code is told
http        /csv
"""

from baas.protocols.secure_code import PATH
from baas.trust_service.secure_codes.http import routes
from baas.trust_service.secure_codes.keeping import Kept, SecureCodes

__all__ = ["PATH", "Kept", "SecureCodes", "routes"]
