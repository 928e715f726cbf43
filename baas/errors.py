"""The service's errors, one tree.

    BaasError
    ├── SettingsError             a setting that cannot be used
    ├── StoreError                the data directory or the database
    │   ├── DataDirectoryLocked   another process has it open
    │   ├── StoreTooNew           a newer version made it
    │   ├── StoreBusy             another write took too long; the same request may be tried again
    │   └── StoreClosed           the service has let go of its data directory
    ├── MasterKeyError            the master key is missing, is another one, or can be read by others
    ├── AlreadyInitialised        the first operator exists
    ├── AuditBroken               the audit's hashes do not hold; `seq` names the first broken row
    └── Refused                   the request cannot be done; its HTTP status is in `baas.api.problems`
        ├── Unauthenticated       no, unknown, expired or revoked token: always the same words
        ├── Forbidden             the caller's own object, but a role is missing
        │   └── Suspended         AOC has closed the administration's doors; `reason` says why
        ├── NotFound              absent, or another's: always the same words
        ├── Conflict              it contradicts what is there
        │   ├── AlreadyExists
        │   ├── NoAddress         this service is not listening, and what was asked needs its address
        │   └── IdempotencyConflict   an idempotency key used again for another request
        ├── Invalid               a value that does not hold; `pointer` names it
        ├── QuotaExceeded         more than this administration may have
        └── TooMuch               more than it may use in a time; `retry_after` says when to come back

Values are attributes; a message says what happened, what was expected, what came, and what to do. A slice that
needs a narrower error subclasses one of these beside its service and inherits its HTTP status.
"""

from __future__ import annotations


class BaasError(Exception):
    """Anything that the service refuses or that failed in it."""


class SettingsError(BaasError):
    pass


class StoreError(BaasError):
    pass


class DataDirectoryLocked(StoreError):
    def __init__(self, directory: str, holder: str) -> None:
        self.directory, self.holder = directory, holder
        super().__init__(
            f"the data directory {directory} is in use by another process ({holder}): stop it, set BAAS_URL "
            "to talk to the service that it runs, or choose another directory with BAAS_DATA"
        )


class StoreTooNew(StoreError):
    def __init__(self, found: str, known: str) -> None:
        self.found, self.known = found, known
        super().__init__(
            f"the database is at schema revision {found}, this version knows up to {known}: "
            "install the version that made it, or a later one"
        )


class StoreBusy(StoreError):
    pass


class StoreClosed(StoreError):
    """The service has let go of its data directory: whatever still runs must not touch it."""


class MasterKeyError(BaasError):
    pass


class AlreadyInitialised(BaasError):
    pass


class AuditBroken(BaasError):
    def __init__(self, seq: int, reason: str) -> None:
        self.seq, self.reason = seq, reason
        super().__init__(f"audit row {seq}: {reason}")


class Refused(BaasError):
    """A request that cannot be done as it came."""


class Unauthenticated(Refused):
    def __init__(self) -> None:
        super().__init__("a valid token is needed: send it as `Authorization: Bearer baas_…`")


class Forbidden(Refused):
    """The object is the caller's to see, but not this act: `needed` are the roles of which one is enough."""

    def __init__(self, act: str, needed: tuple[str, ...], has: tuple[str, ...]) -> None:
        self.act, self.needed, self.has = act, needed, has
        whom = "AOC's operators" if needed == ("operator",) else "an admin of the administration"
        super().__init__(
            f"{act} needs the role {' or '.join(needed) or 'of nobody'}; you have "
            f"{', '.join(has) or 'none'}: ask {whom}"
        )

    @property
    def expected(self) -> str:
        return " or ".join(self.needed)

    @property
    def got(self) -> str:
        return ", ".join(self.has)


class Suspended(Forbidden):
    """The administration is suspended: nothing is changed, and its chains answer nobody; its evidence can be read."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__("this", (), ())
        self.args = (
            f"the administration is suspended by AOC: {reason}; receipts can still be read, and AOC's operators say "
            "what is to be done",
        )

    @property
    def expected(self) -> None:  # type: ignore[override]  # no role helps
        return None

    @property
    def got(self) -> None:  # type: ignore[override]
        return None


class NotFound(Refused):
    """Nothing with that name that this caller may see: the words never depend on whether it exists."""

    def __init__(self, kind: str, name: str) -> None:
        self.kind, self.name = kind, name
        super().__init__(f"there is no {kind} {name!r} that you may see")


class Conflict(Refused):
    pass


class AlreadyExists(Conflict):
    def __init__(self, kind: str, name: str) -> None:
        self.kind, self.name = kind, name
        super().__init__(f"{kind} {name!r} already exists")


class IdempotencyConflict(Conflict):
    def __init__(self, key: str, first: str) -> None:
        self.key, self.first = key, first
        super().__init__(
            f"the idempotency key {key!r} was used for another request ({first}): "
            "repeat that request byte for byte, or use a new key"
        )


class NoAddress(Conflict):
    """What was asked goes over HTTP to this service itself, which has no server yet."""


class Invalid(Refused):
    """One value of the request; `pointer` is an RFC 6901 pointer in its body, such as `/code`."""

    def __init__(self, pointer: str, expected: str, got: str) -> None:
        self.pointer, self.expected, self.got = pointer, expected, got
        super().__init__(f"{pointer}: expected {expected}, got {got}")


class QuotaExceeded(Refused):
    def __init__(self, what: str, limit: int) -> None:
        self.what, self.limit = what, limit
        super().__init__(f"the limit of {limit} {what} is reached: delete one or ask AOC for more")


class TooMuch(Refused):
    """A limit of use in a time. `retry_after` is in whole seconds."""

    def __init__(self, what: str, limit: int, used: int, retry_after: int) -> None:
        self.what, self.limit, self.used, self.retry_after = what, limit, used, retry_after
        super().__init__(
            f"the limit of {limit} {what} is reached ({used} used): come back in {retry_after} s, or ask AOC for more"
        )
