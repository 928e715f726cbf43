// Signed transactions of EIP-1559 (type 2): what an account signed, and the hash that its signature is of
// (sandbox/evidence/transaction.py). Other types are refused: a legacy one need not say for which chain it was signed.
import { concat, toHex, toInteger } from "./bytes.js";
import { MalformedEvidence } from "./errors.js";
import { keccak } from "./keccak.js";
import * as rlp from "./rlp.js";
import { requireSigned } from "./secp256k1.js";

const TYPE = 2;
const FIELDS = 12;
const SIGNED_FIELDS = 9; // all but the signature's three

/** {chainId, to, data, signingHash, r, s} of the consensus encoding (EIP-2718): numbers are BigInts. */
export function parse(raw) {
  const what = "transaction";
  if (raw[0] !== TYPE) {
    throw new MalformedEvidence(`${what}: expected one of EIP-1559 (type ${TYPE}), got ${toHex(raw.subarray(0, 1))}`);
  }
  const items = rlp.asList(rlp.decode(raw.subarray(1), what), what);
  if (items.length !== FIELDS) {
    throw new MalformedEvidence(`${what}: expected ${FIELDS} fields (EIP-1559), got ${items.length}`);
  }
  for (const [at, name] of [[2, "priority fee"], [3, "fee"], [6, "value"]]) quantity(items[at], `${what} ${name}`);
  rlp.asInteger(items[1], `${what} nonce`);
  rlp.asInteger(items[4], `${what} gas`);
  rlp.asList(items[8], `${what} access list`);
  const to = rlp.asBytes(items[5], `${what} recipient`);
  if (to.length !== 0 && to.length !== 20) {
    throw new MalformedEvidence(`${what} recipient: expected 20 bytes or none, got ${to.length}`);
  }
  if (rlp.asInteger(items[9], `${what} y parity`) > 1n) throw new MalformedEvidence(`${what} y parity: expected 0 or 1`);
  return {
    chainId: rlp.asInteger(items[0], `${what} chain id`),
    to,
    data: rlp.asBytes(items[7], `${what} data`),
    signingHash: keccak(concat(Uint8Array.of(TYPE), rlp.encode(items.slice(0, SIGNED_FIELDS)))),
    r: quantity(items[10], `${what} r`),
    s: quantity(items[11], `${what} s`),
  };
}

/** Throws VerificationError unless this public key (64 bytes) signed it. */
export const requireSignedBy = ({ signingHash, r, s }, publicKey) => requireSigned(publicKey, signingHash, r, s);

/** A whole number of up to 256 bits, without leading zero bytes. */
function quantity(item, what) {
  const data = rlp.asBytes(item, what);
  if (data.length > 32 || data[0] === 0) {
    throw new MalformedEvidence(`${what}: expected 32 bytes or fewer, none leading zero, got ${toHex(data.slice(0, 40))}`);
  }
  return toInteger(data);
}
