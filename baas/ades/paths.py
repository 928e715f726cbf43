"""A certificate's path to a root at a moment, judged by what is known of revocation, without fetching anything.

RFC 5280's path validation is pyhanko-certvalidator's; what is done here is what EN 319 102-1 (5.2.6) asks around it:
every certificate below the root needs a status (CRL or OCSP), a revocation counts from its own date on, and it counts
whichever of the two tells it: of several CRLs, or of several OCSP responses, the newest speaks.
"""

# mypy: allow-untyped-calls
# asn1crypto is untyped; what it returns is narrowed here

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from typing import Any

from asn1crypto import crl, ocsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext, errors, find_valid_path
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import (
    CertRevTrustPolicy,
    RevocationCheckingPolicy,
    RevocationCheckingRule,
)

from baas.ades.algorithms import Algorithms
from baas.ades.types import Revocation, Trust
from baas.ades.verdict import SubIndication as S
from baas.ades.waiting import waited

#: Key usages of which one must be in a certificate that signs documents.
SIGNING = KeyUsageConstraints(key_usage={"digital_signature", "non_repudiation"})
STAMPING = KeyUsageConstraints(extd_key_usage={"time_stamping"})
ANY = KeyUsageConstraints()
_RULES = (
    RevocationCheckingRule.CRL_OR_OCSP_REQUIRED,
    RevocationCheckingRule.CRL_REQUIRED,
    RevocationCheckingRule.OCSP_REQUIRED,
)
#: What each thread keeps of what it read. Path after path is of the same few certificates and statuses, and to read them
#: and compare their names takes most of a path's time. Not for two threads at once: asn1crypto reads as it is asked.
MOST_KEPT, MOST_KEPT_BYTES = 64, 4096
_of_thread = threading.local()


@dataclass(frozen=True)
class Path:
    """What was found: no `problem` means that the path holds. `certificates` is the path, DER, the leaf first.

    `when` is the date that decided: of the revocation, or the end or beginning of the validity that was left.
    """

    problem: S | None
    detail: str
    certificates: tuple[bytes, ...]
    when: datetime | None = None


@dataclass(frozen=True)
class Known:
    """Certificates and statuses to judge with, as pyHanko reads them."""

    roots: tuple[asn1_x509.Certificate, ...]
    certificates: tuple[asn1_x509.Certificate, ...]
    crls: tuple[crl.CertificateList, ...]
    ocsps: tuple[ocsp.OCSPResponse, ...]

    @classmethod
    def of(cls, trust: Trust, more: Iterable[bytes] = (), revocation: Revocation | None = None) -> Known:
        """Everything that `trust` and a signature itself carry. What cannot be read is left out: it proves nothing."""
        extra = revocation or Revocation()
        roots = [_load(asn1_x509.Certificate, each.public_bytes(Encoding.DER)) for each in trust.roots]
        given = [each.public_bytes(Encoding.DER) for each in trust.intermediates]
        return cls(
            tuple(each for each in roots if each is not None),
            _all(asn1_x509.Certificate, (*given, *more)),
            _all(crl.CertificateList, (*trust.revocation.crls, *extra.crls)),
            _all(ocsp.OCSPResponse, (*trust.revocation.ocsps, *extra.ocsps)),
        )

    def before(self, expiry: datetime, issuer: asn1_x509.Name) -> Known:
        """Without the statuses from after `expiry` by `issuer`, which may have forgotten an expired certificate.

        A CRL that says that it keeps them (expiredCertsOnCRL, X.509 8.5.2.12) stays.
        """
        return replace(
            self,
            crls=tuple(
                each
                for each in self.crls
                if each.issuer != issuer or _keeps_expired(each) or _this_update(each) <= expiry
            ),
            ocsps=tuple(each for each in self.ocsps if _produced(each) <= expiry),
        )

    def relied_on(self, algorithms: Algorithms) -> Known:
        """Without the statuses whose signature rests on an algorithm that does not count."""
        return replace(
            self,
            crls=tuple(each for each in self.crls if _counts(each["signature_algorithm"], algorithms)),
            ocsps=tuple(
                each
                for each in self.ocsps
                if (basic := each.basic_ocsp_response) is not None
                and _counts(basic["signature_algorithm"], algorithms)
            ),
        )


def judge(
    leaf: bytes, known: Known, at: datetime, algorithms: Algorithms, usage: KeyUsageConstraints = SIGNING
) -> Path:
    """Whether `leaf` (DER) leads to a root at `at`, and for `usage`.

    A status from after `at` counts too: a revocation has its own date, and only one up to `at` is held against it.
    """
    certificate = _load(asn1_x509.Certificate, leaf)
    if certificate is None:
        return Path(S.CERTIFICATE_CHAIN_GENERAL_FAILURE, "the certificate cannot be read", (leaf,))
    known = known.relied_on(algorithms)
    either, by_crl, by_ocsp = _RULES
    found = waited(partial(_validated, certificate, known, at, algorithms, (either, either)))
    if found.problem is None and known.crls and known.ocsps:
        for rules in ((by_crl, either), (by_ocsp, either), (either, by_crl), (either, by_ocsp)):
            other = waited(partial(_validated, certificate, known, at, algorithms, rules))
            if other.problem in (S.REVOKED_NO_POE, S.REVOKED_CA_NO_POE):
                return other
    if found.problem is None:
        try:
            usage.validate(certificate)
        except errors.InvalidCertificateError as error:
            return replace(found, problem=S.CHAIN_CONSTRAINTS_FAILURE, detail=error.failure_msg)
    return found


