// The event by which a contract records a log's root (sandbox/evidence/anchored_root.py).
import { same, toHex, toInteger, utf8 } from "./bytes.js";
import { VerificationError } from "./errors.js";
import { keccak } from "./keccak.js";

const SIGNATURE = "RootAnchored(bytes32,uint64,uint64,address)";
const TOPIC = keccak(utf8(SIGNATURE));

/** {root, oldSize, newSize, by} of a contract's log, by the ABI; sizes are BigInts. */
export function decode({ topics, data }) {
  if (topics.length !== 3 || !same(topics[0], TOPIC) || data.length !== 64) {
    throw new VerificationError(`the contract's log is not ${SIGNATURE}`);
  }
  const oldSize = toInteger(data.subarray(0, 32));
  const newSize = toInteger(data.subarray(32));
  if (oldSize >= newSize || newSize >= 1n << 64n || topics[2].subarray(0, 12).some(Boolean)) {
    throw new VerificationError(`${SIGNATURE} holds values out of their range: ${toHex(data)}`);
  }
  return { root: topics[1], oldSize, newSize, by: topics[2].subarray(12) };
}
