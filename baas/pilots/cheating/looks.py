"""How each kind of evidence is looked at: files in, by name; out, what contradicts, or None.

Pure: no server, no key of the operator's, no state. What cannot be read or does not hold is a contradiction too, with
the verifier's own words. Each look imports what it needs when it is taken: a receipt is examined without any PKI.
"""

# mypy: allow-untyped-calls
# asn1crypto is untyped; what it returns is narrowed where it leaves this module

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from baas.pilots.cheating.exhibits import Files
from sandbox.errors import EvidenceError

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography.x509 import Certificate

    from baas.ades.types import Trust
    from baas.protocols.hashed_log import Held
    from baas.protocols.pci.evidence import EvidenceStatement
    from sandbox.evidence.receipt import Receipt
    from sandbox.evidence.timestamp import Timestamp


def receipt_alone(files: Files) -> str | None:
    """`receipt.json` for the SHA-256 digest `digest`, by who holds nothing but `trust.json`."""
    from sandbox.evidence import receipt, trust
    from sandbox.evidence.digest import Digest
    from sandbox.evidence.verify import verify

    try:
        root = trust.parse(files["trust.json"])
        report = verify(Digest("sha-256", files["digest"]), receipt.parse(files["receipt.json"]), root)
    except EvidenceError as error:
        return str(error)
    return None if report.ok else f"the receipt does not verify: {report.failed_step}"


def checkpoint_and_kept(files: Files) -> str | None:
    """`shown.txt`, a later checkpoint by the log's key `vkey`, against the one in the receipt that was kept.

    `proof.json` is the best consistency proof that the operator can give: hexadecimal hashes.
    """
    from sandbox.evidence import merkle, receipt
    from sandbox.evidence.checkpoint import open_checkpoint
    from sandbox.evidence.note import NoteVerifier

    known = [NoteVerifier.from_vkey(files["vkey"].decode())]
    try:
        kept = receipt.parse(files["receipt.json"])
        old = open_checkpoint(kept.checkpoint, known).checkpoint
        new = open_checkpoint(files["shown.txt"].decode(), known).checkpoint
        proof = [bytes.fromhex(each) for each in json.loads(files["proof.json"])]
        merkle.verify_consistency(old.size, new.size, proof, old.root, new.root)
    except EvidenceError as error:
        return str(error)
    return None


def receipt_and_kept(files: Files) -> str | None:
    """`shown.json`, a receipt of the same log, against `receipt.json`, which was kept: can both be of one chain?

    A log never shrinks and a chain has one block of each number, in the order of time. Blocks that contradict each other
    are both signed by the sealing key.
    """
    from sandbox.evidence import receipt

    try:
        return _apart(receipt.parse(files["receipt.json"]), receipt.parse(files["shown.json"]))
    except EvidenceError as error:
        return str(error)


def _apart(kept: Receipt, shown: Receipt) -> str | None:
    """Why two receipts of one log cannot both be of one chain; None if they can."""
    from sandbox.evidence import note, sealer

    if kept.anchor is None or shown.anchor is None:
        return "a receipt without a block"
    old = sealer.parse(note.split(kept.anchor.sealer_note)[0])
    new = sealer.parse(note.split(shown.anchor.sealer_note)[0])
    if old.number == new.number and old.hash != new.hash:
        return f"two blocks {old.number} of one chain, both sealed"
    if (old.number - new.number) * (old.time_ms - new.time_ms) < 0:
        return f"block {new.number} sealed at {new.time_ms} ms, block {old.number} at {old.time_ms} ms"
    first, second = sorted(
        ((old, kept.inclusion.size), (new, shown.inclusion.size)), key=lambda each: each[0].time_ms
    )
    if first[1] > second[1]:
        return (
            f"the log had {first[1]} entries in block {first[0].number}, and {second[1]} later, in block "
            f"{second[0].number}"
        )
    return None


def checkpoints_of_two(files: Files) -> str | None:
    """`one.txt` and `other.txt`, checkpoints by the log's key `vkey` that two holders were shown, side by side."""
    from sandbox.evidence.checkpoint import open_checkpoint
    from sandbox.evidence.note import NoteVerifier

    known = [NoteVerifier.from_vkey(files["vkey"].decode())]
    try:
        one, other = (
            open_checkpoint(files[name].decode(), known).checkpoint for name in ("one.txt", "other.txt")
        )
    except EvidenceError as error:
        return str(error)
    if one.size == other.size and one.root != other.root:
        return f"two checkpoints of size {one.size} with different roots, both signed by {one.origin}"
    return None


def token_alone(files: Files) -> str | None:
    """`token.tsr`, a time-stamp reply, for the SHA-256 digest `digest`, by who holds only `root.pem`."""
    try:
        _stamp(files, "digest", "token.tsr")
    except EvidenceError as error:
        return str(error)
    return None


def token_denied(files: Files) -> str | None:
    """The same token, which the authority says it never gave: that it holds is the contradiction."""
    if token_alone(files) is not None:
        return None  # what does not hold refutes nobody
    return "the authority denies it, and the kept token verifies under its own root"


