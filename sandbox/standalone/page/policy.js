// The verification steps, one object each, and the policies that say which of them must pass
// (sandbox/evidence/policy.py). A step gives an outcome or throws an EvidenceError, which is a failure.
import * as algorithms from "./algorithms.js";
import * as anchoredRoot from "./anchored_root.js";
import { same, toHex } from "./bytes.js";
import { openCheckpoint } from "./checkpoint.js";
import * as document from "./document.js";
import { utcText } from "./encoding.js";
import { Because, VerificationError } from "./errors.js";
import * as header from "./header.js";
import * as manifest from "./manifest.js";
import * as merkle from "./merkle.js";
import { verifiedNames } from "./note.js";
import * as renewals from "./renewal.js";
import { failed, flagged, notChecked, passed } from "./report.js";
import * as rlp from "./rlp.js";
import { MAX_AHEAD_MS, openSealedBlock, requireNotAhead, requireOf } from "./sealer.js";
import * as transactionReceipt from "./transaction_receipt.js";
import * as trie from "./trie.js";
import { chainOf, isWithin, logOf, requireValid } from "./trust.js";
import { witnessed } from "./witnesses.js";

const verifiers = (keys) => keys.map((key) => key.verifier);

const documentDigest = {
  number: 1, name: "document-digest", layer: "document", needsAnchor: false,
  async run(context) {
    const { receipt } = context;
    if (receipt.manifest) manifest.requireHeader(receipt.manifest, receipt.document);
    if (context.match) return opens(context.match);
    const { digests } = context.held;
    const match = await document.match(context.document, digests);
    const [{ algorithm, value }] = digests;
    if (match.exact) return passed("document.exact", { algorithm, digest: toHex(value) });
    if (match.revision) return ofRevision(match);
    return failed("document.differs", {
      actual: toHex(match.actual.value), found: match.actual.algorithm, digest: toHex(value), algorithm,
    });
  },
};

/** Step 1 of an encoding without digests: the document's own, with the salt, open the entry's commitment or not. */
function opens(match) {
  const { algorithm, value } = match.actual;
  if (match.exact) return passed("document.opens", { algorithm, digest: toHex(value) });
  if (match.revision) return ofRevision(match);
  return failed("document.unopened", { algorithm, actual: toHex(value) });
}

function ofRevision(match) {
  const { revision, revisions, end, actual } = match;
  return { ...passed("document.revision", { revision, revisions, end }), details: details(match, actual.algorithm) };
}

/** What there is to say of each revision of a document of which an earlier one was notarised. */
function details({ states, tail }, algorithm) {
  const lines = states.map(({ end, digest, notarised }, position) => ({
    key: notarised ? "document.revision-notarised" : "document.revision-other",
    values: { number: position + 1, end, algorithm, digest: toHex(digest) },
  }));
  if (tail > 0) lines.push({ key: "document.tail", values: { count: tail } });
  return lines;
}

const commitmentOpens = {
  number: 2, name: "commitment", layer: "document", needsAnchor: false,
  run: ({ receipt }) => passed("commitment.opened", { commitment: toHex(receipt.document.commitment) }),
};

const entryCommitment = {
  number: 3, name: "entry", layer: "document", needsAnchor: false,
  run({ receipt: { document: salted, entry } }) {
    if (entry.commitment === null) return failed("entry.empty", { kind: entry.kind });
    if (!same(entry.commitment, salted.commitment)) {
      return failed("entry.other", { found: toHex(entry.commitment) });
    }
    return passed("entry.carries", { kind: entry.kind });
  },
};

const leafIncluded = {
  number: 4, name: "inclusion", layer: "log", needsAnchor: false,
  run({ receipt: { inclusion, entry }, statement }) {
    const { root } = statement.claimed(); // step 5 checks who says so
    merkle.verifyInclusion(entry.leafHash, inclusion.index, inclusion.size, inclusion.proof, root);
    return passed("inclusion.proven", { index: inclusion.index, size: inclusion.size, root: toHex(root) });
  },
};

const checkpointSigned = {
  number: 5, name: "checkpoint", layer: "log", needsAnchor: false,
  run(context) {
    const { receipt: { inclusion }, statement } = context;
    const log = logOf(context.trust, inclusion.origin);
    if (log === null) {
      throw new Because("checkpoint.unknown-log", { origin: inclusion.origin });
    }
    const opened = statement.open(verifiers(log.keys));
    const { origin, size } = opened.checkpoint;
    if (origin !== inclusion.origin || size !== BigInt(inclusion.size)) {
      throw new Because("checkpoint.other-log", { stated: origin, stated_size: size, origin: inclusion.origin, size: inclusion.size });
    }
    Object.assign(context, { log, opened });
    return passed("checkpoint.signed", { keys: verifiedNames(opened.note), origin, size });
  },
};

