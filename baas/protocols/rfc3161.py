"""RFC 3161's messages: a request read strictly, a reply encoded as DER.

asn1crypto's own TimeStampResp demands a token, so it cannot encode a rejection; `Reply` here has it optional,
as section 2.4.2 does.
"""

# mypy: allow-untyped-calls
# asn1crypto is untyped; what it returns is narrowed where it leaves this module

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from asn1crypto import algos, cms, core, tsp

from sandbox.evidence import der

QUERY = "application/timestamp-query"
REPLY = "application/timestamp-reply"
"""The media types over HTTP (section 3.4)."""

MAX_REQUEST_BYTES = 4096
"""A request holds one digest, a nonce and a policy: a few hundred bytes at most."""

DIGEST_SIZES = {"sha256": 32, "sha384": 48, "sha512": 64, "sha3_256": 32}


class Failure(StrEnum):
    """PKIFailureInfo of section 2.4.2, under asn1crypto's names for its bits."""

    BAD_ALGORITHM = "bad_alg"
    BAD_REQUEST = "bad_request"
    BAD_DATA_FORMAT = "bad_data_format"
    TIME_NOT_AVAILABLE = "time_not_available"
    UNACCEPTED_POLICY = "unaccepted_policy"
    UNACCEPTED_EXTENSION = "unaccepted_extensions"
    SYSTEM_FAILURE = "system_failure"


class Rejection(Exception):
    """A request that the authority does not serve, and what its reply says about it."""

    def __init__(self, failure: Failure, message: str) -> None:
        self.failure = failure
        super().__init__(message)


@dataclass(frozen=True)
class Request:
    """A TimeStampReq (section 2.4.1) that may be served. `imprint` is the DER of its MessageImprint."""

    imprint: bytes
    nonce: int | None
    certificate_wanted: bool


class Reply(core.Sequence):
    """TimeStampResp ::= SEQUENCE { status PKIStatusInfo, timeStampToken ContentInfo OPTIONAL }"""

    _fields = [  # noqa: RUF012  # asn1crypto reads it, by this name
        ("status", tsp.PKIStatusInfo),
        ("time_stamp_token", cms.ContentInfo, {"optional": True}),
    ]


def read_request(der: bytes, policy: str) -> Request:
    """The request, or a Rejection with the failure that section 2.4.2 gives it."""
    if len(der) > MAX_REQUEST_BYTES:
        raise Rejection(
            Failure.BAD_REQUEST, f"the request has {len(der)} bytes, at most {MAX_REQUEST_BYTES} are read"
        )
    try:
        request = tsp.TimeStampReq.load(der, strict=True)
        fields = request.native  # asn1crypto parses lazily: this reads every field
        version = int(request["version"])
        imprint: tsp.MessageImprint = request["message_imprint"]
        nonce = None if fields["nonce"] is None else int(fields["nonce"])
        wanted = bool(fields["cert_req"])
        algorithm, digest = (
            str(imprint["hash_algorithm"]["algorithm"].native),
            imprint["hashed_message"].native,
        )
        parameters = imprint["hash_algorithm"]["parameters"].native
        reencoded = imprint.dump(force=True)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise Rejection(Failure.BAD_REQUEST, "the request is not the DER of a TimeStampReq") from error
    if version != 1:
        raise Rejection(Failure.BAD_REQUEST, f"expected version 1, got {version}")
    if algorithm not in DIGEST_SIZES or parameters is not None:
        raise Rejection(
            Failure.BAD_ALGORITHM, f"the digest's algorithm must be one of {', '.join(DIGEST_SIZES)}"
        )
    if len(digest) != DIGEST_SIZES[algorithm]:
        raise Rejection(
            Failure.BAD_DATA_FORMAT,
            f"a {algorithm} digest has {DIGEST_SIZES[algorithm]} bytes, got {len(digest)}",
        )
    if fields["req_policy"] not in (None, policy):
        raise Rejection(Failure.UNACCEPTED_POLICY, f"the only policy here is {policy}")
    if fields["extensions"]:
        raise Rejection(Failure.UNACCEPTED_EXTENSION, "this authority serves no extensions")
    return Request(imprint=reencoded, nonce=nonce, certificate_wanted=wanted)


def rejected(rejection: Rejection) -> bytes:
    """The DER of a reply without a token: status rejection (2), its reason as text and as a bit."""
    return bytes(
        Reply(
            {
                "status": {
                    "status": "rejection",
                    "status_string": [str(rejection)],
                    "fail_info": {rejection.failure.value},
                }
            }
        ).dump()
    )


_GRANTED = tsp.PKIStatusInfo({"status": "granted"}).dump()


def granted(token: bytes) -> bytes:
    """The DER of a reply with its token, which is DER already."""
    return der.encoded(der.SEQUENCE, _GRANTED + token)


def request_der(digest: bytes, nonce: int, *, algorithm: str = "sha256") -> bytes:
    """The DER of a request for a token with the authority's certificate in it."""
    return bytes(
        tsp.TimeStampReq(
            {
                "version": "v1",
                "message_imprint": {
                    "hash_algorithm": algos.DigestAlgorithm({"algorithm": algorithm}),
                    "hashed_message": digest,
                },
                "nonce": nonce,
                "cert_req": True,
            }
        ).dump()
    )
