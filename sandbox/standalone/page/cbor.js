// CBOR (RFC 8949), as far as our COSE receipts use it (sandbox/evidence/cbor.py). Whole numbers are BigInts, maps are
// Maps, tag 18 is a Sign1. What is read is written again and compared by whoever reads: there is one spelling.
import { concat, fromUtf8, toInteger, utf8 } from "./bytes.js";
import { MalformedEvidence } from "./errors.js";

const MAX_BYTES = 16 << 10;
const MAX_DEPTH = 8;
const SIGN1_TAG = 0xd2;
const LITERALS = new Map([[0xf4, false], [0xf5, true], [0xf6, null]]);

/** What stands under tag 18. */
export class Tagged {
  constructor(value) {
    this.value = value;
  }
}

/** The value of one CBOR item that fills `data`. */
export function loads(data, what) {
  if (data.length > MAX_BYTES) {
    throw new MalformedEvidence(`${what}: at most ${MAX_BYTES} bytes of CBOR, got ${data.length}`);
  }
  const [value, end] = read(data, 0, what, 1);
  if (end !== data.length) {
    throw new MalformedEvidence(`${what}: expected ${end} bytes of CBOR and no more, got ${data.length}`);
  }
  return value;
}

function read(data, at, what, depth) {
  if (depth > MAX_DEPTH) throw new MalformedEvidence(`${what}: CBOR nested deeper than ${MAX_DEPTH - 1} levels`);
  const head = data[at];
  if (LITERALS.has(head)) return [LITERALS.get(head), at + 1];
  if (head === SIGN1_TAG && at === 0) {
    const [value, end] = read(data, 1, what, depth + 1);
    return [new Tagged(value), end];
  }
  const kind = head >> 5;
  const short = head & 0x1f;
  if (head === undefined || kind > 5 || short > 27) {
    throw new MalformedEvidence(`${what}: CBOR ends too early, or holds what is not used here (byte ${at})`);
  }
  const width = short < 24 ? 0 : 1 << (short - 24);
  const start = at + 1 + width;
  const argument = width === 0 ? BigInt(short) : toInteger(data.subarray(at + 1, start));
  if (start > data.length) throw new MalformedEvidence(`${what}: the CBOR ends too early`);
  if (kind === 0) return [argument, start];
  if (kind === 1) return [-1n - argument, start];
  if (argument > BigInt(data.length - start)) throw new MalformedEvidence(`${what}: the CBOR ends too early`);
  const count = Number(argument);
  if (kind === 2) return [data.slice(start, start + count), start + count];
  if (kind === 3) return [readText(data.subarray(start, start + count), what), start + count];
  return readItems(data, start, what, depth, kind === 5, count);
}

function readText(bytes, what) {
  try {
    return fromUtf8(bytes);
  } catch {
    throw new MalformedEvidence(`${what}: a text is no UTF-8`);
  }
}

function readItems(data, start, what, depth, isMap, count) {
  const items = [];
  let at = start;
  while (items.length < (isMap ? 2 * count : count)) {
    const [item, end] = read(data, at, what, depth + 1);
    items.push(item);
    at = end;
  }
  if (!isMap) return [items, at];
  const map = new Map();
  for (let place = 0; place < items.length; place += 2) {
    const [key, value] = items.slice(place, place + 2);
    if (!["bigint", "string"].includes(typeof key)) {
      throw new MalformedEvidence(`${what}: a key is a number or a text`);
    }
    if (map.has(key)) throw new MalformedEvidence(`${what}: a key is repeated in one map`);
    map.set(key, value);
  }
  return [map, at];
}

/** The deterministic encoding (RFC 8949 section 4.2.1) of a value whose maps are in the order of their keys. */
export function dumps(value) {
  if (value === null) return Uint8Array.of(0xf6);
  if (typeof value === "bigint") return value < 0n ? head(1, -1n - value) : head(0, value);
  if (typeof value === "string") {
    const bytes = utf8(value);
    return concat(head(3, BigInt(bytes.length)), bytes);
  }
  if (value instanceof Uint8Array) return concat(head(2, BigInt(value.length)), value);
  if (Array.isArray(value)) return concat(head(4, BigInt(value.length)), ...value.map(dumps));
  if (value instanceof Map) {
    return concat(head(5, BigInt(value.size)), ...[...value].flatMap(([key, item]) => [dumps(key), dumps(item)]));
  }
  if (value instanceof Tagged) return concat(Uint8Array.of(SIGN1_TAG), dumps(value.value));
  throw new TypeError(`no CBOR for ${typeof value}`);
}

function head(kind, argument) {
  if (argument < 24n) return Uint8Array.of((kind << 5) | Number(argument));
  const width = [1, 2, 4, 8].find((bytes) => argument < 1n << BigInt(8 * bytes));
  const bytes = new Uint8Array(1 + width);
  bytes[0] = (kind << 5) | (24 + Math.log2(width));
  for (let at = 0; at < width; at += 1) bytes[width - at] = Number((argument >> BigInt(8 * at)) & 255n);
  return bytes;
}
