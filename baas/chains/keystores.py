"""Which keystore a chain's keys are in: that of the administration that owns it."""

from __future__ import annotations

from baas.chains.model import Chain
from baas.custody.service import Custody
from baas.store import Store
from baas.tenancy import across_administrations
from sandbox.keystore import Vault


class ChainKeystores:
    """The vault of a chain, by its row's id; of one that has no row yet, by its owner's id."""

    def __init__(self, store: Store, custody: Custody) -> None:
        self._store, self._custody = store, custody

    def __call__(self, chain: str, owner: str | None = None) -> Vault:
        if owner is None:
            with self._store.reading() as session:
                row = session.exec(
                    across_administrations(
                        Chain, "whose keystore it is, for the service's own signing"
                    ).where(Chain.id == chain)
                ).one()
            owner = row.administration_id
        return self._custody.vault(owner)
