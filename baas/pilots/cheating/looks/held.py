"""What whoever looks holds beside the evidence: the roots of the one who signed it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from baas.pilots.cheating.exhibits import Files

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography.x509 import Certificate

    from baas.ades.types import Trust


def anchored(files: Files) -> tuple[Trust, datetime]:
    """The trust that `anchors.json` holds, and the time at which who holds it judges."""
    from base64 import b64decode
    from datetime import datetime

    from cryptography.x509 import load_pem_x509_certificate

    from baas.ades.types import Revocation, Trust

    anchors = json.loads(files["anchors.json"])
    roots, between = (
        tuple(load_pem_x509_certificate(each.encode()) for each in anchors[name])
        for name in ("roots", "intermediates")
    )
    trust = Trust(roots, between, Revocation(tuple(b64decode(each) for each in anchors["crls"])))
    return trust, datetime.fromisoformat(anchors["at"])


def root_certificates(files: Files) -> list[Certificate]:
    from cryptography.x509 import load_pem_x509_certificates

    return load_pem_x509_certificates(files["root.pem"])
