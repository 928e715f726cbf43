// Checkpoints (C2SP tlog-checkpoint v1.0.0): a log's signed size and root (sandbox/evidence/checkpoint.py).
import { toBase64 } from "./bytes.js";
import { fromBase64, fromDecimal } from "./encoding.js";
import { MalformedEvidence, shown } from "./errors.js";
import { HASH_SIZE } from "./merkle.js";
import { openNote, split } from "./note.js";

/** {origin, size, root}, or MalformedEvidence: an origin is one non-empty line. */
export function make(origin, size, root) {
  if (!origin || /[\x00-\x1f]/.test(origin)) {
    throw new MalformedEvidence(`an origin is one non-empty line, got ${shown(origin, 120)}`);
  }
  return { origin, size, root };
}

export const toText = ({ origin, size, root }) => `${origin}\n${size}\n${toBase64(root)}\n`;

/** {origin, size (a BigInt), root} of a note's text; extension lines are refused. */
export function parse(text) {
  const lines = text.split("\n");
  if (lines.length !== 4 || lines[3] !== "") {
    throw new MalformedEvidence(`a checkpoint has three lines (origin, size, root), got ${shown(text, 200)}`);
  }
  const size = fromDecimal(lines[1], "checkpoint size");
  const root = fromBase64(lines[2], "checkpoint root", HASH_SIZE);
  return make(lines[0], size, root);
}

/** What a signed checkpoint claims, before anybody checked who signed it. */
export const parseUnverified = (note) => parse(split(note).text);

/** A signed checkpoint as a statement of a root: what it claims, and who signed it. */
export const noteStatement = (text) => ({
  claimed: () => parseUnverified(text),
  open: (verifiers) => openCheckpoint(text, verifiers),
});

/** {checkpoint, note}: the checkpoint that at least one of the known keys signed. */
export function openCheckpoint(text, verifiers) {
  const note = openNote(text, verifiers);
  return { checkpoint: parse(note.text), note };
}
