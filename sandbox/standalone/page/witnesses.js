// What the witnesses of a log vouch for, and how many operators a split view takes (sandbox/evidence/witnesses.py,
// collusion.py).
import { openCosignatures } from "./cosignature.js";
import { isWithin } from "./trust.js";

/** {seen: [{name, operator, time}], missing: [name], threshold, colluding}; `colluding` is null where too few signed. */
export function witnessed(checkpoint, log) {
  const { threshold, keys } = log.witnesses;
  const byKey = new Map(keys.map((witness) => [witness.verifier.key, witness]));
  const earliest = new Map();
  for (const { verifier, time } of openCosignatures(checkpoint, keys.map((witness) => witness.verifier))) {
    const witness = byKey.get(verifier.key);
    const before = earliest.get(verifier.name);
    if (isWithin(time * 1000n, witness) && (before === undefined || time < before.time)) {
      earliest.set(verifier.name, { name: verifier.name, operator: witness.operator, time });
    }
  }
  const seen = [...earliest.values()].sort((a, b) => order(a.time, b.time) || order(a.name, b.name));
  const names = new Set(keys.map((witness) => witness.verifier.name));
  const missing = [...names].filter((name) => !earliest.has(name));
  const enough = seen.length >= threshold;
  return { seen, missing, threshold, colluding: enough ? colluding(log, seen[threshold - 1].time) : null };
}

const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

/** The number, as the witnesses were when the checkpoint had enough of them. */
function colluding({ operator, witnesses: { threshold, keys } }, time) {
  const all = new Map(keys.map((witness) => [witness.verifier.name, witness.operator]));
  const active = new Set(keys.filter((key) => isWithin(time * 1000n, key)).map((key) => key.verifier.name));
  const activeOperators = [...all].filter(([name]) => active.has(name)).map(([, by]) => by);
  const retiredOperators = [...all].filter(([name]) => !active.has(name)).map(([, by]) => by);
  return operatorsWhoMustCollude(operator, threshold, activeOperators, retiredOperators);
}

/** See sandbox/evidence/collusion.py: a retired witness counts twice, the log's own operator's come free. */
export function operatorsWhoMustCollude(logOperator, threshold, active, retired = []) {
  const weight = new Map();
  for (const by of [...active, ...retired, ...retired]) weight.set(by, (weight.get(by) ?? 0) + 1);
  let needed = 2 * threshold - active.length - (weight.get(logOperator) ?? 0);
  weight.delete(logOperator);
  let operators = 1;
  for (const brought of [...weight.values()].sort((a, b) => b - a)) {
    if (needed <= 0) break;
    needed -= brought;
    operators += 1;
  }
  return operators;
}
