"""Chains' directories against their rows, after a crash or a backup that was put back."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence

from baas.chains.fleet import Fleet
from baas.chains.metering import Meters
from baas.chains.model import Chain
from sandbox.lifecycle import DesiredState
from sandbox.transfer import sweep

LOGGER = logging.getLogger(__name__)


def reconcile(rows: Sequence[Chain], fleet: Fleet, meters: Meters) -> None:
    """Remove the directories of deleted chains, and set aside those that none of the `rows` stands for.

    A creation that was cut leaves such a one; so does an older database put back from a backup, and then the
    directory holds the only copy of a chain and its keys. Whoever runs the service may delete what is set aside.
    """
    desired = {row.id: row.desired for row in rows}
    owner = {row.id: row.administration_id for row in rows}
    here = {path.name for path in fleet.directories()}
    for name, wanted in desired.items():
        if wanted != DesiredState.DELETED and name not in here:
            LOGGER.error("chain %s has no directory", name)
            fleet.fail(name, "its directory is missing: put it back from a backup, or delete the chain")
    sweep(fleet.directory(""))
    for directory in fleet.directories():
        if directory.suffix == ".new":
            shutil.rmtree(directory, ignore_errors=True)  # half-made: never a chain
        elif directory.name not in desired:
            directory.rename(directory.with_name(f"{directory.name}.unclaimed"))
        elif desired[directory.name] == DesiredState.DELETED:
            meters.spend(directory.name, owner[directory.name])
            shutil.rmtree(directory, ignore_errors=True)