const contractTrusted = {
  number: 6, name: "contract", layer: "anchor", needsAnchor: true,
  run(context) {
    const { log, anchor } = context;
    const chain = chainOf(context.trust, anchor.chainId);
    if (chain === null || log.chainId !== anchor.chainId) {
      throw new Because("contract.other-chain", { origin: log.origin, expected: log.chainId, chain_id: anchor.chainId });
    }
    const contract = `0x${toHex(anchor.contract)}`;
    if (!log.contracts.some((trusted) => same(trusted, anchor.contract))) {
      throw new Because("contract.untrusted", { contract, origin: log.origin });
    }
    context.chain = chain;
    return passed("contract.trusted", { contract, chain_id: anchor.chainId });
  },
};

const headerSealed = {
  number: 7, name: "sealed-header", layer: "anchor", needsAnchor: true,
  run(context) {
    const { anchor, chain } = context;
    const block = header.parse(anchor.header);
    const sealed = openSealedBlock(anchor.sealerNote, verifiers(chain.sealingKeys));
    requireOf(sealed.block, chain.chainId, block);
    Object.assign(context, { header: block, sealed });
    return passed("header.sealed", {
      keys: verifiedNames(sealed.note), number: block.number, chain_id: chain.chainId, hash: `0x${toHex(block.hash)}`,
    });
  },
};

const timeCoherent = {
  number: 8, name: "validity-and-time", layer: "time", needsAnchor: false,
  run(context) {
    if (context.anchor === null) return undated(context);
    const { block, note } = context.sealed;
    const statedMs = context.header.timestamp * 1000n;
    requireNotAhead(block, context.header);
    requireValid(context.chain.sealingKeys, note, block.timeMs, "sealing key");
    requireValid(context.log.keys, context.opened.note, block.timeMs, "log key");
    const time = { time: utcText(block.timeMs), time_ms: block.timeMs };
    if (block.moved === null) return passed("time.stated", time);
    return flagged("time.moved", {
      ...time, acts: block.moved.acts, offset_ms: block.moved.offsetMs, stated: utcText(statedMs),
    });
  },
};

/** Step 8 where no block states a time: the log's key is judged by when the question is asked, or not at all. */
function undated({ log, opened: { note }, asOfMs }) {
  const keys = verifiedNames(note);
  if (asOfMs === null) return notChecked("time.undated", { keys });
  const asOf = utcText(asOfMs);
  const signed = (key) => note.verified.some((verifier) => verifier.key === key.verifier.key);
  if (!log.keys.some((key) => signed(key) && isWithin(asOfMs, key))) return failed("time.expired", { keys, as_of: asOf });
  return passed("time.valid", { keys, as_of: asOf });
}

const transactionReceiptProven = {
  number: 9, name: "transaction-receipt", layer: "anchor", needsAnchor: true,
  run(context) {
    const { anchor } = context;
    const key = rlp.encodeInteger(anchor.transactionIndex);
    const found = trie.verify(context.header.receiptsRoot, key, anchor.receiptProof);
    if (!same(found, anchor.transactionReceipt)) {
      throw new Because("transaction.other");
    }
    const decoded = transactionReceipt.decode(found);
    if (!decoded.succeeded) throw new Because("transaction.failed");
    context.logs = decoded.logs;
    return passed("transaction.proven", { index: anchor.transactionIndex });
  },
};

const rootAnchored = {
  number: 10, name: "anchored-root", layer: "anchor", needsAnchor: true,
  run(context) {
    const { anchor, logs } = context;
    const { root, size } = context.opened.checkpoint;
    if (anchor.logIndex >= logs.length) {
      throw new Because("root.no-log", { count: logs.length, index: anchor.logIndex });
    }
    if (!same(logs[anchor.logIndex].address, anchor.contract)) {
      throw new Because("root.other-contract");
    }
    const event = anchoredRoot.decode(logs[anchor.logIndex]);
    if (!same(event.root, root) || event.newSize !== size) {
      throw new Because("root.other", { root: toHex(event.root), size: event.newSize, stated: toHex(root), stated_size: size });
    }
    return passed("root.anchored", { size, old_size: event.oldSize, by: `0x${toHex(event.by)}` });
  },
};

