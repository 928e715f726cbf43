// Verification of a hand-over: numbered steps in a fixed order, against a trust root and the accounts of the two bodies,
// which no evidence can state of itself (sandbox/evidence/hand_over.py).
import { same, toHex } from "./bytes.js";
import { fromHex, utcText } from "./encoding.js";
import { Because, EvidenceError, MalformedEvidence, VerificationError } from "./errors.js";
import { eventOf, filled, readCall, sameLog } from "./hand_over_calls.js";
import { isFinal, isOne, namesOf, parse, statusOf } from "./hand_over_file.js";
import * as header from "./header.js";
import { verifiedNames } from "./note.js";
import { flagged, notChecked, passed, refused, Report } from "./report.js";
import * as rlp from "./rlp.js";
import { openSealedBlock, requireNotAhead, requireOf } from "./sealer.js";
import { addressOf } from "./secp256k1.js";
import * as transaction from "./transaction.js";
import * as transactionReceipt from "./transaction_receipt.js";
import * as trie from "./trie.js";
import { chainOf, requireValid } from "./trust.js";

export { isOne, parse };

/** The template of the contracts that are taken for hand-overs: the trust root names it beside each address. */
const TEMPLATE = "hand-over";

/** The accounts, as people write them, of the body that offers the act and of the one to which it offers it. */
export class Bodies {
  constructor(offering, receiving) {
    const account = (text, what) => fromHex(text.toLowerCase(), what, { length: 20, prefix: "0x" });
    this.offering = account(offering, "the account of the body that offered the act");
    this.receiving = account(receiving, "the account of the body that answered");
    if (same(this.offering, this.receiving)) {
      throw new MalformedEvidence("a hand-over is between two bodies, and these are one account");
    }
  }

  /** Who may take a step. */
  of(step) {
    return step === "offer" ? this.offering : this.receiving;
  }
}

/** Check one hand-over; the answer is a Report whatever the evidence holds. `document` is the act's. */
export async function verify(evidence, document, trust, bodies) {
  const [stated] = evidence.document.digests;
  const made = { evidence, stated, digest: await document.digest(stated.algorithm), trust, bodies };
  const found = { ...made, blocks: [], sealed: [], signed: [], calls: [] };
  const steps = [];
  let stoppedAt = null;
  for (const [at, [name, layer, check]] of CHECKS.entries()) {
    const outcome = stoppedAt === null ? outcomeOf(check, found) : notChecked("step.stopped", { step: stoppedAt });
    if (outcome.result === "failed") stoppedAt = at + 1;
    steps.push({ number: at + 1, name, layer, required: name !== "opened", outcome });
  }
  return new Report(steps);
}

function outcomeOf(check, found) {
  try {
    return check(found);
  } catch (error) {
    if (error instanceof EvidenceError) return refused("hand-over", error);
    throw error;
  }
}

const withDetails = (outcome, details) => ({ ...outcome, details });

function actDigest({ stated, digest }) {
  if (!digest.equals(stated)) {
    throw new Because("act.other", {
      algorithm: stated.algorithm, digest: toHex(stated.value),
      found: digest.algorithm, actual: toHex(digest.value),
    });
  }
  return passed("hand-over.digest", { algorithm: stated.algorithm, digest: toHex(stated.value) });
}

function actCommitment({ evidence }) {
  const opened = evidence.document.commitment;
  if (!same(opened, evidence.act)) {
    throw new Because("act.commitment", { opened: toHex(opened), act: toHex(evidence.act) });
  }
  return passed("hand-over.act", { act: toHex(opened) });
}

function contractTrusted(found) {
  const { chainId, contract } = found.evidence;
  found.chain = chainOf(found.trust, chainId);
  if (found.chain === null) throw new Because("hand-over.unknown-chain", { chain_id: chainId });
  const known = found.chain.contracts.find(({ address }) => same(address, contract));
  if (known?.template !== TEMPLATE) {
    throw new Because("hand-over.untrusted", { contract: `0x${toHex(contract)}`, template: TEMPLATE, chain_id: chainId });
  }
  return passed("hand-over.contract", { contract: `0x${toHex(contract)}`, chain_id: chainId });
}

function sequence({ evidence }) {
  const [names, status] = [namesOf(evidence.steps), statusOf(evidence)];
  if (status === null) {
    throw new Because("hand-over.sequence", { steps: names });
  }
  return passed("hand-over.sequence", { steps: names, status });
}

function sealedBlocks({ evidence, chain, blocks, sealed }) {
  const details = evidence.steps.map(({ step, header: data, sealerNote }) => {
    const block = header.parse(data);
    const opened = openSealedBlock(sealerNote, chain.sealingKeys.map(({ verifier }) => verifier));
    requireOf(opened.block, chain.chainId, block);
    blocks.push(block);
    sealed.push(opened);
    const { number, hash } = block;
    const keys = verifiedNames(opened.note);
    return { key: "hand-over.block", values: { step, keys, number, chain_id: chain.chainId, hash: `0x${toHex(hash)}` } };
  });
  return withDetails(passed("hand-over.sealed"), details);
}

