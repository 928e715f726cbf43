// Which algorithms a receipt rests on, and until when each is relied on (sandbox/evidence/algorithms.py).
import * as sealer from "./sealer.js";

const KECCAK = "keccak-256";
const ED25519 = "ed25519";
const TREE = "sha-256";

/** From when on the algorithm is not relied on, as the trust root says (a BigInt); null is no end known. */
const endOf = (slug, trust) => trust.algorithms.find((end) => end.slug === slug)?.until ?? null;

const sorted = (slugs) => [...new Set(slugs)].sort();

/** The algorithms of a receipt as it was first made, without its renewals and tokens. */
export function ofReceipt(receipt) {
  const digests = [...receipt.document.digests, ...(receipt.manifest?.file.digests ?? [])];
  return sorted([TREE, ED25519, ...digests.map((digest) => digest.algorithm), ...(receipt.anchor ? [KECCAK] : [])]);
}

/** A renewal's: its own, and those of the chain that anchors it. One that only time-stamps hold is not read here. */
export const ofRenewal = (renewal) => sorted([renewal.digest.algorithm, KECCAK, ED25519]);

/** The first algorithm that ended too early for what rests on it: {slug, until, momentMs}; null when each held. */
export function ended(receipt, trust, asOfMs) {
  let below = ofReceipt(receipt);
  for (const renewal of receipt.renewals) {
    const stated = sealer.parseUnverified(renewal.anchor.sealerNote).timeMs;
    const found = endedBefore(below, trust, stated < asOfMs ? stated : asOfMs);
    if (found) return found;
    below = ofRenewal(renewal);
  }
  return endedBefore(below, trust, asOfMs);
}

/** The uppermost layer's algorithms: what the receipt rests on today. */
export const resting = (receipt) => (receipt.renewals.length ? ofRenewal(receipt.renewals.at(-1)) : ofReceipt(receipt));

/** The first of the algorithms that had ended at that time. */
export function endedBefore(slugs, trust, timeMs) {
  for (const slug of slugs) {
    const until = endOf(slug, trust);
    if (until !== null && timeMs >= until) return { slug, until, momentMs: timeMs };
  }
  return null;
}
