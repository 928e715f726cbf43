"""An administration's way to the existing services: what the real ones still need, what the exchange grants."""

from __future__ import annotations

from typing import Any

from baas.client.connection import Connection, Json


class Services(Connection):
    """What stands between an administration and the existing services."""

    def readiness(self, administration: str, *, lang: str = "ca") -> Json:
        """What the real services need, each item open or done."""
        return dict(self._get(f"/administrations/{administration}/readiness", lang=lang))

    def readiness_history(self, administration: str, item: str) -> list[Json]:
        return list(self._get(f"/administrations/{administration}/readiness/{item}")["items"])

    def declare_readiness(self, administration: str, item: str, *, done: bool, **said: Any) -> Json:
        """`reference`, `fields`, `note` and `expires` (a day as 2031-12-31), as the item asks for them."""
        body = {"done": done} | {name: value for name, value in said.items() if value}
        path = f"/api/v1/administrations/{administration}/readiness/{item}"
        return dict(self.request("PUT", path, json=body).json())

    def exchange_authorisations(self, administration: str, *, withdrawn: bool = False) -> Json:
        """What the administration may ask of the exchange (`items`), what could be granted, and the service's address.

        With `withdrawn`, what it might ask once, too.
        """
        path = f"/administrations/{administration}/exchange-authorisations"
        return dict(self._get(path, withdrawn=withdrawn))

    def authorise_exchange(
        self, administration: str, product: str, modality: str, purpose: str = "PROVES"
    ) -> Json:
        """For AOC's operators; idempotent."""
        body = {"product": product, "modality": modality, "purpose": purpose}
        return dict(self._post(f"/administrations/{administration}/exchange-authorisations", body))

    def withdraw_exchange(
        self, administration: str, product: str, modality: str, purpose: str = "PROVES"
    ) -> None:
        """For AOC's operators."""
        path = f"/api/v1/administrations/{administration}/exchange-authorisations/{product}/{modality}"
        self.request("DELETE", path, params={"purpose": purpose})

    def exchange_key(self, administration: str) -> Json:
        """The key of the administration's systems for the embedded exchange (`key`, PEM), its `roots` and `address`."""
        return dict(self._post(f"/administrations/{administration}/exchange-key"))