function blockTimes({ evidence, chain, blocks, sealed }) {
  const details = evidence.steps.map(({ step }, at) => {
    const { block, note } = sealed[at];
    requireNotAhead(block, blocks[at]);
    requireValid(chain.sealingKeys, note, block.timeMs, "sealing key");
    return { key: "hand-over.time", values: { step, time: utcText(block.timeMs), time_ms: block.timeMs } };
  });
  const isMoved = sealed.some(({ block }) => block.moved !== null);
  return withDetails(isMoved ? flagged("hand-over.moved") : passed("hand-over.times"), details);
}

const keyOf = ({ transactionIndex }) => rlp.encodeInteger(transactionIndex);

function transactions({ evidence, blocks, signed }) {
  for (const [at, each] of evidence.steps.entries()) {
    if (!same(trie.verify(blocks[at].transactionsRoot, keyOf(each), each.transactionProof), each.transaction)) {
      throw new Because("hand-over.other-transaction", { step: each.step, index: each.transactionIndex });
    }
    signed.push(transaction.parse(each.transaction));
  }
  return passed("hand-over.transactions");
}

/** Who signed what: each step's own body, for this chain, this contract, this act and this very step. */
function signatures({ evidence, bodies, signed, calls }) {
  const details = evidence.steps.map(({ step, publicKey }, at) => {
    const [body, signer] = [bodies.of(step), addressOf(publicKey)];
    if (!same(signer, body)) {
      throw new Because("hand-over.other-body", { step, body: `0x${toHex(body)}`, signer: `0x${toHex(signer)}` });
    }
    transaction.requireSignedBy(signed[at], publicKey);
    calls.push(callOf(signed[at], step, evidence, bodies));
    return { key: "hand-over.signed", values: { step, body: `0x${toHex(body)}` } };
  });
  return withDetails(passed("hand-over.signatures"), details);
}

/** What a signed transaction asks the contract for, which must be this step of this act. */
function callOf({ chainId, to, data }, step, evidence, bodies) {
  if (chainId !== BigInt(evidence.chainId) || !same(to, evidence.contract)) {
    throw new Because("hand-over.other-chain", { step, chain_id: chainId, contract: `0x${toHex(to)}` });
  }
  const call = readCall(data);
  if (call.step !== step || !same(call.act, evidence.act)) {
    throw new VerificationError(
      `${step} of ${toHex(evidence.act)}: the transaction asks for ${call.step} of ${toHex(call.act)}`,
    );
  }
  if (step === "offer" && !same(call.word, filled(bodies.receiving))) {
    throw new Because("hand-over.other-receiver", { account: toHex(call.word) });
  }
  return call;
}

function events({ evidence, bodies, blocks, calls }) {
  for (const [at, each] of evidence.steps.entries()) {
    const { step, logIndex } = each;
    if (!same(trie.verify(blocks[at].receiptsRoot, keyOf(each), each.receiptProof), each.receipt)) {
      throw new Because("hand-over.other-receipt", { step });
    }
    const { succeeded, logs } = transactionReceipt.decode(each.receipt);
    if (!succeeded) throw new Because("hand-over.failed", { step });
    if (logIndex >= logs.length) {
      throw new Because("hand-over.no-log", { step, count: logs.length, index: logIndex });
    }
    if (!sameLog(logs[logIndex], eventOf(calls[at], evidence.contract, bodies.of(step)))) {
      throw new Because("hand-over.other-event", { step });
    }
  }
  return passed("hand-over.events");
}

function order({ evidence, blocks }) {
  const places = evidence.steps.map(({ transactionIndex }, at) => [blocks[at].number, transactionIndex]);
  for (const [at, [number, index]] of places.entries()) {
    if (at === 0) continue;
    const [before, earlier] = places[at - 1];
    if (number < before || (number === before && index <= earlier)) {
      throw new Because("hand-over.order", { block: number, index, before, earlier });
    }
  }
  return passed("hand-over.order");
}

function opened({ evidence, calls }) {
  const details = [];
  for (const [at, { step, opens }] of evidence.steps.entries()) {
    if (opens === null) continue;
    if (step !== "reject" && step !== "complete") {
      throw new Because("hand-over.nothing-to-open", { step });
    }
    const { word } = calls[at];
    if (!same(opens.commitment, word)) {
      throw new Because("hand-over.not-opened", { step, commitment: toHex(word) });
    }
    const [{ algorithm, value }] = opens.digests;
    details.push({ key: "hand-over.opens", values: { step, algorithm, digest: toHex(value) } });
  }
  if (details.length === 0) return notChecked("hand-over.closed");
  return withDetails(passed("hand-over.opened"), details);
}

function ended({ evidence }) {
  const status = statusOf(evidence);
  return isFinal(status) ? passed("hand-over.final", { status }) : notChecked("hand-over.open", { status });
}

/** Each check: its name, its layer, and what it does. Their order is their numbers'. */
const CHECKS = [
  ["act-digest", "document", actDigest],
  ["act-commitment", "document", actCommitment],
  ["hand-over-contract", "anchor", contractTrusted],
  ["sequence", "anchor", sequence],
  ["sealed-blocks", "anchor", sealedBlocks],
  ["block-times", "time", blockTimes],
  ["transactions", "anchor", transactions],
  ["signatures", "anchor", signatures],
  ["events", "anchor", events],
  ["order", "time", order],
  ["opened", "document", opened],
  ["final", "status", ended],
];