def tokens_beside(files: Files) -> str | None:
    """`token.tsr` beside `other.tsr`, by the same authority: can both be true?

    What could contradict: one serial number on two tokens (RFC 3161 section 2.4.2 makes it unique). Two times of one
    digest do not, nor does an order of serial numbers that is not the order of times.
    """
    try:
        one, other = _stamp(files, "digest", "token.tsr"), _stamp(files, "other-digest", "other.tsr")
    except EvidenceError as error:
        return str(error)
    if one.serial == other.serial and (one.time_ms, one.imprint) != (other.time_ms, other.imprint):
        return f"two tokens with the serial number {one.serial}"
    return None


def log_alone(files: Files) -> str | None:
    """`log.json`, evidence of a hash-linked log, for the SHA-256 digest `digest`, by who holds only `root.pem`."""
    from baas.protocols.hashed_log import verify

    try:
        verify(files["log.json"], files["digest"], _roots(files))
    except EvidenceError as error:
        return str(error)
    return None


def log_beside(files: Files) -> str | None:
    """`log.json`, which was kept, beside every file of the log as it is shown now (`shown-1.json`, …)."""
    from baas.protocols.hashed_log import contradiction

    try:
        kept = _stamped(files, "log.json")
        for name in sorted(each for each in files if each.startswith("shown-")):
            if (found := contradiction(kept.file, _stamped(files, name).file)) is not None:
                return f"{found}, both stamped"
    except EvidenceError as error:
        return str(error)
    return None


def _stamped(files: Files, name: str) -> Held:
    from baas.protocols.hashed_log import Held
    from sandbox.evidence.digest import Digest
    from sandbox.evidence.timestamp import verify_token

    held = Held.decode(files[name])
    held.file.check()
    verify_token(held.token, Digest("sha-256", held.file.sha256), _roots(files))
    return held


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


def evidence_alone(files: Files) -> str | None:
    """`evidence.xml`, signed evidence of an exchange, by who holds only `anchors.json`: roots, intermediates and CRLs."""
    try:
        _stated(files, "evidence.xml")
    except EvidenceError as error:
        return str(error)
    return None


def evidence_denied(files: Files) -> str | None:
    """The same evidence, of a request that the service says it never answered: that it holds is the contradiction."""
    if evidence_alone(files) is not None:
        return None  # what does not hold refutes nobody
    return "the service knows no such request, and the kept evidence of it is its own signature"


def evidence_beside(files: Files) -> str | None:
    """`evidence.xml`, which was kept, beside `other.xml`, which is shown now: can both be true?

    A request of an organisation is answered once: two statements of one request contradict each other, whatever differs.
    """
    try:
        one, other = _stated(files, "evidence.xml"), _stated(files, "other.xml")
    except EvidenceError as error:
        return str(error)
    if (one.organisation, one.request_id, one.element_id) != (
        other.organisation,
        other.request_id,
        other.element_id,
    ):
        return None
    if one != other:
        return f"two statements of the request {one.request_id} of {one.organisation}, both signed"
    return None


def hand_over_alone(files: Files) -> str | None:
    """`evidence.json`, a hand-over on a chain, for the SHA-256 digest `digest`, by who holds `trust.json`.

    `bodies.json` are the two bodies' accounts, where they are known from before; else those that signed are believed.
    """
    from sandbox.evidence import hand_over, trust
    from sandbox.evidence.digest import Digest
    from sandbox.evidence.secp256k1 import address_of

    try:
        evidence = hand_over.parse(files["evidence.json"])
        if "bodies.json" in files:
            known = json.loads(files["bodies.json"])
            pair = [bytes.fromhex(known[name]) for name in ("offering", "receiving")]
        else:
            pair = [address_of(each.public_key) for each in evidence.steps[:2]]
        root, digest = trust.parse(files["trust.json"]), Digest("sha-256", files["digest"])
        report = hand_over.verify(evidence, digest, root, hand_over.Bodies(*pair))
    except EvidenceError as error:
        return str(error)
    return None if report.ok else f"the hand-over does not verify: {report.failed_step}"


def hand_over_denied(files: Files) -> str | None:
    """The same hand-over, of which the chain's operator says that it never was: that it holds is the contradiction."""
    if hand_over_alone(files) is not None:
        return None  # what does not hold refutes nobody
    return "the operator denies it, and both bodies' transactions are in blocks that it sealed"


def hand_over_beside(files: Files) -> str | None:
    """`evidence.json`, which was kept, beside `other.json`, which is shown: can both be of one chain?

    A transaction is in one block, and a chain has one block of each number; what contradicts is signed by the sealing key.
    """
    from sandbox.evidence import hand_over, note, sealer

    blocks: dict[int, bytes] = {}
    places: dict[bytes, int] = {}
    try:
        for name in ("evidence.json", "other.json"):
            for step in hand_over.parse(files[name]).steps:
                block = sealer.parse(note.split(step.sealer_note)[0])
                if blocks.setdefault(block.number, block.hash) != block.hash:
                    return f"two blocks {block.number} of one chain, both sealed"
                if (before := places.setdefault(step.transaction, block.number)) != block.number:
                    return f"one transaction of a body in the blocks {before} and {block.number}, both sealed"
    except EvidenceError as error:
        return str(error)
    return None