/** X.509 and CMS are not read here: the page says so, and with what else they are checked. */
const timestampTokens = {
  number: 11, name: "timestamps", layer: "time", needsAnchor: false,
  run({ receipt, trust }) {
    const count = receipt.timestamps.length;
    if (count === 0) return notChecked("timestamps.none");
    return notChecked(trust.timestampRoots.length ? "timestamps.no-library" : "timestamps.no-root", { count });
  },
};

const laterStatus = {
  number: 12, name: "later-status", layer: "status", needsAnchor: false,
  run: ({ receipt }) => notChecked("status.later", { size: receipt.inclusion.size }),
};

const witnessesCosigned = {
  number: 13, name: "witnesses", layer: "log", needsAnchor: false,
  run(context) {
    const { log, receipt } = context;
    if (log.witnesses === null) return notChecked("witnesses.none");
    context.witnessed = witnessed(receipt.checkpoint, log);
    const { seen: all, missing, threshold, colluding } = context.witnessed;
    const seen = all.map(({ name, operator, time }) => `${name} (${operator}) ${utcText(time * 1000n)}`).join(", ");
    const count = all.length;
    if (colluding === null) {
      return failed("witnesses.few", { count, threshold, seen: seen || "nobody", missing: missing.join(", ") });
    }
    const values = { count, threshold, seen, operators: colluding };
    return colluding === 1 ? flagged("witnesses.alone", values) : passed("witnesses.cosigned", values);
  },
};

const lowerBound = {
  number: 14, name: "lower-bound", layer: "time", needsAnchor: true,
  async run(context) {
    const { previous } = context.receipt;
    if (previous === null) return notChecked("bound.none");
    const before = context.but(previous.anchor);
    const size = extended(context, before);
    for (const step of [contractTrusted, headerSealed, timeCoherent, transactionReceiptProven, rootAnchored]) {
      await step.run(before);
    }
    const earliest = before.sealed.block.timeMs;
    const { latest, source, accuracy } = firstSeen(context);
    const names = { before: verifiedNames(before.sealed.note), after: source };
    const times = { not_before: utcText(earliest), not_after: utcText(latest) };
    const allowed = MAX_AHEAD_MS + accuracy;
    if (earliest > latest + allowed) {
      throw new VerificationError(
        `the times contradict each other: the entry was not in the log at ${times.not_before}, says its sealing key, and was at ${times.not_after}, says ${source}; at most ${allowed} ms are explained by their clocks`,
      );
    }
    if (earliest > latest) return flagged("bound.skewed", { size, ...times, ...names, skew_ms: earliest - latest });
    return passed("bound.interval", { size, ...times, ...names, not_before_ms: earliest, not_after_ms: latest });
  },
};

/** The first statement that the entry was there: the sealing key's, or a witness's (a whole second: perhaps its end). */
function firstSeen({ sealed, witnessed: found }) {
  const candidates = [{ latest: sealed.block.timeMs, source: verifiedNames(sealed.note), accuracy: 0n }];
  for (const { name, operator, time } of found?.seen ?? []) {
    candidates.push({ latest: time * 1000n + 999n, source: `${name} (${operator})`, accuracy: 1000n });
  }
  const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  return candidates.sort((a, b) => order(a.latest, b.latest) || order(a.source, b.source))[0];
}

/** The size of an earlier checkpoint of the log, which the receipt's own extends and which has not its entry. */
function extended({ receipt, log, opened }, before) {
  const earlier = openCheckpoint(receipt.previous.checkpoint, verifiers(log.keys));
  const { origin, size, root } = earlier.checkpoint;
  if (origin !== log.origin) {
    throw new VerificationError(`the earlier checkpoint is of log '${origin}', not '${log.origin}'`);
  }
  if (size > BigInt(receipt.inclusion.index)) {
    throw new VerificationError(
      `the earlier checkpoint has ${size} entries: the entry, ${receipt.inclusion.index}, is one of them`,
    );
  }
  const now = opened.checkpoint;
  merkle.verifyConsistency(size, now.size, receipt.previous.consistency, root, now.root);
  Object.assign(before, { log, opened: earlier });
  return size;
}

const onlyStamped = ({ renewals: all }) => all.some((renewal) => renewal.anchor === null);

