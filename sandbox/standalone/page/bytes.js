// Byte strings: Uint8Array throughout, as Python's bytes.

export const utf8 = (text) => new TextEncoder().encode(text);

/** The text of UTF-8 bytes; a TypeError for bytes that are not UTF-8. A byte order mark stays in the text. */
export const fromUtf8 = (bytes) => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);

export const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

export function toBase64(bytes) {
  let binary = "";
  for (let at = 0; at < bytes.length; at += 0x8000) {
    binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  }
  return btoa(binary);
}

/** Whether two byte strings are the same. Nothing here is secret, so time does not matter. */
export const same = (a, b) => a.length === b.length && a.every((byte, index) => byte === b[index]);

export function concat(...pieces) {
  const joined = new Uint8Array(pieces.reduce((total, piece) => total + piece.length, 0));
  let offset = 0;
  for (const piece of pieces) {
    joined.set(piece, offset);
    offset += piece.length;
  }
  return joined;
}

/** The whole number that big-endian bytes spell, as a BigInt. */
export const toInteger = (bytes) => (bytes.length ? BigInt(`0x${toHex(bytes)}`) : 0n);
