"""Chains: made, started and ended; what is deployed on them, and their blocks as an explorer shows them."""

from __future__ import annotations

from typing import Any

from baas.client.connection import Connection, Json


class Chains(Connection):
    """The chains that one may see."""

    def create_chain(
        self,
        administration: str,
        label: str,
        *,
        engine: str = "embedded",
        faucet: bool = True,
        endpoint: str = "",
    ) -> Json:
        body: Json = {"administration": administration, "label": label, "engine": engine, "faucet": faucet}
        body |= {"endpoint": endpoint}
        return dict(self._post("/chains", body))

    def give_test_ether(self, chain: str, address: str, ether: str) -> Json:
        """From the chain's faucet, as a decimal number of ether; it is worth nothing."""
        return dict(self._post(f"/chains/{chain}/faucet", {"address": address, "amount": ether}))

    def chains(self, administration: str | None = None) -> list[Json]:
        return list(self._pages("/chains", administration=administration))

    def chain(self, chain: str) -> Json:
        return dict(self._get(f"/chains/{chain}"))

    def start_chain(self, chain: str) -> Json:
        return dict(self._post(f"/chains/{chain}/start"))

    def stop_chain(self, chain: str) -> Json:
        return dict(self._post(f"/chains/{chain}/stop"))

    def extend_chain(self, chain: str, days: int) -> Json:
        """Its new end, in days from now."""
        return dict(self._post(f"/chains/{chain}/extend", {"days": days}))

    def delete_chain(self, chain: str) -> None:
        self._delete(f"/chains/{chain}")

    def templates(self) -> list[Json]:
        return list(self._get("/templates")["items"])

    def template(self, slug: str) -> Json:
        return dict(self._get(f"/templates/{slug}"))

    def deploy(self, chain: str, template: str, parameters: dict[str, str] | None = None) -> Json:
        return dict(
            self._post(f"/chains/{chain}/deployments", {"template": template, "parameters": parameters or {}})
        )

    def deployments(self, chain: str) -> list[Json]:
        return list(self._get(f"/chains/{chain}/deployments")["items"])

    def mirror_permissions(self, chain: str) -> Json:
        return dict(self._post(f"/chains/{chain}/mirror"))

    def rpc(self, chain: str, method: str, *params: Any, admin: bool = False) -> Json:
        """One JSON-RPC call as it answers: `{"result": …}` or `{"error": …}`."""
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        return dict(self.request("POST", f"/{'rpc-admin' if admin else 'rpc'}/{chain}", json=call).json())

    def blocks(self, chain: str, *, highest: int | None = None, limit: int = 25) -> Json:
        """A page of blocks, the newest first; its `next` is the `highest` of the following one."""
        return dict(self._get(f"/chains/{chain}/blocks", highest=highest, limit=limit))

    def block(self, chain: str, block: str | int, *, start: int = 0) -> Json:
        return dict(self._get(f"/chains/{chain}/blocks/{block}", start=start))

    def transaction(self, chain: str, transaction_hash: str) -> Json:
        """One transaction with its decoded input and events."""
        return dict(self._get(f"/chains/{chain}/transactions/{transaction_hash}"))

    def address(self, chain: str, address: str) -> Json:
        return dict(self._get(f"/chains/{chain}/addresses/{address}"))
