// The text of a QR code: a COSE receipt in base45 (RFC 9285; sandbox/evidence/qr.py).
import { MalformedEvidence, shown } from "./errors.js";

export const BEGINNING = "RRQ";
const MAX_CHARACTERS = 4296;
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

/** The COSE receipt's bytes of a decoded QR code; three characters for two bytes, two for a last one. */
export function decode(text) {
  if (text.length > MAX_CHARACTERS) {
    throw new MalformedEvidence(`QR: at most ${MAX_CHARACTERS} characters, got ${text.length}`);
  }
  const digits = Array.from(text, (character) => ALPHABET.indexOf(character));
  const bytes = [];
  for (let at = 0; at < digits.length; at += 3) {
    const group = digits.slice(at, at + 3);
    const value = group.reduce((total, digit, place) => total + digit * 45 ** place, 0);
    const limit = group.length === 3 ? 0x10000 : group.length === 2 ? 0x100 : 0;
    if (group.includes(-1) || value >= limit) {
      throw new MalformedEvidence(`QR: expected base45 (RFC 9285), got ${shown(text, 40)}`);
    }
    if (group.length === 3) bytes.push(value >> 8);
    bytes.push(value & 0xff);
  }
  if (bytes.length === 0) throw new MalformedEvidence("QR: expected base45 (RFC 9285), got nothing");
  return Uint8Array.from(bytes);
}
