// What bodies ask a hand-over contract for, and the events it answers with (sandbox/evidence/hand_over_calls.py).
import { concat, same, toHex, utf8 } from "./bytes.js";
import { VerificationError } from "./errors.js";
import { keccak } from "./keccak.js";

const WORD = 32;
/** Step → the call, the event, and how many words of 32 bytes the call takes. */
const SHAPES = new Map(
  [
    ["offer", "offer(bytes32,address)", "ActOffered(bytes32,address,address)", 2],
    ["accept", "accept(bytes32)", "ActAccepted(bytes32,address)", 1],
    ["reject", "reject(bytes32,bytes32)", "ActRejected(bytes32,address,bytes32)", 2],
    ["complete", "complete(bytes32,bytes32)", "ActCompleted(bytes32,address,bytes32)", 2],
  ].map(([step, call, event, words]) => [
    step,
    { selector: keccak(utf8(call)).subarray(0, 4), topic: keccak(utf8(event)), words },
  ]),
);
export const STEPS = [...SHAPES.keys()];

/** {step, act, word} that a transaction's calldata asks for; `word` is what it takes besides the act, of no bytes or 32. */
export function readCall(data) {
  for (const [step, { selector, words }] of SHAPES) {
    if (same(data.subarray(0, 4), selector) && data.length === 4 + words * WORD) {
      return { step, act: data.subarray(4, 4 + WORD), word: data.subarray(4 + WORD) };
    }
  }
  throw new VerificationError(
    `the transaction asks for no step of a hand-over: its data is ${toHex(data.subarray(0, 80))}`,
  );
}

/** The log {address, topics, data} that the contract leaves when the account `by` takes this step. */
export function eventOf({ step, act, word }, contract, by) {
  const topics = [SHAPES.get(step).topic, act, filled(by)];
  if (step === "offer") return { address: contract, topics: [...topics, word], data: new Uint8Array() };
  return { address: contract, topics, data: word };
}

export const sameLog = (a, b) =>
  same(a.address, b.address) &&
  a.topics.length === b.topics.length &&
  a.topics.every((topic, at) => same(topic, b.topics[at])) &&
  same(a.data, b.data);

/** An address, filled up to a word. */
export const filled = (address) => concat(new Uint8Array(WORD - address.length), address);
