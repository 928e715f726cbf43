// Signatures of Ethereum accounts: ECDSA over secp256k1 (SEC 1 section 4.1.4, SEC 2 section 2.4.1), and the address that a
// public key has (sandbox/evidence/secp256k1.py and secp256k1_pure.py). It checks and never signs: nothing is secret here.
import { toHex, toInteger } from "./bytes.js";
import { Because, MalformedEvidence } from "./errors.js";
import { keccak } from "./keccak.js";

const P = 2n ** 256n - 2n ** 32n - 977n;
/** The order of the curve's group. */
export const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
export const KEY_SIZE = 64;

// Points in Jacobian coordinates [X, Y, Z]: x = X/Z², y = Y/Z³; Z = 0 is the point at infinity.
const INFINITY = [1n, 1n, 0n];
const BASE = [
  0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n,
  0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n,
  1n,
];

/** The 20 bytes of the account that a public key (x and y, 64 bytes) speaks for. */
export const addressOf = (publicKey) => keccak(publicKey).subarray(12);

/**
 * Throws VerificationError unless (r, s) is this key's signature of the 32-byte digest, with the smaller s of the two
 * (EIP-2); MalformedEvidence where the key is no point of the curve.
 */
export function requireSigned(publicKey, digest, r, s) {
  if (!(0n < r && r < ORDER && 0n < s && s <= ORDER / 2n)) {
    throw new Because("account.range");
  }
  const [x, y] = [toInteger(publicKey.subarray(0, 32)), toInteger(publicKey.subarray(32))];
  if (publicKey.length !== KEY_SIZE || !isPoint(x, y)) {
    throw new MalformedEvidence(`expected the ${KEY_SIZE} bytes of a point of secp256k1, got ${toHex(publicKey.slice(0, 80))}`);
  }
  if (!verify(x, y, digest, r, s)) {
    throw new Because("account.wrong-signature", { key: toHex(publicKey) });
  }
}

/** Whether (x, y) is on the curve y² = x³ + 7, each spelled below p. */
export const isPoint = (x, y) => x < P && y < P && modulo(y * y - x * x * x - 7n, P) === 0n;

/** Whether (r, s) is a signature of the digest by the point (x, y); both values of s count here. */
export function verify(x, y, digest, r, s) {
  if (!(isPoint(x, y) && 0n < r && r < ORDER && 0n < s && s < ORDER)) return false;
  const inverted = inverse(s, ORDER);
  const [u, v] = [(toInteger(digest) * inverted) % ORDER, (r * inverted) % ORDER];
  const [found, , z] = sumOfTwo(u, BASE, v, [x, y, 1n]);
  if (z === 0n) return false;
  const once = inverse(z, P);
  return ((((found * once) % P) * once) % P) % ORDER === r;
}

/** u·a + v·b, both scalars read bit by bit together (Shamir's trick). */
function sumOfTwo(u, a, v, b) {
  const choices = [null, a, b, add(a, b)];
  const [ofA, ofB] = [u, v].map((scalar) => scalar.toString(2).padStart(256, "0"));
  let total = INFINITY;
  for (let bit = 0; bit < 256; bit += 1) {
    total = double(total);
    const chosen = choices[Number(ofA[bit]) | (Number(ofB[bit]) << 1)];
    if (chosen) total = add(total, chosen);
  }
  return total;
}

/** Twice the point (dbl-2009-l). */
function double([x, y, z]) {
  const [a, b] = [(x * x) % P, (y * y) % P];
  const c = (b * b) % P;
  const d = modulo(2n * ((x + b) * (x + b) - a - c), P);
  const e = 3n * a;
  const found = modulo(e * e - 2n * d, P);
  return [found, modulo(e * (d - found) - 8n * c, P), (2n * y * z) % P];
}

/** The sum (add-2007-bl), with the cases that its formulas leave out. */
function add(a, b) {
  if (a[2] === 0n) return b;
  if (b[2] === 0n) return a;
  const [[x1, y1, z1], [x2, y2, z2]] = [a, b];
  const [z1z1, z2z2] = [(z1 * z1) % P, (z2 * z2) % P];
  const [u1, u2] = [(x1 * z2z2) % P, (x2 * z1z1) % P];
  const [s1, s2] = [(((y1 * z2) % P) * z2z2) % P, (((y2 * z1) % P) * z1z1) % P];
  const [h, r] = [modulo(u2 - u1, P), modulo(2n * (s2 - s1), P)];
  if (h === 0n) return r === 0n ? double(a) : INFINITY;
  const i = (4n * h * h) % P;
  const [j, v] = [(h * i) % P, (u1 * i) % P];
  const x = modulo(r * r - j - 2n * v, P);
  return [x, modulo(r * (v - x) - 2n * s1 * j, P), modulo(((z1 + z2) * (z1 + z2) - z1z1 - z2z2) * h, P)];
}

/** The inverse of a number from 1 to modulus - 1, by Euclid. */
function inverse(number, modulus) {
  let [a, b, u, v] = [number, modulus, 1n, 0n];
  while (a !== 1n) {
    const quotient = b / a;
    [a, b, u, v] = [b - quotient * a, a, v - quotient * u, u];
  }
  return modulo(u, modulus);
}

const modulo = (number, modulus) => {
  const rest = number % modulus;
  return rest < 0n ? rest + modulus : rest;
};
