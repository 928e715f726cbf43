"""The runtime's errors, one tree.

    SandboxError
    ├── SpecError                a chain spec that contradicts itself
    ├── IllegalTransition        a lifecycle edge that does not exist
    ├── DiscoveryError           an extension file that cannot be used
    ├── EngineError              the software that runs a chain failed
    │   ├── EngineTimeout        it did not answer in time; its process was killed
    │   └── EngineUnavailable    its process is gone or could not be started
    │       └── EngineBusy       other calls had its processes; nothing was begun
    ├── ChainError
    │   ├── ChainNotFound        no chain in this directory
    │   ├── ChainLocked          another process has this chain open
    │   ├── SnapshotNotFound     no snapshot of this name
    │   ├── IllegalRestore       a restore that evidence or another branch stands against
    │   ├── IllegalClock         a time that a chain's clock cannot be moved to
    │   ├── TransferRefused      an exported chain that is not whole, or not allowed here
    │   ├── TransactionAbandoned a transaction of a block that a restore abandoned
    │   ├── TransactionDropped   an accepted transaction could not be sealed; it says why
    │   └── ContractRefused      a contract reverted; its custom error has a name and values
    ├── AccountError             an unknown label, or a label used twice
    │   ├── KeystoreError        a key that is kept or given cannot be opened
    │   └── RotationRefused      what the old key may do cannot be moved to a new one; `reasons` by contract
    ├── PermissionsError
    │   ├── BadPermission        a permission that contradicts itself
    │   ├── UnknownPermission    no permission with this number, or of this address and act
    │   ├── NotYoursToChange     a permission of a role that takes an admin's authority
    │   ├── TooManyPermissions   more than one address or one chain may have
    │   └── AccessRequestError   a request for access that cannot be made or decided
    ├── CatalogueError
    │   ├── UnknownTemplate
    │   └── ParameterError       a parameter that the manifest does not allow
    ├── InstallError             a program could not be installed
    ├── WitnessError             a witness's file that is missing, in the way, or without its key
    ├── CompileError             solc refused, or an artifact differs from its source
    ├── DeploymentError          the code on the chain is not the artifact's
    ├── RpcError                 a JSON-RPC refusal with its code, message and data
    └── EvidenceError
        ├── MalformedEvidence    it cannot be read
        ├── DocumentChanged      a file was written to while it was hashed
        └── VerificationError    it was read, and it does not hold; `reason` names why
            └── OutOfRange       an index or size that no such log has (a ValueError too)

Values are attributes; a message says what happened, what was expected, what came, and what to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class SandboxError(Exception):
    """Anything that this library refuses or that failed in it."""


class SpecError(SandboxError):
    pass


class IllegalTransition(SandboxError):
    def __init__(self, current: str, to: str, allowed: tuple[str, ...]) -> None:
        self.current, self.to, self.allowed = current, to, allowed
        super().__init__(
            f"cannot go from {str(current)!r} to {str(to)!r}; from {str(current)!r} one may go to: "
            f"{', '.join(allowed) or 'nowhere'}"
        )


class DiscoveryError(SandboxError):
    pass


class EngineError(SandboxError):
    """An engine failed; `last_messages` is what it printed last (bounded)."""

    def __init__(self, message: str, last_messages: str = "") -> None:
        self.last_messages = last_messages
        super().__init__(f"{message}\nlast messages:\n{last_messages}" if last_messages else message)


class EngineTimeout(EngineError):
    pass


class EngineUnavailable(EngineError):
    pass


class EngineBusy(EngineUnavailable):
    pass


class ChainError(SandboxError):
    pass


class ChainNotFound(ChainError):
    pass


class ChainLocked(ChainError):
    pass


class SnapshotNotFound(ChainError):
    pass


class IllegalRestore(ChainError):
    pass


class IllegalClock(ChainError):
    pass


class TransferRefused(ChainError):
    """An exported chain was refused. `member` is the part that does not hold; the archive itself is `archive`."""

    def __init__(self, member: str, reason: str) -> None:
        self.member, self.reason = member, reason
        super().__init__(f"this exported chain is refused: {member}: {reason}")


class TransactionAbandoned(ChainError):
    def __init__(self, transaction_hash: str, reason: str) -> None:
        self.transaction_hash, self.reason = transaction_hash, reason
        super().__init__(f"transaction {transaction_hash} is not on this chain any more: {reason}")


class TransactionDropped(ChainError):
    def __init__(self, transaction_hash: str, reason: str) -> None:
        self.transaction_hash, self.reason = transaction_hash, reason
        super().__init__(f"transaction {transaction_hash} was accepted but could not be sealed: {reason}")


class ContractRefused(ChainError):
    """The contract reverted. `name` and `values` are its error's, or empty for one not known here.

    `reason` is both in words, such as `NotGrown(size=5, newSize=5)`; else the revert's data.
    """

    def __init__(self, contract: str, name: str, values: dict[str, Any], data: bytes) -> None:
        self.contract, self.name, self.values, self.data = contract, name, values, data
        texts = {
            key: f"0x{value.hex()}" if isinstance(value, bytes) else value for key, value in values.items()
        }
        shown = ", ".join(f"{key}={value}" for key, value in texts.items())
        self.reason = f"{name}({shown})" if name else f"revert data 0x{data.hex()}"
        super().__init__(f"the contract {contract} refused: {self.reason}; nothing was sent")


class AccountError(SandboxError):
    pass


class KeystoreError(AccountError):
    pass


class RotationRefused(AccountError):
    """Nothing was changed. `reasons` says for each contract, by its address, what stands in the way."""

    def __init__(self, label: str, reasons: dict[str, str]) -> None:
        self.reasons = reasons
        listed = "; ".join(f"{address}: {reason}" for address, reason in reasons.items())
        super().__init__(f"account {label!r} cannot get a new key yet, and nothing was changed: {listed}")


class PermissionsError(SandboxError):
    pass


class BadPermission(PermissionsError):
    def __init__(self, field: str, expected: str, got: Any) -> None:
        self.field, self.expected = field, expected
        self.got = f"0x{got.hex()}" if isinstance(got, bytes) else str(got)[:80]
        super().__init__(f"{field} of a permission: expected {expected}, got {self.got}")


class UnknownPermission(PermissionsError):
    pass


class NotYoursToChange(PermissionsError):
    def __init__(self, role: str) -> None:
        self.role = role
        super().__init__(
            f"a permission of the role {role!r} is changed by an admin alone; a developer gives and takes "
            "permissions of the role 'enabled'"
        )


class TooManyPermissions(PermissionsError):
    def __init__(self, what: str, limit: int) -> None:
        self.what, self.limit = what, limit
        super().__init__(f"{what} can have {limit} permissions and has them: remove one first")


class AccessRequestError(PermissionsError):
    pass


class CatalogueError(SandboxError):
    pass


class UnknownTemplate(CatalogueError):
    pass


class ParameterError(CatalogueError):
    pass


class WitnessError(SandboxError):
    pass


class InstallError(SandboxError):
    pass


class CompileError(SandboxError):
    pass


class DeploymentError(SandboxError):
    pass


class RpcError(SandboxError):
    """A JSON-RPC error object (JSON-RPC 2.0 section 5.1): integer code, message, optional data."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        self.code, self.message, self.data = code, message, data
        super().__init__(f"{message} ({code})")


class OverQuota(RpcError):
    """More than may be used for now: -32005, `data` says the limit, what is used, and when to come back."""

    def __init__(self, message: str, rule: str, limit: int, used: int, retry_after: int) -> None:
        self.rule, self.limit, self.used, self.retry_after = rule, limit, used, retry_after
        data = {"rule": rule, "limit": limit, "used": used, "retry_after": retry_after}
        super().__init__(-32005, message, data)


class EvidenceError(SandboxError):
    pass


class MalformedEvidence(EvidenceError):
    pass


class DocumentChanged(EvidenceError):
    """A file was written to while it was being read: its digest would belong to no state of it."""


class VerificationError(EvidenceError):
    """`reason` is the sentence; `key` names it for a catalogue, and `values` fill its blanks, where it has such a name."""

    def __init__(self, reason: str, key: str = "", values: Mapping[str, str | int] | None = None) -> None:
        self.reason, self.key, self.values = reason, key, values or {}
        super().__init__(reason)


class OutOfRange(VerificationError, ValueError):
    """A proof's index or size lies outside its tree: the proof fails, whoever asked wrongly."""
