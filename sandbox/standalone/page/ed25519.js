// Ed25519 (RFC 8032 section 5.1.7), strict as sandbox/evidence/ed25519.py: no cofactor, one spelling of each value.
// The arithmetic is @noble/curves'; its own verify() is not used, since it multiplies by the cofactor.
import { ed25519 } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";

import { concat, same, toHex } from "./bytes.js";
import { MalformedEvidence } from "./errors.js";

const { Point } = ed25519;
const ORDER = Point.Fn.ORDER;

/** Throws MalformedEvidence unless these bytes are a public key that can speak for somebody. */
export function requireKey(publicKey, what) {
  if (publicKey.length !== 32) {
    throw new MalformedEvidence(`${what}: expected the 32 bytes of an Ed25519 key, got ${publicKey.length}`);
  }
  const point = decode(publicKey);
  if (point === null || point.isSmallOrder()) {
    throw new MalformedEvidence(`${what}: ${toHex(publicKey)} is no Ed25519 key: not a point of large order`);
  }
}

/** Whether the signature is this key's over the message; a signature of another length is none. */
export function verify(publicKey, signature, message) {
  if (signature.length !== 64) return false;
  const point = decode(publicKey);
  const scalar = littleEndian(signature.subarray(32));
  if (point === null || scalar >= ORDER) return false;
  const challenge = littleEndian(sha512(concat(signature.subarray(0, 32), publicKey, message))) % ORDER;
  const expected = Point.BASE.multiplyUnsafe(scalar).subtract(point.multiplyUnsafe(challenge));
  return same(expected.toBytes(), signature.subarray(0, 32));
}

function decode(bytes) {
  try {
    return Point.fromBytes(bytes, false);
  } catch {
    return null;
  }
}

const littleEndian = (bytes) => BigInt(`0x${toHex(bytes.slice().reverse())}`);
