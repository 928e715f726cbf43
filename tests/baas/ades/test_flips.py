"""A flipped byte anywhere in a signature: it passes nowhere but in what nobody signed, and there it gains nothing."""

from __future__ import annotations

import hashlib
import io
import random

import pytest
from asn1crypto import cms
from pyhanko.pdf_utils.reader import PdfFileReader

from baas.ades import cades, pades
from baas.ades.types import Level
from baas.ades.verdict import Verdict
from tests.baas.ades.pki import AT, HOUR, Pki
from tests.baas.ades.test_cades import DOCUMENT, bare, sealed
from tests.baas.ades.test_pades import document, make  # noqa: F401  # fixtures

QUICK = 25


def regions(made: bytes) -> dict[str, range]:
    """Where the parts of a SignedData stand in its bytes."""
    signed = cms.ContentInfo.load(made)["content"]
    info = signed["signer_infos"][0]
    parts = {
        "signed attributes": info["signed_attrs"].dump(),
        "signature": info["signature"].dump(),
        "signer's certificate": next(
            each.dump() for each in signed["certificates"] if each.chosen.issuer != each.chosen.subject
            and each.chosen.serial_number == info["sid"].chosen["serial_number"].native
        ),
    }  # fmt: skip
    if info["unsigned_attrs"]:
        parts["unsigned attributes"] = info["unsigned_attrs"].dump()
    return {name: range(start := made.index(part), start + len(part)) for name, part in parts.items()}


def flipped(made: bytes, at: int, bit: int) -> bytes:
    return made[:at] + bytes([made[at] ^ 1 << bit]) + made[at + 1 :]


def check(pki: Pki, made: bytes, places: list[int]) -> None:
    """No flip passes within what is signed; one elsewhere that passes says the same of the same signer."""
    whole = cades.validate(made, DOCUMENT, pki.trust(), AT)
    assert whole.ok
    protected = [place for name, place in regions(made).items() if name != "unsigned attributes"]
    for at in places:
        for bit in (0, 7):
            found = cades.validate(flipped(made, at, bit), DOCUMENT, pki.trust(), AT)
            if any(at in each for each in protected):
                assert not found.ok, f"byte {at}, bit {bit}: {found}"
            elif found.ok:
                assert no_better(found, whole), f"byte {at}, bit {bit}: {found}"


def no_better(found: Verdict, whole: Verdict) -> bool:
    """The same signer and signing time, and no time proven but the true one."""
    return (
        found.signer == whole.signer
        and found.signing_time == whole.signing_time
        and found.proven_time in (whole.proven_time, None)
        and found.certificates[0] == whole.certificates[0]
    )


def test_flips_at_places_by_chance(pki: Pki) -> None:
    made = sealed(pki)
    seed = int.from_bytes(hashlib.sha256(b"flips").digest()[:8], "big")
    check(pki, made, random.Random(seed).sample(range(len(made)), QUICK))


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("level", [Level.B, Level.T])
def test_every_byte(pki: Pki, level: Level) -> None:
    made = bare(pki) if level is Level.B else sealed(pki)
    check(pki, made, list(range(len(made))))


@pytest.mark.long
@pytest.mark.timeout(600)
def test_bytes_of_a_pdf(pki: Pki, make: object) -> None:  # noqa: F811
    """Under its archive time-stamp is every byte but that time-stamp itself, which has parts that nobody signed too."""
    whole = make(Level.LTA, when=AT - 2 * HOUR)  # type: ignore[operator]
    right = pades.validate(whole, pki.trust(), AT)
    _, length, after, _ = PdfFileReader(io.BytesIO(whole)).embedded_timestamp_signatures[0].byte_range
    for at in range(0, len(whole), 61):
        found = pades.validate(flipped(whole, at, 0), pki.trust(), AT)
        if length <= at < after:
            assert not found.ok or no_better(found, right), f"byte {at}: {found}"
        else:
            assert not (found.ok and found.level is Level.LTA), f"byte {at}: {found}"
