// The outline of an X.509 certificate in PEM (sandbox/evidence/certificate.py): enough to tell one from another file.
import { MalformedEvidence, shown } from "./errors.js";

const PEM = /^\s*-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*$/;
const SEQUENCE = 0x30;
const BIT_STRING = 0x03;

export function requirePem(pem, what) {
  const der = decode(PEM.exec(pem)?.[1] ?? "");
  const [start, end] = span(der, 0, SEQUENCE);
  const tags = [];
  let position = start;
  while (position > 0 && position < end) {
    tags.push(der[position]);
    [, position] = span(der, position, der[position]);
  }
  const whole = end === der.length && position === end;
  if (!whole || tags.join() !== [SEQUENCE, SEQUENCE, BIT_STRING].join()) {
    throw new MalformedEvidence(`${what}: not a certificate in PEM: ${shown(pem, 40)}`);
  }
}

function decode(base64) {
  const text = base64.replace(/\s+/g, "");
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return new Uint8Array();
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** Where the value of the DER element at `position` starts and ends; [0, 0] for another tag or a bad length. */
function span(der, position, tag) {
  if (position + 2 > der.length || der[position] !== tag) return [0, 0];
  let length = der[position + 1];
  let start = position + 2;
  if (length >= 0x80) {
    const digits = length - 0x80;
    length = der.slice(start, start + digits).reduce((total, byte) => total * 256 + byte, 0);
    start += digits;
  }
  return start + length <= der.length ? [start, start + length] : [0, 0];
}
