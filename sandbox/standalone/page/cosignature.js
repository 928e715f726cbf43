// Cosignatures (C2SP tlog-cosignature, type 04): what a witness states of a checkpoint, and when
// (sandbox/evidence/cosignature.py).
import { toInteger } from "./bytes.js";
import { MalformedEvidence } from "./errors.js";
import { byIdentity, NoteVerifier, split } from "./note.js";

const TIME_SIZE = 8;
const SIGNATURE_SIZE = 64;

export class CosignatureVerifier extends NoteVerifier {
  static TYPE = 0x04;

  /** Throws unless the signature, its time included, is this witness's over the checkpoint's text. */
  verify(text, signature) {
    const time = timeOf(signature, this.name);
    super.verify(`cosignature/v1\ntime ${time}\n${text}`, signature.subarray(TIME_SIZE));
  }
}

/** [{verifier, time}]: the earliest cosignature of each known key; none need be there, a wrong one refuses the note. */
export function openCosignatures(note, witnesses) {
  const known = byIdentity(witnesses);
  const { text, signatures } = split(note);
  const found = new Map();
  for (const { identity, signature } of signatures) {
    const verifier = known.get(identity);
    if (verifier === undefined) continue;
    verifier.verify(text, signature);
    const time = timeOf(signature, verifier.name);
    const before = found.get(verifier.key);
    if (before === undefined || time < before.time) found.set(verifier.key, { verifier, time });
  }
  return [...found.values()];
}

/** The time that a cosignature states, in seconds since 1970: a BigInt, unchecked. */
function timeOf(signature, name) {
  if (signature.length !== TIME_SIZE + SIGNATURE_SIZE) {
    throw new MalformedEvidence(
      `a cosignature has ${TIME_SIZE} bytes of time and ${SIGNATURE_SIZE} of signature; that by '${name}' has ${signature.length}`,
    );
  }
  const time = toInteger(signature.subarray(0, TIME_SIZE));
  if (time >= 1n << 63n) {
    throw new MalformedEvidence(`the cosignature by '${name}' has a time of 2^63 seconds or more`);
  }
  return time;
}
