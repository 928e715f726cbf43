"""A chain's state: snapshots, branches and clones, archives, its clock, and what was done to it."""

from __future__ import annotations

from pathlib import Path

from baas.client.connection import ApiProblem, Connection, Json, problem_of


class ChainStates(Connection):
    """What a chain's state can be saved as, and taken back from."""

    def take_snapshot(self, chain: str, name: str) -> Json:
        return dict(self._post(f"/chains/{chain}/snapshots", {"name": name}))

    def snapshots(self, chain: str) -> list[Json]:
        return list(self._get(f"/chains/{chain}/snapshots")["items"])

    def verify_snapshot(self, chain: str, name: str) -> Json:
        return dict(self._get(f"/chains/{chain}/snapshots/{name}/check"))

    def restore_snapshot(self, chain: str, name: str) -> Json:
        return dict(self._post(f"/chains/{chain}/snapshots/{name}/restore"))

    def remove_snapshot(self, chain: str, name: str) -> None:
        self._delete(f"/chains/{chain}/snapshots/{name}")

    def branches(self, chain: str) -> list[Json]:
        return list(self._get(f"/chains/{chain}/branches")["items"])

    def clone_chain(self, chain: str, label: str, snapshot: str | None = None) -> Json:
        return dict(self._post(f"/chains/{chain}/clone", {"label": label, "snapshot": snapshot}))

    def export_chain(self, chain: str, to: Path, password: str | None = None) -> int:
        """Write the chain's archive to a new file; its bytes. Nothing is left of one that ends too early."""
        written = 0
        body = {"password": password}
        with self._http.stream("POST", f"/api/v1/chains/{chain}/export", json=body) as response:
            if response.is_error:
                response.read()
                raise ApiProblem(response.status_code, problem_of(response))
            with to.open("xb") as file:
                try:
                    for piece in response.iter_bytes():
                        written += file.write(piece)
                except BaseException:
                    to.unlink(missing_ok=True)
                    raise
        return written

    def import_chain(
        self,
        administration: str,
        label: str,
        archive: Path,
        *,
        as_clone: bool = False,
        sealing_key: str | None = None,
        password: str | None = None,
    ) -> Json:
        params: Json = {"administration": administration, "label": label, "as_clone": as_clone}
        if sealing_key is not None:
            params["sealing_key"] = sealing_key
        headers = {"Content-Type": "application/zip"}
        if password is not None:
            headers["Keystore-Password"] = password
        with archive.open("rb") as file:
            response = self._http.post("/api/v1/chains/import", params=params, headers=headers, content=file)
        if response.is_error:
            raise ApiProblem(response.status_code, problem_of(response))
        return dict(response.json())

    def chain_clock(self, chain: str) -> Json:
        return dict(self._get(f"/chains/{chain}/clock"))

    def move_clock(self, chain: str, seconds: int) -> Json:
        return dict(self._post(f"/chains/{chain}/clock", {"seconds": seconds}))

    def operations(self, chain: str) -> list[Json]:
        return list(self._get(f"/chains/{chain}/operations")["items"])
