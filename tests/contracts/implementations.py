"""Which contracts implement an interface, read from the sources: a new one is in its interface's suite at once."""

from __future__ import annotations

import re
from pathlib import Path

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
_DECLARED = re.compile(
    r"^(abstract contract|contract|interface) (\w+)(?:\s+is\s+([^{]+?))?\s*\{", re.MULTILINE
)


def implementations(interface: str, contracts: Path = CONTRACTS) -> list[str]:
    """The contracts that can be deployed and are, by themselves or through others, an `interface`; never none."""
    bases: dict[str, list[str]] = {}
    deployable: list[str] = []
    for path in sorted(contracts.rglob("*.sol")):
        for kind, name, parents in _DECLARED.findall(path.read_text(encoding="utf-8")):
            bases[name] = [each.partition("(")[0].strip() for each in parents.split(",") if each.strip()]
            if kind == "contract":
                deployable.append(name)

    def is_one(name: str) -> bool:
        return name == interface or any(is_one(each) for each in bases.get(name, ()))

    found = [name for name in deployable if is_one(name)]
    assert found, f"no contract in {contracts} is an {interface}"
    return found
