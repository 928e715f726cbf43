"""A verdict of EN 319 102-1 as a DSS answer, and back.

The Result carries DSS' own vocabulary (`baas.ades.dss_codes`), which knows less. So the indication and sub-indication stand
besides in a processing detail of our own type, with what else a verdict holds. An answer without it, of another service,
is read by its codes alone; one whose two vocabularies contradict each other is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TypeVar

from baas.ades import dss_codes
from baas.ades.types import Format, Level
from baas.ades.verdict import Indication, SubIndication, Verdict
from baas.clock import iso
from baas.protocols.dss import names
from baas.protocols.dss.messages import Detail, Malformed, Result, Subject, VerifyRequest, VerifyResponse

#: Which of PSIS' three checks of a certificate a sub-indication is about.
_CHECKS = {
    SubIndication.REVOKED: names.DETAIL_REVOCATION_STATUS,
    SubIndication.REVOKED_NO_POE: names.DETAIL_REVOCATION_STATUS,
    SubIndication.REVOKED_CA_NO_POE: names.DETAIL_REVOCATION_STATUS,
    SubIndication.TRY_LATER: names.DETAIL_REVOCATION_STATUS,
    SubIndication.EXPIRED: names.DETAIL_VALIDITY_INTERVAL,
    SubIndication.NOT_YET_VALID: names.DETAIL_VALIDITY_INTERVAL,
    SubIndication.OUT_OF_BOUNDS_NO_POE: names.DETAIL_VALIDITY_INTERVAL,
    SubIndication.OUT_OF_BOUNDS_NOT_REVOKED: names.DETAIL_VALIDITY_INTERVAL,
    SubIndication.NO_CERTIFICATE_CHAIN_FOUND: names.DETAIL_ISSUER_TRUST,
    SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE: names.DETAIL_ISSUER_TRUST,
    SubIndication.CHAIN_CONSTRAINTS_FAILURE: names.DETAIL_ISSUER_TRUST,
}
_PASSED_CHECKS = (names.DETAIL_VALIDITY_INTERVAL, names.DETAIL_ISSUER_TRUST, names.DETAIL_REVOCATION_STATUS)
_Named = TypeVar("_Named", Format, Level)
_REFUSALS = (names.REQUESTER_ERROR, names.RESPONDER_ERROR)
_SHORT = {uri: name for name, uri in names.ATTRIBUTES.items()}


def response(verdict: Verdict, request: VerifyRequest, request_sha256: str = "") -> VerifyResponse:
    """The answer to `request` that carries this verdict: details and attributes where it asks for them."""
    subject: dss_codes.Subject = "certificate" if request.subject is Subject.CERTIFICATE else "signature"
    major, minor = dss_codes.result(verdict, subject)
    message = "" if verdict.ok else "; ".join(verdict.details[:1])
    found = tuple(_details(verdict)) if request.details else ()
    attributes = {name: verdict.signer.get(_SHORT.get(name, ""), "") for name in request.attributes}
    return VerifyResponse(
        request.request_id,
        request.profile,
        Result(major, minor, message),
        request_sha256,
        valid=found if verdict.indication is Indication.PASSED else (),
        indeterminate=found if verdict.indication is Indication.INDETERMINATE else (),
        invalid=found if verdict.indication is Indication.FAILED else (),
        attributes=attributes,
    )


def verdict_in(answer: VerifyResponse) -> Verdict | None:
    """The verdict of an answer; None where it is a refusal to answer. Raises Malformed."""
    lists = {
        Indication.PASSED: answer.valid,
        Indication.INDETERMINATE: answer.indeterminate,
        Indication.FAILED: answer.invalid,
    }
    ours = [
        (where, detail)
        for where, kept in lists.items()
        for detail in kept
        if detail.type == names.DETAIL_ETSI
    ]
    signer = {_SHORT[name]: value for name, value in answer.attributes.items() if value and name in _SHORT}
    result = answer.result
    if not ours:
        if result.major in _REFUSALS and result.minor != dss_codes.Minor.INAPPROPRIATE:
            return None
        words = tuple(detail.message for kept in (answer.invalid, answer.indeterminate) for detail in kept)
        notes = ("the service gave codes of OASIS DSS alone; the indication was concluded from them",)
        said = (*filter(None, words), result.message or result.minor or result.major)
        return Verdict(
            *dss_codes.from_result(result.major, result.minor), details=said, notes=notes, signer=signer
        )
    if len(ours) > 1:
        raise Malformed("the answer has more than one verdict")
    where, decisive = ours[0]
    indication, sub_indication = _indications(decisive.code)
    subjects: tuple[dss_codes.Subject, ...] = ("certificate", "signature")
    meant = [dss_codes.result(Verdict(indication, sub_indication), subject) for subject in subjects]
    if indication is not where or (result.major, result.minor) not in meant:
        raise Malformed(
            f"the answer contradicts itself: {decisive.code[:80]} stands beside {result.minor[:120]}"
        )
    kept = {detail.type: detail for detail in lists[where]}
    return Verdict(
        indication,
        sub_indication,
        details=tuple(
            detail.message
            for detail in lists[where]
            if detail.message and detail.type in (names.DETAIL_ETSI, names.DETAIL_WORDS)
        ),
        notes=tuple(detail.message for detail in lists[where] if detail.type == names.DETAIL_NOTE),
        format=_one_of(Format, kept.get(names.DETAIL_FORMAT)),
        level=_one_of(Level, kept.get(names.DETAIL_LEVEL)),
        signer=signer,
        signing_time=_time(kept.get(names.DETAIL_SIGNING_TIME)),
        proven_time=_time(kept.get(names.DETAIL_PROVEN_TIME)),
        covers_whole_document=_truth(kept.get(names.DETAIL_COVERAGE)),
        certificates=decisive.certificates,
    )


def _details(verdict: Verdict) -> Iterator[Detail]:
    if verdict.ok:
        yield from (Detail(check) for check in _PASSED_CHECKS)
    elif verdict.sub_indication in _CHECKS:
        yield Detail(_CHECKS[verdict.sub_indication])
    code = verdict.indication if verdict.ok else f"{verdict.indication}/{verdict.sub_indication}"
    yield Detail(names.DETAIL_ETSI, "".join(verdict.details[:1]), code, verdict.certificates)
    yield from (Detail(names.DETAIL_WORDS, words) for words in verdict.details[1:])
    yield from (Detail(names.DETAIL_NOTE, note) for note in verdict.notes)
    for kind, time in (
        (names.DETAIL_SIGNING_TIME, verdict.signing_time),
        (names.DETAIL_PROVEN_TIME, verdict.proven_time),
    ):
        if time is not None:
            yield Detail(kind, code=iso(time))
    for kind, value in ((names.DETAIL_FORMAT, verdict.format), (names.DETAIL_LEVEL, verdict.level)):
        if value is not None:
            yield Detail(kind, code=value)
    if verdict.covers_whole_document is not None:
        yield Detail(names.DETAIL_COVERAGE, code=str(verdict.covers_whole_document).lower())


def _indications(code: str) -> tuple[Indication, SubIndication | None]:
    first, _, second = code.partition("/")
    try:
        indication, sub_indication = Indication(first), SubIndication(second) if second else None
    except ValueError as error:
        raise Malformed(f"expected an indication of EN 319 102-1, got {code[:80]!r}") from error
    if (indication is Indication.PASSED) is not (sub_indication is None):
        raise Malformed(f"expected a sub-indication where nothing passed, and only there, got {code[:80]!r}")
    return indication, sub_indication


def _one_of(kind: type[_Named], detail: Detail | None) -> _Named | None:
    if detail is None:
        return None
    try:
        return kind(detail.code)
    except ValueError as error:
        raise Malformed(f"expected a {kind.__name__.lower()}, got {detail.code[:80]!r}") from error


def _time(detail: Detail | None) -> datetime | None:
    if detail is None:
        return None
    try:
        return datetime.fromisoformat(detail.code).astimezone(UTC)
    except ValueError as error:
        raise Malformed(f"expected a date and time, got {detail.code[:80]!r}") from error


def _truth(detail: Detail | None) -> bool | None:
    return None if detail is None else detail.code == "true"
