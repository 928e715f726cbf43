"""Who may send what: EEA's `transactionAllowed` as one pure function over the permissions of a chain.

The rule, in full: nothing is allowed but what a permission covers. A *permission* lets one address do one act,
`send` a transaction or `deploy` a contract with it, and may be narrowed to a target, to a function (its
selector), to a highest value, and to a time. An act is allowed if one unexpired permission to send covers it;
one that creates a contract needs an unexpired permission to deploy besides. Permissions only add up: none takes
away what another gives. What is malformed is not allowed.

Settled here, and tested: a payload of less than four bytes calls no function, so only a permission without a
selector covers it; neither does a creation, which has no target either; a permission with a selector and no
target covers that function of any contract; `max_value` is in wei and inclusive; from the second `expires` on
a permission is not there. Times are real ones (seconds since 1970), whatever the chain's clock says.

A contract created *inside* a call (a factory) is covered as well, elsewhere: here the sender and the target of
the transaction are seen, not what its execution does. The chain hands the engine the set of those who may
deploy (`deployers`), and the engine leaves out of its block whoever is not in it and creates below the top level.
Not covered: a call that goes on from a permitted target to another contract, by CALL or DELEGATECALL. The
permission is for the transaction's target; which contracts that one uses is the target's doing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sandbox.errors import BadPermission
from sandbox.evidence.keccak import keccak

#: The highest wei and the highest time that a permission can name: what the contract that mirrors permissions can hold.
MOST_VALUE, MOST_SECONDS = 2**256 - 1, 2**40 - 1


class ActKind(StrEnum):
    """What a permission is for."""

    SEND = "send"
    DEPLOY = "deploy"


class Role(StrEnum):
    """subnet-evm's roles. Each of them may act; who has none has no permission (their None).

    A role lets its address change nothing by itself: people do that, with an Authority. It is what the mirrored
    contract answers to who reads on the chain, and whose permission a manager's authority does not reach.
    """

    ENABLED = "enabled"
    MANAGER = "manager"
    ADMIN = "admin"


class Authority(StrEnum):
    """How much of the permissions somebody may change, as a manager's and an admin's role in subnet-evm."""

    MANAGER = "manager"  # permissions of the role `enabled` alone
    ADMIN = "admin"

    def covers(self, role: Role) -> bool:
        return self is Authority.ADMIN or role is Role.ENABLED


@dataclass(frozen=True, slots=True)
class Act:
    """EEA's six-tuple. Addresses are 20 bytes; `target` is None when creating; prices in wei."""

    sender: bytes
    target: bytes | None
    value: int
    gas_price: int
    gas_limit: int
    payload: bytes

    @property
    def selector(self) -> bytes | None:
        """The function called: the payload's first four bytes; None when creating or shorter than that."""
        return self.payload[:4] if self.target is not None and len(self.payload) >= 4 else None

    @property
    def well_formed(self) -> bool:
        return (
            _is_bytes(self.sender, 20)
            and (self.target is None or _is_bytes(self.target, 20))
            and isinstance(self.payload, bytes)
            and isinstance(self.value, int)
            and 0 <= self.value <= MOST_VALUE
        )


@dataclass(frozen=True, slots=True)
class Permission:
    """One permission; what is None does not narrow it. `id` is its number on its chain, 0 before it has one.

    BadPermission when it contradicts itself. The zero address is no target: on chain it stands for "any".
    """

    address: bytes
    act: ActKind
    role: Role = Role.ENABLED
    target: bytes | None = None
    selector: bytes | None = None
    max_value: int | None = None
    expires: int | None = None
    id: int = 0

    def __post_init__(self) -> None:
        if not _is_bytes(self.address, 20) or not any(self.address):
            raise BadPermission("address", "20 bytes that are not all zero", self.address)
        if self.target is not None and (not _is_bytes(self.target, 20) or not any(self.target)):
            raise BadPermission("target", "20 bytes that are not all zero", self.target)
        if self.selector is not None and not _is_bytes(self.selector, 4):
            raise BadPermission("selector", "4 bytes", self.selector)
        if self.max_value is not None and not 0 <= self.max_value <= MOST_VALUE:
            raise BadPermission("max_value", "wei from 0 to 2^256-1", self.max_value)
        if self.expires is not None and not 0 < self.expires <= MOST_SECONDS:
            raise BadPermission("expires", "seconds since 1970, above 0", self.expires)
        if self.act is ActKind.DEPLOY and (self.target or self.selector):
            given = self.target or self.selector
            raise BadPermission("target or selector", "none in a permission to deploy", given)

    @property
    def plain(self) -> bool:
        """To send whatever to whomever, for ever: what Besu's allowlist knows."""
        return self == Permission(self.address, ActKind.SEND, id=self.id)

    def says(self) -> tuple[object, ...]:
        """All but its number: two permissions that say the same are one."""
        return (
            self.address, self.act, self.role, self.target, self.selector, self.max_value, self.expires,
        )  # fmt: skip

    def lasts(self, now: float) -> bool:
        return self.expires is None or now < self.expires

    def miss(self, act: Act, now: float) -> str:
        """The first rule by which it does not cover the act, in the order of `NARROWINGS`; empty where it does."""
        if self.target is not None and self.target != act.target:
            return "target"
        if self.selector is not None and self.selector != act.selector:
            return "selector"
        if self.max_value is not None and act.value > self.max_value:
            return "value"
        return "" if self.lasts(now) else "expired"


