// The sealer's note: which block the sealing key sealed, and at what real time (sandbox/evidence/sealer.py).
import { same, toHex } from "./bytes.js";
import { fromDecimal, fromHex } from "./encoding.js";
import { Because, MalformedEvidence, shown } from "./errors.js";
import { openNote, split } from "./note.js";

const FIRST_LINE = "baas-sandbox/sealed-block/v1";
export const MAX_AHEAD_MS = 15_000n;

/** {chainId, number, hash, timeMs, moved: {acts, offsetMs} or null}: numbers are BigInts. */
export function parse(text) {
  const lines = text.split("\n");
  if ((lines.length !== 6 && lines.length !== 7) || lines[0] !== FIRST_LINE || lines.at(-1) !== "") {
    throw new MalformedEvidence(
      `a sealer's note starts with '${FIRST_LINE}' and has five or six lines, got ${shown(text, 120)}`,
    );
  }
  const [chain, block, hash, time] = ["chain", "block", "hash", "time"].map((word, at) => after(lines[at + 1], word));
  const sealed = {
    chainId: fromDecimal(chain, "sealed block chain"),
    number: fromDecimal(block, "sealed block number"),
    hash: fromHex(hash, "sealed block hash", { length: 32 }),
    timeMs: fromDecimal(time, "sealed block time"),
    moved: lines.length === 7 ? readMoved(after(lines[5], "moved")) : null,
  };
  if (sealed.chainId < 1n) throw new MalformedEvidence("sealed block: negative or zero values");
  return sealed;
}

function readMoved(text) {
  const space = text.indexOf(" ");
  const offset = text.slice(space + 1);
  if (space < 0 || offset === "-0") {
    throw new MalformedEvidence(`sealed block: expected 'moved <acts> <milliseconds>', got ${shown(text)}`);
  }
  const acts = fromDecimal(text.slice(0, space), "sealed block acts");
  const size = fromDecimal(offset.startsWith("-") ? offset.slice(1) : offset, "sealed block offset");
  if (acts < 1n) throw new MalformedEvidence(`sealed block: a clock that was moved was moved once or more, got ${acts}`);
  return { acts, offsetMs: offset.startsWith("-") ? -size : size };
}

/** {block, note}: the block that at least one known sealing key vouches for. */
export function openSealedBlock(text, verifiers) {
  const note = openNote(text, verifiers);
  return { block: parse(note.text), note };
}

/** Throws VerificationError unless the note is of this very block of this chain. */
export function requireOf(sealed, chainId, block) {
  if (sealed.chainId !== BigInt(chainId) || sealed.number !== block.number || !same(sealed.hash, block.hash)) {
    throw new Because("sealer.other-block", {
      chain_id: sealed.chainId, number: sealed.number, hash: toHex(sealed.hash),
      chain: chainId, block: block.number, header: toHex(block.hash),
    });
  }
}

/** Throws VerificationError where the block's own timestamp is further ahead of the real time than is allowed. */
export function requireNotAhead(sealed, block) {
  const aheadMs = block.timestamp * 1000n - (sealed.moved?.offsetMs ?? 0n) - sealed.timeMs;
  if (aheadMs > MAX_AHEAD_MS) {
    const key = sealed.moved ? "sealer.ahead-moved" : "sealer.ahead";
    throw new Because(key, { ahead_ms: aheadMs, allowed_ms: MAX_AHEAD_MS });
  }
}

/** What a sealer's note claims, before anybody checked who signed it. */
export const parseUnverified = (note) => parse(split(note).text);

function after(line, word) {
  if (!line.startsWith(`${word} `)) {
    throw new MalformedEvidence(`sealed block: expected a line '${word} …', got ${shown(line)}`);
  }
  return line.slice(word.length + 1);
}
