"""Looks at seals: CMS signatures with a time-stamp."""

# mypy: allow-untyped-calls
# asn1crypto is untyped; what it returns is narrowed where it leaves this module

from __future__ import annotations

from baas.pilots.cheating.exhibits import Files
from baas.pilots.cheating.looks.held import anchored


def seal_alone(files: Files) -> str | None:
    """`seal.p7s` for the SHA-256 digest `digest`, by who holds only `anchors.json`: roots, intermediates and CRLs."""
    return _sealed(files, "digest", "seal.p7s")


def seal_denied(files: Files) -> str | None:
    """The same seal, which its operator says it never made: that it holds is the contradiction."""
    if seal_alone(files) is not None:
        return None  # what does not hold refutes nobody
    return "the operator denies it, and the kept seal is its own signature"


def seals_beside(files: Files) -> str | None:
    """`seal.p7s` beside `other.p7s`, each of which was looked at alone: can both be true?

    A key may seal any documents at any times. What could contradict is what could for time-stamps: one serial number on
    two tokens.
    """
    try:
        one, other = _token_of(files["seal.p7s"]), _token_of(files["other.p7s"])
    except (ValueError, TypeError, KeyError, IndexError) as error:
        return f"no seal with a time-stamp: {error}"
    if one[0] == other[0] and one != other:
        return f"two time-stamps with the serial number {one[0]}"
    return None


def _sealed(files: Files, digest: str, seal: str) -> str | None:
    from baas.ades import signatures
    from sandbox.evidence.digest import Digest

    trust, at = anchored(files)
    verdict = signatures.validate(files[seal], Digest("sha-256", files[digest]), trust, at)
    if verdict.ok:  # the signature alone: EN 319 102-1 leaves out a time-stamp that does not hold
        return None if verdict.proven_time else "the signature holds, and no time-stamp on it does"
    return f"{verdict.indication} {verdict.sub_indication}: {'; '.join(verdict.details)}"


def _token_of(seal: bytes) -> tuple[int, bytes]:
    """Serial number and bytes of the time-stamp on a CMS signature; read, not verified."""
    from asn1crypto.cms import ContentInfo

    (signer,) = ContentInfo.load(seal, strict=True)["content"]["signer_infos"]
    (token,) = (
        value
        for each in signer["unsigned_attrs"]
        if each["type"].native == "signature_time_stamp_token"
        for value in each["values"]
    )
    stamp = token["content"]["encap_content_info"]["content"].parsed
    return int(stamp["serial_number"].native), bytes(token.dump())