#: By what a permission is narrowed, in the order in which it is asked.
NARROWINGS = ("target", "selector", "value", "expired")
#: The rules in the order in which they are asked. What a permission to deploy is narrowed by has names of its own.
RULES = (
    "well-formed", "suspended", "sender-allowlist", *NARROWINGS,
    "deployer-allowlist", "deployer-value", "deployer-expired",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Permissions:
    """All permissions of one chain, by address. While it is `suspended`, nothing is allowed."""

    of: Mapping[bytes, Sequence[Permission]]
    suspended: bool = False

    @classmethod
    def these(cls, permissions: Iterable[Permission], *, suspended: bool = False) -> Permissions:
        of: dict[bytes, list[Permission]] = {}
        for permission in permissions:
            of.setdefault(permission.address, []).append(permission)
        return cls(of, suspended)

    def deployers(self, now: float) -> frozenset[bytes]:
        """Who may create contracts now, at whatever value: those for whom the engine lets a factory create."""
        if self.suspended:
            return frozenset()
        return frozenset(
            address
            for address, held in self.of.items()
            if any(each.act is ActKind.DEPLOY and each.lasts(now) for each in held)
        )


@dataclass(frozen=True, slots=True)
class Ruling:
    """The answer with its reason: the rule's slug, whom it is about, and how that one gets permission.

    `permission` is the number of the one that allowed the act (the one to deploy, when creating); of a refused
    act, of the one that came nearest, None where there is none.
    """

    allowed: bool
    rule: str
    subject: bytes
    permission: int | None
    how_to_ask: str


def transaction_allowed(permissions: Permissions, act: Act, now: float) -> Ruling:
    """Rule on one act at `now` (seconds since 1970). Default deny: what no permission covers is not allowed."""
    if not act.well_formed:
        return Ruling(False, "well-formed", b"", None, "send a well-formed transaction")
    if permissions.suspended:
        how = "this chain is suspended: ask an admin of the administration that owns it when it is resumed"
        return Ruling(False, "suspended", act.sender, None, how)
    held = permissions.of.get(act.sender, ())
    ruling = _covered(held, ActKind.SEND, act, now)
    if ruling.allowed and act.target is None:
        return _covered(held, ActKind.DEPLOY, act, now)
    return ruling


def _covered(held: Sequence[Permission], kind: ActKind, act: Act, now: float) -> Ruling:
    """By the first permission of that kind that covers the act; else by the one that came nearest to it."""
    own_list = "sender-allowlist" if kind is ActKind.SEND else "deployer-allowlist"
    nearest, rule = None, own_list
    for permission in held:
        if permission.act is not kind:
            continue
        miss = permission.miss(act, now)
        if not miss:
            return Ruling(True, own_list, act.sender, permission.id, "")
        if nearest is None or NARROWINGS.index(miss) > NARROWINGS.index(rule):
            nearest, rule = permission.id, miss
    if nearest is not None and kind is ActKind.DEPLOY:
        rule = f"deployer-{rule}"
    return Ruling(False, rule, act.sender, nearest, _how_to_ask(rule, kind, act))


def _how_to_ask(rule: str, kind: ActKind, act: Act) -> str:
    wanted = f"0x{act.sender.hex()} to {kind}"
    if kind is ActKind.SEND and act.target is not None:
        function = "" if act.selector is None else f" its function 0x{act.selector.hex()}"
        wanted += f" to 0x{act.target.hex()}{function}"
    if rule.endswith("value"):
        wanted += f" {act.value} wei"
    again = " again: the permission has expired" if rule.endswith("expired") else ""
    return (
        f"ask for it with baas_requestAccess, or ask an admin of the administration that owns this chain to "
        f"allow {wanted}{again}"
    )


def _is_bytes(value: object, size: int) -> bool:
    return isinstance(value, bytes) and len(value) == size


_SELECTOR = re.compile(r"0x[0-9a-fA-F]{8}")
_SIGNATURE = re.compile(r"[A-Za-z_$][\w$]*\([\w,()\[\]]*\)", re.ASCII)
_ALIAS = re.compile(r"\bu?int\b")


def selector_of(text: str) -> bytes:
    """A function's selector, from `0x` and 8 hex digits or from its signature, such as `notarise(bytes32)`.

    BadPermission for anything else; `uint` and `int` are written out, since the selector is of `uint256`.
    """
    if _SELECTOR.fullmatch(text):
        return bytes.fromhex(text[2:])
    if not _SIGNATURE.fullmatch(text) or _ALIAS.search(text.partition("(")[2]):
        raise BadPermission("selector", "0x and 8 hex digits, or a signature such as f(uint256)", text)
    return keccak(text.encode())[:4]


def as_json(permission: Permission) -> dict[str, Any]:
    """The permission as JSON values; `max_value` is decimal text, which a number in JSON could not hold."""
    return {
        "id": permission.id,
        "address": f"0x{permission.address.hex()}",
        "act": permission.act.value,
        "role": permission.role.value,
        "target": None if permission.target is None else f"0x{permission.target.hex()}",
        "selector": None if permission.selector is None else f"0x{permission.selector.hex()}",
        "max_value": None if permission.max_value is None else str(permission.max_value),
        "expires": permission.expires,
    }
