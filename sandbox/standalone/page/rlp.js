// RLP, Ethereum's serialisation (yellow paper, appendix B), one spelling of each item (sandbox/evidence/rlp.py).
// An item is a Uint8Array, or an array of items.
import { concat, toHex, toInteger } from "./bytes.js";
import { MalformedEvidence } from "./errors.js";

const MAX_DEPTH = 32;

export function encode(item) {
  if (item instanceof Uint8Array) {
    if (item.length === 1 && item[0] < 0x80) return item;
    return concat(prefix(item.length, 0x80), item);
  }
  const payload = concat(...item.map(encode));
  return concat(prefix(payload.length, 0xc0), payload);
}

/** Of a whole number: of its big-endian bytes without leading zeros. */
export const encodeInteger = (number) => encode(bigEndian(BigInt(number)));

/** The item that `data` encodes, with nothing after it; `what` names it in errors. */
export function decode(data, what) {
  let found;
  try {
    found = items(data, 0, data.length, 0);
  } catch (error) {
    if (error instanceof MalformedEvidence) throw new MalformedEvidence(`${what}: this is not RLP: ${error.message}`);
    throw error;
  }
  if (found.length !== 1) throw new MalformedEvidence(`${what}: expected one RLP item, got ${found.length}`);
  return found[0];
}

export function asList(item, what) {
  if (item instanceof Uint8Array) {
    throw new MalformedEvidence(`${what}: expected an RLP list, got a string of ${item.length} bytes`);
  }
  return item;
}

export function asBytes(item, what, length) {
  if (!(item instanceof Uint8Array)) {
    throw new MalformedEvidence(`${what}: expected an RLP string, got a list of ${item.length} items`);
  }
  if (length !== undefined && item.length !== length) {
    throw new MalformedEvidence(`${what}: expected ${length} bytes, got ${item.length}`);
  }
  return item;
}

/** A whole number of at most 8 bytes without leading zeros: a BigInt. */
export function asInteger(item, what) {
  const data = asBytes(item, what);
  if (data.length > 8 || data[0] === 0) {
    throw new MalformedEvidence(`${what}: expected 8 bytes or fewer, none leading zero, got ${toHex(data.slice(0, 40))}`);
  }
  return toInteger(data);
}

function items(data, from, end, depth) {
  if (depth > MAX_DEPTH) throw new MalformedEvidence(`lists nested deeper than ${MAX_DEPTH}`);
  const found = [];
  for (let position = from; position < end; ) {
    const [start, stop, isList] = span(data, position);
    if (stop > end) {
      throw new MalformedEvidence(`the item at byte ${position} runs past its list's end at ${end}`);
    }
    found.push(isList ? items(data, start, stop, depth + 1) : data.subarray(start, stop));
    position = stop;
  }
  return found;
}

/** Where the payload of the item at `position` starts and ends, and whether it is a list's. */
function span(data, position) {
  const first = data[position];
  if (first < 0x80) return [position, position + 1, false];
  const isList = first >= 0xc0;
  let length = first - (isList ? 0xc0 : 0x80);
  let start = position + 1;
  if (length > 55) {
    const digits = data.subarray(start, start + length - 55);
    start += length - 55;
    length = Number(toInteger(digits));
    if (start > data.length || length <= 55 || digits[0] === 0) {
      throw new MalformedEvidence(`the length at byte ${position} is cut off or not in its shortest form`);
    }
  }
  const end = start + length;
  if (end > data.length) {
    throw new MalformedEvidence(`the item at byte ${position} ends at ${end}, the data at ${data.length}`);
  }
  if (!isList && length === 1 && data[start] < 0x80) {
    throw new MalformedEvidence(`the single byte at ${position} is not in its shortest form`);
  }
  return [start, end, isList];
}

function prefix(length, offset) {
  if (length <= 55) return Uint8Array.of(offset + length);
  const digits = bigEndian(BigInt(length));
  return concat(Uint8Array.of(offset + 55 + digits.length), digits);
}

function bigEndian(number) {
  if (number === 0n) return new Uint8Array();
  const hex = number.toString(16);
  const even = hex.length % 2 ? `0${hex}` : hex;
  return Uint8Array.from(even.match(/../g), (pair) => parseInt(pair, 16));
}
