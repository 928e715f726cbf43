"""The hash-linked, keyed log with a time-stamp each period: the operator's side (`baas.protocols.hashed_log`).

keeping     HashedLog: records on disk before they are acknowledged, periods closed and stamped
tables      its SQLite file
http        /registre
"""

from baas.protocols.hashed_log import PATH
from baas.trust_service.hashed_log.http import routes
from baas.trust_service.hashed_log.keeping import HashedLog, NotStamped, UnknownRecord, key_of, period_files

__all__ = ["PATH", "HashedLog", "NotStamped", "UnknownRecord", "key_of", "period_files", "routes"]
