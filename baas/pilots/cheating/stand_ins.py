"""A log's witnesses as they are when the operator asks them for its changed log: honest ones, and its own.

The real ones are not asked: what they once cosigned is theirs for ever, and a trial must not go into it. Others stand in
for them, with the same names, operators and threshold and keys of their own, each a real witness that has cosigned the
log's newest true checkpoint. Those that the log's own operator runs sign whatever it wants, as it has their keys.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from baas.pilots.cheating.exhibits import Seen
from sandbox import witness
from sandbox.evidence import merkle
from sandbox.evidence.checkpoint import parse_unverified
from sandbox.evidence.cosignature import Cosignature, Cosigner, open_cosignatures, with_cosignatures
from sandbox.evidence.note import NoteSigner, split
from sandbox.evidence.trust import TrustedLog, TrustedWitness, TrustRoot, Witnesses

#: What a witness has kept of every log that it follows.
KEEPS: Final = "witness_state"


@dataclass(frozen=True, slots=True)
class Asked:
    """The checkpoint with the cosignatures that it got, and what each honest witness saw."""

    checkpoint: str
    seen: tuple[Seen, ...]


class StandIns:
    """Of one log, in a directory of their own. `demanded` is the policy that a verifier holds, None where there is none."""

    def __init__(self, directory: Path, trust: TrustRoot, signer: NoteSigner, newest: str) -> None:
        self._signer, self._newest = signer, newest
        (log,) = (each for each in trust.logs if each.origin == signer.name)
        self._own: list[Cosigner] = []
        self._honest: list[tuple[CosignerFile, TrustedWitness]] = []
        self.demanded = log.witnesses
        if log.witnesses is not None:
            named = {each.name: each for each in log.witnesses.keys}  # one witness, whatever keys it had
            keys = tuple(self._made(directory, log, each) for each in named.values())
            self.demanded = Witnesses(log.witnesses.threshold, keys)

    def trust_of(self, trust: TrustRoot) -> TrustRoot:
        """The trust root in which these stand where the log's own witnesses do."""
        logs = (
            replace(each, witnesses=self.demanded) if each.origin == self._signer.name else each
            for each in trust.logs
        )
        return replace(trust, logs=tuple(logs))

    def ask(self, leaves: Sequence[bytes], shown: str) -> Asked:
        """What the operator gets for a checkpoint over these leaves; each witness then has what it cosigned."""
        cosignatures: list[Cosignature] = []
        seen: list[Seen] = []
        text = split(shown)[0]
        cosignatures += [own.cosign(text, int(time.time())) for own in self._own]
        for file, trusted in self._honest:
            started = time.perf_counter()
            answer = file.ask(leaves, shown)
            took = time.perf_counter() - started
            if answer.status == 200:
                cosignatures += open_cosignatures(shown + answer.text, [trusted.verifier]).cosignatures
            refused = None if answer.status == 200 else f"{answer.status} {answer.text.strip()}"
            seen.append(Seen("witness", KEEPS, refused, took, without_operator=True))
        return Asked(with_cosignatures(shown, cosignatures), tuple(seen))

    def _made(self, directory: Path, log: TrustedLog, of: TrustedWitness) -> TrustedWitness:
        seed = Ed25519PrivateKey.generate().private_bytes_raw()
        cosigner = Cosigner(of.name, seed)
        trusted = replace(of, verifier=cosigner.verifier, valid_until=None)
        if of.operator == log.operator:
            self._own.append(cosigner)
        else:
            path = directory / f"{len(self._honest)}.sqlite"
            self._honest.append((CosignerFile(path, of.name, seed, self._signer, self._newest), trusted))
        return trusted


class CosignerFile:
    """One honest witness that follows the log and has cosigned `newest`."""

    def __init__(self, path: Path, name: str, seed: bytes, signer: NoteSigner, newest: str) -> None:
        self._path, self._size = path, parse_unverified(newest).size
        witness.create(path, name, seed)
        with witness.Witness(path, time.time) as opened:
            opened.follow(signer.name, signer.verifier.vkey)
            answer = opened.add_checkpoint(witness.request(0, [], newest))
        assert answer.status == 200, answer.text  # nothing came before it

    def ask(self, leaves: Sequence[bytes], shown: str) -> witness.Answer:
        """Its answer to the best that the operator can ask with."""
        with witness.Witness(self._path, time.time) as opened:
            proof = merkle.consistency_proof(leaves, self._size)
            answer = opened.add_checkpoint(witness.request(self._size, proof, shown))
            if answer.status == 409:  # it has cosigned more meanwhile
                size = int(answer.text)
                proof = merkle.consistency_proof(leaves, size) if size < len(leaves) else []
                answer = opened.add_checkpoint(witness.request(size, proof, shown))
        if answer.status == 200:
            self._size = len(leaves)
        return answer
