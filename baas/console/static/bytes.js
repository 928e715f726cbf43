// Strict text encodings: each value has exactly one spelling, or it is refused (an Error says what came).

/** The bytes of lower-case hexadecimal text; exactly `length` bytes where it is given. */
export function fromHex(text, length) {
  if (typeof text !== "string" || !/^([0-9a-f]{2})*$/.test(text)) {
    throw new Error(`expected lower-case hexadecimal, got ${short(text)}`);
  }
  const bytes = Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  if (length !== undefined && bytes.length !== length) {
    throw new Error(`expected ${length} bytes, got ${bytes.length}`);
  }
  return bytes;
}

export function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The bytes of standard padded base64 (RFC 4648 section 4), whose unused bits are zero. */
export function fromBase64(text) {
  let binary;
  try {
    binary = atob(text);
  } catch {
    throw new Error(`expected standard base64, got ${short(text)}`);
  }
  if (btoa(binary) !== text) throw new Error(`expected standard padded base64, got ${short(text)}`);
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/** Whether two byte strings are the same. Nothing here is secret, so time does not matter. */
export function same(a, b) {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

export function concat(...pieces) {
  const joined = new Uint8Array(pieces.reduce((total, piece) => total + piece.length, 0));
  let offset = 0;
  for (const piece of pieces) {
    joined.set(piece, offset);
    offset += piece.length;
  }
  return joined;
}

export const utf8 = (text) => new TextEncoder().encode(text);

const short = (value) => JSON.stringify(value)?.slice(0, 80) ?? String(value);
