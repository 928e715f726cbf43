// Strict text encodings: each value has exactly one spelling, or it is refused (sandbox/evidence/encoding.py).
import { toBase64 } from "./bytes.js";
import { MalformedEvidence, shown } from "./errors.js";

/** The bytes of lower-case hexadecimal text after `prefix`; exactly `length` bytes where it is given. */
export function fromHex(text, what, { length, prefix = "" } = {}) {
  const digits = text.startsWith(prefix) ? text.slice(prefix.length) : "?";
  if (!/^(?:[0-9a-f]{2})*$/.test(digits)) {
    throw new MalformedEvidence(
      `${what}: expected ${prefix || "no prefix"} and lower-case hexadecimal, got ${shown(text)}`,
    );
  }
  const bytes = new Uint8Array(digits.length / 2);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = parseInt(digits.slice(2 * at, 2 * at + 2), 16);
  requireLength(bytes, what, length);
  return bytes;
}

/** The bytes of standard padded base64 (RFC 4648 section 4), whose unused bits are zero. */
export function fromBase64(text, what, length) {
  let binary;
  try {
    binary = atob(text);
  } catch {
    throw new MalformedEvidence(`${what}: expected standard base64, got ${shown(text)}`);
  }
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  if (toBase64(bytes) !== text) {
    throw new MalformedEvidence(`${what}: this base64 is not the one spelling of its bytes: ${shown(text)}`);
  }
  requireLength(bytes, what, length);
  return bytes;
}

function requireLength(bytes, what, length) {
  if (length !== undefined && bytes.length !== length) {
    throw new MalformedEvidence(`${what}: expected ${length} bytes, got ${bytes.length}`);
  }
}

/** A whole number in ASCII digits without leading zeros, below 2^63: a BigInt. */
export function fromDecimal(text, what) {
  if (!/^(?:0|[1-9][0-9]{0,18})$/.test(text) || BigInt(text) >= 1n << 63n) {
    throw new MalformedEvidence(
      `${what}: expected a whole number below 2^63 without leading zeros, got ${shown(text)}`,
    );
  }
  return BigInt(text);
}

const LAST_SECOND = 253402300799n; // 9999-12-31T23:59:59Z

/** Milliseconds since 1970 (a BigInt, not negative) as UTC in whole seconds, like 2026-01-31T09:00:00Z. */
export function utcText(timeMs) {
  const seconds = timeMs / 1000n;
  if (seconds > LAST_SECOND) {
    throw new MalformedEvidence(`${timeMs} ms since 1970 is not a time of this calendar`);
  }
  return new Date(Number(seconds) * 1000).toISOString().replace(".000Z", "Z");
}

/** Milliseconds since 1970, a BigInt, of UTC text like 2026-01-31T09:00:00Z and no other. */
export function fromUtcText(text, what) {
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) && !text.startsWith("0000") ? Date.parse(text) : NaN;
  if (Number.isNaN(time) || new Date(time).toISOString().replace(".000Z", "Z") !== text) {
    throw new MalformedEvidence(
      `${what}: expected UTC like 2026-01-31T09:00:00Z (RFC 3339), got ${shown(text, 40)}`,
    );
  }
  return BigInt(time);
}
