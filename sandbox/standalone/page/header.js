// Ethereum block headers (yellow paper 4.4.3), any fork from London on (sandbox/evidence/header.py).
import { MalformedEvidence } from "./errors.js";
import { keccak } from "./keccak.js";
import * as rlp from "./rlp.js";

const LONDON_FIELDS = 16;

/** {hash, transactionsRoot, receiptsRoot, number, timestamp}: the hash is the keccak of these very bytes; numbers are BigInts. */
export function parse(data) {
  const items = rlp.asList(rlp.decode(data, "header"), "header");
  if (items.length < LONDON_FIELDS) {
    throw new MalformedEvidence(`header: expected ${LONDON_FIELDS} fields or more (London), got ${items.length}`);
  }
  rlp.asBytes(items[0], "header parent hash", 32);
  return {
    hash: keccak(data),
    transactionsRoot: rlp.asBytes(items[4], "header transactions root", 32),
    receiptsRoot: rlp.asBytes(items[5], "header receipts root", 32),
    number: rlp.asInteger(items[8], "header number"),
    timestamp: rlp.asInteger(items[11], "header timestamp"),
  };
}
