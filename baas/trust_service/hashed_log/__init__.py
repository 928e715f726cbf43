"""The hash-linked, keyed log with a time-stamp each period: the operator's side (`baas.protocols.hashed_log`).

keeping     HashedLog: records on disk before they are acknowledged, periods closed and stamped
writer      who appends to what is on disk, in transactions
files       the periods' files as they are on disk
key         the operator's secret
tables      the SQLite file
http        /registre
"""

from baas.protocols.hashed_log import PATH
from baas.trust_service.hashed_log.files import period_files
from baas.trust_service.hashed_log.http import routes
from baas.trust_service.hashed_log.keeping import HashedLog, NotStamped, UnknownRecord
from baas.trust_service.hashed_log.key import key_of

__all__ = ["PATH", "HashedLog", "NotStamped", "UnknownRecord", "key_of", "period_files", "routes"]
