// Transaction receipts in their consensus encoding (EIP-2718, EIP-658; sandbox/evidence/transaction_receipt.py).
import { toHex } from "./bytes.js";
import { MalformedEvidence } from "./errors.js";
import * as rlp from "./rlp.js";

const TYPES = new Set([1, 2, 3, 4]);

/** {succeeded, logs: [{address, topics, data}]} */
export function decode(data) {
  const what = "transaction receipt";
  if (data.length === 0) throw new MalformedEvidence(`${what}: empty`);
  const isLegacy = data[0] >= 0xc0;
  if (!isLegacy && !TYPES.has(data[0])) throw new MalformedEvidence(`${what}: unknown transaction type ${data[0]}`);
  const items = rlp.asList(rlp.decode(isLegacy ? data : data.subarray(1), what), what);
  if (items.length !== 4) {
    throw new MalformedEvidence(`${what}: expected 4 fields (status, gas, bloom, logs), got ${items.length}`);
  }
  const status = rlp.asBytes(items[0], `${what} status`);
  if (status.length > 1 || (status.length === 1 && status[0] !== 1)) {
    throw new MalformedEvidence(`${what}: expected status 0 or 1 (EIP-658), got ${toHex(status.slice(0, 40))}`);
  }
  rlp.asInteger(items[1], `${what} cumulative gas`);
  rlp.asBytes(items[2], `${what} bloom`, 256);
  return { succeeded: status.length === 1, logs: rlp.asList(items[3], `${what} logs`).map(readLog) };
}

function readLog(item) {
  const parts = rlp.asList(item, "log");
  if (parts.length !== 3) {
    throw new MalformedEvidence(`log: expected 3 fields (address, topics, data), got ${parts.length}`);
  }
  const topics = rlp.asList(parts[1], "log topics");
  if (topics.length > 4) throw new MalformedEvidence(`log: at most 4 topics, got ${topics.length}`);
  return {
    address: rlp.asBytes(parts[0], "log address", 20),
    topics: topics.map((topic) => rlp.asBytes(topic, "log topic", 32)),
    data: rlp.asBytes(parts[2], "log data"),
  };
}
