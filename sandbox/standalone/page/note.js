// Signed notes (C2SP signed-note v1.0.0): a text, a blank line, one Ed25519 signature line per key
// (sandbox/evidence/note.py).
import { sha256 } from "@noble/hashes/sha2.js";

import { concat, same, toHex, utf8 } from "./bytes.js";
import * as ed25519 from "./ed25519.js";
import { fromBase64 } from "./encoding.js";
import { Because, MalformedEvidence, shown, VerificationError } from "./errors.js";

const ED25519 = 0x01;
const MAX_NOTE_CHARACTERS = 1_000_000;
const MAX_SIGNATURES = 100;
// The white space is Python's, which a name may not hold; U+FEFF is none there and U+0085 is.
const KEY_NAME = /^[^\x00-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000+]+$/u;
const CONTROL = /[\x00-\x09\x0b-\x1f]/;

/** A named Ed25519 public key that notes are checked against. */
export class NoteVerifier {
  static TYPE = ED25519;

  constructor(name, publicKey) {
    if (!KEY_NAME.test(name)) {
      throw new MalformedEvidence(`a key name needs characters, none of them a space or '+'; got ${shown(name)}`);
    }
    ed25519.requireKey(publicKey, `key '${name}'`);
    this.name = name;
    this.publicKey = publicKey;
    const type = Uint8Array.of(this.constructor.TYPE);
    this.keyId = sha256(concat(utf8(`${name}\n`), type, publicKey)).subarray(0, 4);
    /** What a signature line names: key name and key id. */
    this.identity = identity(name, this.keyId);
    /** Tells one key from another, whatever it is called. */
    this.key = `${this.identity} ${toHex(publicKey)}`;
  }

  /** Of a vkey: `name+hex key id+base64(type || public key)`. */
  static fromVkey(vkey) {
    const match = /^(?<name>[^+]+)\+(?<id>[0-9a-f]{8})\+(?<key>[^\n]+)$/.exec(vkey);
    if (match === null) {
      throw new MalformedEvidence(`a verifier key looks like name+1a2b3c4d+base64, got ${shown(vkey, 120)}`);
    }
    const { name, id, key } = match.groups;
    const encoded = fromBase64(key, `verifier key '${name}'`, 33);
    if (encoded[0] !== this.TYPE) {
      throw new MalformedEvidence(`verifier key '${name}': expected type ${this.TYPE} (Ed25519), got ${encoded[0]}`);
    }
    const verifier = new this(name, encoded.subarray(1));
    if (toHex(verifier.keyId) !== id) {
      throw new MalformedEvidence(`verifier key '${name}': the key's id is ${toHex(verifier.keyId)}, not ${id}`);
    }
    return verifier;
  }

  /** Throws VerificationError unless the signature is this key's over the text. */
  verify(text, signature) {
    if (!ed25519.verify(this.publicKey, signature, utf8(text))) {
      throw new Because("note.wrong-signature", { key: `${this.name}+${toHex(this.keyId)}` });
    }
  }
}

const identity = (name, keyId) => `${name} ${toHex(keyId)}`;

/** {text, verified: [NoteVerifier]}: every signature by a known key is checked, and at least one must be there. */
export function openNote(note, verifiers) {
  const known = byIdentity(verifiers);
  const { text, signatures } = split(note);
  const verified = new Map();
  for (const { name, keyId, signature } of signatures) {
    const who = identity(name, keyId);
    if (verified.has(who) || !known.has(who)) continue; // repeated, or a stranger's: it adds nothing
    known.get(who).verify(text, signature);
    verified.set(who, known.get(who));
  }
  if (verified.size === 0) {
    const named = [...new Set(signatures.map(({ name }) => name))].sort().join(", ");
    if (known.size === 0) throw new Because("note.no-key", { named });
    const here = [...known.values()].map(({ name }) => name).sort().join(", ");
    throw new Because("note.unknown-key", { named, known: here });
  }
  return { text, verified: [...verified.values()] };
}

export const verifiedNames = (opened) => opened.verified.map(({ name }) => name).join(", ");

/** Known keys by what a signature line names; VerificationError when two of them share it. */
export function byIdentity(verifiers) {
  const known = new Map();
  for (const verifier of verifiers) {
    const other = known.get(verifier.identity);
    if (other && !same(other.publicKey, verifier.publicKey)) {
      throw new VerificationError(`two known keys share the name and id ${verifier.identity}`);
    }
    known.set(verifier.identity, verifier);
  }
  return known;
}

/** {text, signatures: [{name, keyId, signature, identity}]} of a note, all still unchecked. */
export function split(note) {
  if (note.length > MAX_NOTE_CHARACTERS || CONTROL.test(note) || note.includes("\ufffd")) {
    throw new MalformedEvidence("a note is UTF-8 text of at most 1 MB without control characters");
  }
  const separator = note.lastIndexOf("\n\n");
  const block = note.slice(separator + 2);
  if (separator < 0 || !block.endsWith("\n")) {
    throw new MalformedEvidence("a note is a text, a blank line, and signature lines that each end in a newline");
  }
  const lines = block.slice(0, -1).split("\n");
  if (lines.length > MAX_SIGNATURES) {
    throw new MalformedEvidence(`a note has at most ${MAX_SIGNATURES} signatures, got ${lines.length}`);
  }
  return { text: note.slice(0, separator + 1), signatures: lines.map(readSignature) };
}

function readSignature(line) {
  const parts = line.split(" ");
  if (parts.length !== 3 || parts[0] !== "—" || !KEY_NAME.test(parts[1])) {
    throw new MalformedEvidence(`a signature line is '— name base64', got ${shown(line, 120)}`);
  }
  const data = fromBase64(parts[2], `signature by '${parts[1]}'`);
  if (data.length < 5) {
    throw new MalformedEvidence(`signature by '${parts[1]}': expected a 4-byte key id and a signature`);
  }
  const keyId = data.subarray(0, 4);
  return { name: parts[1], keyId, signature: data.subarray(4), identity: identity(parts[1], keyId) };
}