def steps_alone(files: Files) -> str | None:
    """`steps.json`, a hand-over by an exchange, for the SHA-256 digest `digest`, by who holds the roots in `root.json`.

    `bodies.json` are the two bodies and their certificates, where they are known; else those that it names are believed.
    """
    from base64 import b64decode
    from datetime import datetime

    from baas.connectors import ConnectorSettings, Environment, _hand_over
    from baas.connectors.exchanges._evidence import Signatory

    held = json.loads(files["root.json"])
    settings = ConnectorSettings("", held["roots"].encode(), Environment.LAB_EMULATOR)
    bodies = None
    if "bodies.json" in files:
        known = json.loads(files["bodies.json"])
        certificates = {code: b64decode(each) for code, each in known["certificates"].items()}
        bodies = _hand_over.Bodies(known["giver"], known["taker"], certificates)
    try:
        now = datetime.fromisoformat(held["at"])
        _hand_over.verify(files["steps.json"], files["digest"], Signatory.of(settings), bodies, now)
    except EvidenceError as error:
        return str(error)
    return None


def steps_denied(files: Files) -> str | None:
    """The same hand-over, whose messages the exchange says it never got: that it holds is the contradiction."""
    if steps_alone(files) is not None:
        return None  # what does not hold refutes nobody
    return "the exchange denies it, and the kept steps have its own signature over both bodies' messages"


def steps_beside(files: Files) -> str | None:
    """`steps.json`, which was kept, beside `other.json`, which is shown: are there two statements of one request?"""
    from baas.connectors import _hand_over

    try:
        one, other = (_hand_over.read(files[name])[1] for name in ("steps.json", "other.json"))
    except EvidenceError as error:
        return str(error)
    for kept in one:
        for shown in other:
            said = evidence_beside({**files, "evidence.xml": kept.evidence, "other.xml": shown.evidence})
            if said is not None:
                return said
    return None


def _stated(files: Files, name: str) -> EvidenceStatement:
    """What signed evidence states. Raises VerificationError for what does not hold."""
    from baas.protocols.pci.evidence import read_verified
    from sandbox.errors import VerificationError

    trust, at = _anchored(files)
    states, verdict = read_verified(files[name], trust, at)
    if states is None:
        raise VerificationError(
            f"{verdict.indication} {verdict.sub_indication}: {'; '.join(verdict.details)}"
        )
    return states


def codes_beside(files: Files) -> str | None:
    """`one.json` beside `other.json`, what two holders kept of a secure verification code: neither is signed."""
    from baas.protocols.secure_code import Held as Code

    try:
        one, other = Code.decode(files["one.json"]), Code.decode(files["other.json"])
    except EvidenceError as error:
        return str(error)
    if one.code == other.code and one.digest != other.digest:
        return f"the code {one.code} stands for two documents, by what two people say: nothing is signed"
    return None


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


def _sealed(files: Files, digest: str, seal: str) -> str | None:
    from baas.ades import signatures
    from sandbox.evidence.digest import Digest

    trust, at = _anchored(files)
    verdict = signatures.validate(files[seal], Digest("sha-256", files[digest]), trust, at)
    if verdict.ok:  # the signature alone: EN 319 102-1 leaves out a time-stamp that does not hold
        return None if verdict.proven_time else "the signature holds, and no time-stamp on it does"
    return f"{verdict.indication} {verdict.sub_indication}: {'; '.join(verdict.details)}"


def _anchored(files: Files) -> tuple[Trust, datetime]:
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


def _roots(files: Files) -> list[Certificate]:
    from cryptography.x509 import load_pem_x509_certificates

    return load_pem_x509_certificates(files["root.pem"])


def _stamp(files: Files, digest: str, token: str) -> Timestamp:
    from sandbox.evidence.digest import Digest
    from sandbox.evidence.timestamp import verify_token

    return verify_token(files[token], Digest("sha-256", files[digest]), _roots(files))


#: Every way of looking, by its name.
KINDS: Final[dict[str, Callable[[Files], str | None]]] = {
    look.__name__: look
    for look in (
        receipt_alone,
        checkpoint_and_kept,
        receipt_and_kept,
        checkpoints_of_two,
        token_alone,
        token_denied,
        tokens_beside,
        log_alone,
        log_beside,
        seal_alone,
        seal_denied,
        seals_beside,
        hand_over_alone,
        hand_over_denied,
        hand_over_beside,
        steps_alone,
        steps_denied,
        steps_beside,
        evidence_alone,
        evidence_denied,
        evidence_beside,
        codes_beside,
    )
}