async def _validated(
    leaf: asn1_x509.Certificate,
    known: Known,
    at: datetime,
    algorithms: Algorithms,
    rules: tuple[RevocationCheckingRule, RevocationCheckingRule],
) -> Path:
    context = ValidationContext(
        trust_roots=list(known.roots),
        other_certs=list(known.certificates),
        moment=at,
        crls=list(known.crls),
        ocsps=list(known.ocsps),
        revinfo_policy=CertRevTrustPolicy(RevocationCheckingPolicy(*rules), retroactive_revinfo=True),
        algorithm_usage_policy=algorithms,
        time_tolerance=timedelta(0),
    )
    alone = (bytes(leaf.dump()),)
    if not known.roots:
        return Path(S.NO_CERTIFICATE_CHAIN_FOUND, "no root certificate is given", alone)
    try:
        paths = context.path_builder.async_build_paths_lazy(leaf)
        path = await find_valid_path(leaf, paths, validation_context=context)
    except errors.PathBuildingError:
        return Path(
            S.NO_CERTIFICATE_CHAIN_FOUND,
            f"no path from {leaf.subject.human_friendly} to a root that is trusted; its issuer is "
            f"{leaf.issuer.human_friendly}",
            alone,
        )
    except errors.PathValidationError as error:
        return _problem(error, leaf)
    except errors.InvalidCertificateError as error:
        # pyhanko-certvalidator's word for a self-signed certificate that leads nowhere
        who = leaf.subject.human_friendly
        detail = f"{who} is self-signed, and none of the roots that are trusted: {_brief(error)}"
        return Path(S.NO_CERTIFICATE_CHAIN_FOUND, detail, alone)
    except (errors.ValidationError, ValueError, TypeError, KeyError, NotImplementedError) as error:
        return Path(S.CERTIFICATE_CHAIN_GENERAL_FAILURE, f"the path cannot be judged: {_brief(error)}", alone)
    return Path(None, "", _ders(path))


def _problem(error: errors.PathValidationError, leaf: asn1_x509.Certificate) -> Path:
    """The sub-indication of a path that does not hold (EN 319 102-1, 5.2.6.4)."""
    own = bool(error.is_ee_cert) and not error.is_side_validation
    path = _ders(error.original_path) or (bytes(leaf.dump()),)
    said = error.failure_msg
    match error:
        case errors.RevokedError() if not error.is_side_validation:
            problem = S.REVOKED_NO_POE if own else S.REVOKED_CA_NO_POE
            return Path(problem, said, path, error.revocation_dt)
        case errors.InsufficientRevinfoError():
            return Path(S.TRY_LATER, said, path)
        case errors.ExpiredError() if own:
            return Path(S.OUT_OF_BOUNDS_NO_POE, said, path, error.expired_dt)
        case errors.NotYetValidError() if own:
            return Path(S.NOT_YET_VALID, said, path, error.valid_from)
        case errors.DisallowedAlgorithmError():
            return Path(S.CRYPTO_CONSTRAINTS_FAILURE, said, path)
        case _:
            return Path(S.CERTIFICATE_CHAIN_GENERAL_FAILURE, said, path)


def read_certificate(der: bytes) -> asn1_x509.Certificate | None:
    """As pyHanko reads it; None for what is not one."""
    found: asn1_x509.Certificate | None = _load(asn1_x509.Certificate, der)
    return found


def _ders(path: ValidationPath | None) -> tuple[bytes, ...]:
    if path is None:
        return ()
    return tuple(bytes(each.dump()) for each in reversed(list(path.iter_certs(include_root=True))))


def _load(kind: Any, der: bytes) -> Any:
    """One value, read whole (asn1crypto reads lazily), or None. A small one that this thread read before is that one."""
    if len(der) > MOST_KEPT_BYTES:
        return _read(kind, der)
    try:
        read = _of_thread.read
    except AttributeError:
        read = _of_thread.read = lru_cache(maxsize=MOST_KEPT)(_read)
    return read(kind, der)


def _read(kind: Any, der: bytes) -> Any:
    try:
        value = kind.load(der, strict=True)
        # reading it is the check; of a CRL, which may have a hundred thousand entries, what is asked of each
        _ = (
            (value.issuer, _this_update(value), value.signature)
            if kind is crl.CertificateList
            else value.native
        )
    except Exception:  # bytes made to hurt raise whatever they like: AttributeError and IndexError were seen
        return None
    return value


def _all(kind: Any, ders: Iterable[bytes]) -> tuple[Any, ...]:
    return tuple(value for der in dict.fromkeys(ders) if (value := _load(kind, der)) is not None)


def _counts(algorithm: Any, algorithms: Algorithms) -> bool:
    return bool(algorithms.signature_algorithm_allowed(algorithm, None, None).allowed)


def _this_update(each: crl.CertificateList) -> datetime:
    found: datetime = each["tbs_cert_list"]["this_update"].native
    return found


def _produced(each: ocsp.OCSPResponse) -> datetime:
    """The latest thisUpdate in an OCSP response; the beginning of time for one that answers nothing."""
    try:
        responses = each.response_data["responses"]
        latest: datetime = max(single["this_update"].native for single in responses)
    except (ValueError, TypeError, KeyError, AttributeError):
        return datetime.min.replace(tzinfo=UTC)
    return latest


def _keeps_expired(each: crl.CertificateList) -> bool:
    return any(
        extension["extn_id"].dotted == "2.5.29.60"
        for extension in each["tbs_cert_list"]["crl_extensions"] or ()
    )


def _brief(error: BaseException) -> str:
    return str(error).partition("\n")[0][:200] or type(error).__name__
