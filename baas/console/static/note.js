// Checkpoints: C2SP signed notes (Ed25519) over origin, size and root of a log.
import { fromBase64, same, toHex, utf8 } from "./bytes.js";
import { sha256 } from "./sha256.js";

const ED25519 = Uint8Array.of(1);

/** {text, body: {origin, size, root}, signatures: [{name, id, signature}]}; an Error for another form. */
export function parseCheckpoint(note) {
  const split = typeof note === "string" ? note.lastIndexOf("\n\n") : -1;
  if (split < 0 || !note.endsWith("\n")) throw new Error("expected a signed note: text, empty line, signatures");
  const text = note.slice(0, split + 1);
  const [origin, size, root, ...others] = text.slice(0, -1).split("\n");
  if (!origin || !/^(0|[1-9][0-9]{0,15})$/.test(size ?? "") || root === undefined || others.length > 0) {
    throw new Error("expected a checkpoint of three lines: origin, size and root");
  }
  const rootBytes = fromBase64(root);
  if (rootBytes.length !== 32) throw new Error(`expected a root of 32 bytes, got ${rootBytes.length}`);
  const signatures = note.slice(split + 2, -1).split("\n").map(parseSignature);
  return { text, body: { origin, size: Number(size), root: rootBytes }, signatures };
}

/**
 * {acts, seconds} of a sealer's note whose chain's clock was moved by an administrator, how often and by how much; null
 * for one whose clock was not. Whether its signature holds is not asked here.
 */
export function movedClock(note) {
  const match = /^moved ([1-9][0-9]{0,15}) (-?(?:0|[1-9][0-9]{0,15}))$/m.exec(typeof note === "string" ? note : "");
  return match === null ? null : { acts: Number(match[1]), seconds: Math.round(Number(match[2]) / 1000) };
}

function parseSignature(line) {
  const match = /^— ([^\s+]+) ([A-Za-z0-9+/=]+)$/.exec(line);
  if (match === null) throw new Error("expected a signature line: dash, name, base64");
  const bytes = fromBase64(match[2]);
  if (bytes.length < 5) throw new Error("a signature line is too short");
  return { name: match[1], id: bytes.subarray(0, 4), signature: bytes.subarray(4) };
}

/** {name, id, publicKey} of a verifier key "name+id+base64(01 || public key)"; its id must be its own. */
export function parseKey(text) {
  const match = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text);
  if (match === null) throw new Error("expected a key: name+id+base64");
  const typed = fromBase64(match[3]);
  if (typed.length !== 33 || typed[0] !== 1) throw new Error("expected an Ed25519 key of type 01");
  const id = keyId(match[1], typed.subarray(1));
  const hex = toHex(id);
  if (hex !== match[2]) throw new Error(`the key's id should be ${hex}, it says ${match[2]}`);
  return { name: match[1], id, publicKey: typed.subarray(1) };
}

/** The first four bytes of SHA-256(name || LF || 01 || public key). */
export const keyId = (name, publicKey) => sha256(utf8(`${name}\n`), ED25519, publicKey).subarray(0, 4);

/** Whether this browser can check Ed25519 signatures. */
export async function hasEd25519() {
  try {
    await crypto.subtle.importKey("raw", new Uint8Array(32), "Ed25519", false, ["verify"]);
    return true;
  } catch {
    return false;
  }
}

/** Whether one of the checkpoint's signatures is of this key and holds. Needs hasEd25519(). */
export async function signedBy(checkpoint, key) {
  const own = checkpoint.signatures.filter(({ name, id }) => name === key.name && same(id, key.id));
  if (own.length === 0) return false;
  const publicKey = await crypto.subtle.importKey("raw", key.publicKey, "Ed25519", false, ["verify"]);
  const message = utf8(checkpoint.text);
  const results = await Promise.all(
    own.map(({ signature }) => crypto.subtle.verify("Ed25519", publicKey, signature, message)),
  );
  return results.every(Boolean); // C2SP: a signature that claims a known key and fails spoils the note
}
