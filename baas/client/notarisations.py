"""Documents' digests: notarised, revoked, proved by receipts, and renewed by other algorithms."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence

from baas.client.connection import Connection, Json, receipt_format
from baas.client.waiting import until


class Notarisations(Connection):
    """Digests, and what proves that they were there."""

    def notarise(
        self,
        administration: str,
        digests: Iterable[str],
        *,
        algorithm: str = "sha-256",
        key: str | None = None,
    ) -> Json:
        """Accept these hex digests as one batch. On return they are on disk: `{"batch", "items": [{"id", …}]}`."""
        documents = [{"algorithm": algorithm, "digest": digest} for digest in digests]
        return self.notarise_documents(administration, documents, key=key)

    def notarise_documents(
        self, administration: str, documents: Sequence[Json], *, key: str | None = None
    ) -> Json:
        """As `notarise`, for documents with `supersedes` or with digests by other algorithms (`also`)."""
        body = {"administration": administration, "documents": list(documents)}
        return dict(self._post("/notarisations", body, key=key or secrets.token_hex(16)))

    def versions(self, notarisation: str) -> list[Json]:
        """Every version of its document, the first one first, and what ended the last one, if anything did."""
        return list(self._get(f"/notarisations/{notarisation}/versions")["items"])

    def with_digest(self, digest: str) -> list[Json]:
        """The notarisations that recorded this hex digest, oldest first."""
        return list(self._get("/notarisations/by-digest", digest=digest)["items"])

    def batching(self, administration: str) -> Json:
        return dict(self._get(f"/administrations/{administration}/batching"))

    def set_batching(self, administration: str, entries: int, seconds: int) -> Json:
        """Anchor documents when `entries` of them wait, or when the oldest has waited for `seconds`."""
        path = f"/api/v1/administrations/{administration}/batching"
        return dict(self.request("PUT", path, json={"entries": entries, "seconds": seconds}).json())

    def notarisation(self, notarisation: str) -> Json:
        return dict(self._get(f"/notarisations/{notarisation}"))

    def notarisations(self, administration: str | None = None) -> Iterator[Json]:
        return self._pages("/notarisations", administration=administration)

    def revoke_notarisation(self, notarisation: str, reason: str) -> Json:
        return dict(self._post(f"/notarisations/{notarisation}/revoke", {"reason": reason}))

    def receipt(
        self, notarisation: str, *, previous: bool = False, format_: str = "json", lang: str = "ca"
    ) -> bytes:
        """Its receipt as a file of that format (`baas.receipts.Format`), in a language where people read it.

        With `previous`, with the checkpoint before it, which bounds its time from below.
        """
        params = receipt_format(format_, lang) | ({"previous": True} if previous else {})
        return self._proof(f"/notarisations/{notarisation}/receipt", params)

    def receipts(self, batch: str) -> list[bytes]:
        """Every receipt of a batch, in the order of its documents."""
        return self._proof(f"/notarisations/batches/{batch}/receipts").splitlines()

    def wait_anchored(self, notarisation: str, *, timeout: float = 60.0) -> Json:
        """Poll until the notarisation is anchored; TimeoutError says where it stood."""
        return until(
            lambda: self.notarisation(notarisation),
            lambda now: now["state"] == "anchored",
            lambda now: (
                f"notarisation {notarisation} is still {now['state']!r}; it is not lost: "
                f"get its receipt later (baas receipt {notarisation})"
            ),
            timeout,
        )

    def wait_stamped(self, notarisation: str, *, timeout: float = 5.0) -> bool:
        """Wait until its checkpoint has a time-stamp, which receipts then hold; False when that took too long."""
        try:
            until(
                lambda: self.notarisation(notarisation),
                lambda now: now["timestamped"] is not None,
                lambda now: "no time-stamp yet",
                timeout,
            )
        except TimeoutError:
            return False
        return True

    def request_renewal(self, administration: str, algorithm: str, leaves: Sequence[str] = ()) -> Json:
        """Renew all that the service can, or a holder's own leaf hashes."""
        body = {"administration": administration, "algorithm": algorithm, "leaves": list(leaves)}
        return dict(self._post("/renewals", body, key=secrets.token_hex(16)))

    def renewals(self, administration: str | None = None) -> list[Json]:
        return list(self._pages("/renewals", administration=administration))

    def renewal(self, renewal: str) -> Json:
        return dict(self._get(f"/renewals/{renewal}"))

    def renewal_proof(self, renewal: str, leaf: str) -> Json:
        """What goes into the receipt under `renewals`, with the document's digest in place of the zeros."""
        return dict(self._get(f"/renewals/{renewal}/proof", leaf=leaf)["renewal"])

    def needing_documents(self, administration: str, algorithm: str) -> list[Json]:
        path = f"/administrations/{administration}/needing-documents"
        return list(self._get(path, algorithm=algorithm)["items"])
