"""What pages show of a log's witnesses."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session

from baas.console.visits import Visit
from baas.logs.model import Log


def witnesses_of(visit: Visit, session: Session, log: Log) -> dict[str, Any] | None:
    """What `parts/witnesses.html.j2` wants; None where the log asks no witness."""
    witnessing = visit.services.witnessing
    policy = witnessing.policy(session, log)
    if policy is None:
        return None
    return {
        "threshold": policy.threshold,
        "count": len(policy.asked),
        "operators": policy.operators,
        "list": [
            {
                "name": each.name,
                "operator": each.operator,
                "signed": each.size >= log.anchored_size,
                "problem": witnessing.problem(log, each.key),
            }
            for each in policy.asked
        ],
    }