const algorithmsInForce = {
  number: 15, name: "algorithms", layer: "time", needsAnchor: false,
  run({ receipt, trust, asOfMs }) {
    if (asOfMs === null) return notChecked("algorithms.undated");
    if (onlyStamped(receipt)) return notChecked("algorithms.stamped");
    const found = algorithms.ended(receipt, trust, asOfMs);
    if (found) {
      return failed("algorithms.ended", {
        slug: found.slug, until: utcText(found.until), moment: utcText(found.momentMs),
      });
    }
    return passed("algorithms.hold", {
      as_of: utcText(asOfMs), slugs: algorithms.resting(receipt).join(", "), renewals: receipt.renewals.length,
    });
  },
};

const renewed = {
  number: 16, name: "renewal", layer: "time", needsAnchor: false,
  async run(context) {
    const { receipt, trust } = context;
    if (receipt.renewals.length === 0) return notChecked("renewal.none");
    let beforeMs = context.sealed?.block.timeMs ?? null;
    let below = algorithms.ofReceipt(receipt);
    for (const [position, renewal] of receipt.renewals.entries()) {
      await requireSameDocument(context, renewal);
      const madeMs = await renewedAt(context, renewal, renewals.rootOf(receipt, position));
      const which = `renewal ${position + 1} is of ${utcText(madeMs)}`;
      if (beforeMs !== null && madeMs < beforeMs - MAX_AHEAD_MS) {
        throw new VerificationError(`${which}, before what it renews existed (${utcText(beforeMs)})`);
      }
      const late = algorithms.endedBefore(below, trust, madeMs);
      if (late) {
        throw new VerificationError(
          `${which}, and ${late.slug} was not relied on from ${utcText(late.until)} on: it came too late`,
        );
      }
      beforeMs = madeMs;
      below = algorithms.ofRenewal(renewal);
    }
    return passed("renewal.renewed", {
      count: receipt.renewals.length,
      slug: receipt.renewals.at(-1).digest.algorithm,
      time: utcText(beforeMs),
      time_ms: beforeMs,
    });
  },
};

/** Throws VerificationError unless the renewal's digest is of the document that step 1 found. */
async function requireSameDocument(context, { digest }) {
  const { digests } = context.held;
  let holds;
  if (digests.some((known) => known.algorithm === digest.algorithm)) {
    holds = digests.some((known) => known.equals(digest)); // step 1 binds all of them to one document
  } else {
    const found = await document.match(context.document, [digest]);
    const first = await document.match(context.document, [digests[0]]);
    holds = (found.exact || found.revision > 0) && found.end === first.end;
  }
  if (!holds) {
    const stated = `its ${digest.algorithm} digest is ${toHex(digest.value)}`;
    throw new VerificationError(`the renewal is of another document: ${stated}`);
  }
}

/** When the renewal's root was on the chain, in milliseconds since 1970. */
async function renewedAt(context, renewal, root) {
  const { anchor } = renewal;
  if (anchor === null) {
    throw new VerificationError("the renewal is on no chain, and its time-stamps cannot be checked here");
  }
  const chain = chainOf(context.trust, anchor.chainId);
  const notaries = (chain?.contracts ?? []).filter(({ template }) => template === renewals.TEMPLATE);
  if (!notaries.some(({ address }) => same(address, anchor.contract))) {
    throw new VerificationError(
      `contract 0x${toHex(anchor.contract)} on chain ${anchor.chainId} is no trusted ${renewals.TEMPLATE}`,
    );
  }
  const inner = context.but(anchor);
  inner.chain = chain;
  headerSealed.run(inner);
  const { block, note } = inner.sealed;
  requireValid(chain.sealingKeys, note, block.timeMs, "sealing key");
  transactionReceiptProven.run(inner);
  const log = inner.logs[anchor.logIndex];
  if (log === undefined || !same(log.address, anchor.contract)) {
    throw new VerificationError("the renewal's transaction has no log of the trusted contract at that index");
  }
  renewals.requireNotarised(log, root);
  return block.timeMs;
}

export const CHECKS = [
  documentDigest, commitmentOpens, entryCommitment, leafIncluded, checkpointSigned, contractTrusted, headerSealed,
  timeCoherent, transactionReceiptProven, rootAnchored, timestampTokens, laterStatus, witnessesCosigned, lowerBound,
  algorithmsInForce, renewed,
];

const upTo = (last) => new Set(CHECKS.filter(({ number }) => number <= last).map(({ name }) => name));

/** What a receipt proves in full; and what one whose root is not yet on a chain can prove. */
export const POLICIES = { standard: upTo(10), "log-only": upTo(5) };
