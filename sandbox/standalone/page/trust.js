// Trust roots: what a verifier already holds (sandbox/evidence/trust.py). Times are BigInt milliseconds since 1970.
import { same, toHex } from "./bytes.js";
import { loads } from "./canonical.js";
import { requirePem } from "./certificate.js";
import { CosignatureVerifier } from "./cosignature.js";
import { fromUtcText, utcText } from "./encoding.js";
import { Because, MalformedEvidence } from "./errors.js";
import * as fields from "./fields.js";
import { NoteVerifier, verifiedNames } from "./note.js";

/** Whether a key speaks at a time. */
export const isWithin = (timeMs, { from, until }) => from <= timeMs && (until === null || timeMs < until);

/** Throws VerificationError unless one of the keys that signed the note was valid at that time. */
export function requireValid(keys, note, timeMs, what) {
  const spoke = keys.some((key) => note.verified.some(({ key: other }) => other === key.verifier.key) && isWithin(timeMs, key));
  if (!spoke) {
    throw new Because("trust.not-valid", { what, keys: verifiedNames(note), time: utcText(timeMs) });
  }
}

/** {logs, chains, timestampRoots, algorithms} of canonical bytes. */
export function parse(bytes) {
  const what = "trust root";
  const value = fields.file(loads(bytes, what), what, {
    type: "baas-trust-root",
    version: 1,
    names: ["v", "type", "logs", "chains", "timestamp_roots"],
    optional: ["algorithms"],
  });
  const root = {
    logs: fields.array(value.logs, `${what}.logs`).map(readLog),
    chains: fields.array(value.chains, `${what}.chains`).map(readChain),
    timestampRoots: fields.array(value.timestamp_roots, `${what}.timestamp_roots`).map(readTimestampRoot),
    algorithms: Object.hasOwn(value, "algorithms")
      ? fields.some(value.algorithms, `${what}.algorithms`).map(readAlgorithmEnd)
      : [],
  };
  requireCoherent(root);
  return root;
}

export const logOf = (root, origin) => root.logs.find((log) => log.origin === origin) ?? null;
export const chainOf = (root, chainId) => root.chains.find((chain) => chain.chainId === chainId) ?? null;

function requireCoherent(root) {
  requireDistinct(root.algorithms.map(({ slug }) => slug), "algorithms: slug");
  requireDistinct(root.logs.map(({ origin }) => origin), "logs: origin");
  requireDistinct(root.chains.map(({ chainId }) => chainId), "chains: chain_id");
  for (const chain of root.chains) {
    requireDistinct(chain.sealingKeys.map(({ verifier }) => verifier.key), "sealing_keys");
    requireDistinct(chain.contracts.map(({ address }) => toHex(address)), "chains: contract address");
  }
  for (const log of root.logs) {
    requireDistinct(log.keys.map(({ verifier }) => verifier.key), `keys of log ${log.origin}`);
    const known = chainOf(root, log.chainId)?.contracts ?? [];
    for (const contract of log.contracts) {
      if (!known.some(({ address }) => same(address, contract))) {
        throw new MalformedEvidence(
          `trust root: log '${log.origin}' names contract 0x${toHex(contract)}, which is not among the contracts of chain ${log.chainId}`,
        );
      }
    }
  }
}

function readLog(value) {
  const what = "trust root log";
  const found = fields.record(value, what, ["origin", "chain_id", "contracts", "keys"], ["operator", "witnesses"]);
  const operator = Object.hasOwn(found, "operator") ? fields.text(found.operator, `${what} operator`) : null;
  if (operator === "") throw new MalformedEvidence(`${what} operator: expected a name, or no such key`);
  return {
    origin: fields.text(found.origin, `${what} origin`),
    chainId: fields.integer(found.chain_id, `${what} chain_id`, 1),
    contracts: fields
      .array(found.contracts, `${what} contracts`)
      .map((item) => fields.hexadecimal(item, `${what} contract`, { length: 20, prefix: "0x" })),
    keys: fields.array(found.keys, `${what} keys`).map(readKey),
    operator: operator ?? "",
    witnesses: Object.hasOwn(found, "witnesses") ? readWitnesses(found.witnesses) : null,
  };
}

function readWitnesses(value) {
  const what = "trust root witnesses";
  const found = fields.record(value, what, ["threshold", "keys"]);
  const threshold = fields.integer(found.threshold, `${what} threshold`, 1);
  const keys = fields.array(found.keys, `${what} keys`).map(readWitness);
  requireDistinct(keys.map(({ verifier }) => verifier.key), "witnesses");
  const operators = new Map();
  for (const { verifier, operator } of keys) {
    if (operators.has(verifier.name) && operators.get(verifier.name) !== operator) {
      throw new MalformedEvidence(`trust root: witnesses: operators of one witness repeated: '${verifier.name}'`);
    }
    operators.set(verifier.name, operator);
  }
  if (threshold > operators.size) {
    throw new MalformedEvidence(
      `trust root: a threshold of witnesses is from 1 to their number, ${operators.size}; got ${threshold}`,
    );
  }
  return { threshold, keys };
}

function readWitness(value) {
  const what = "trust root witness";
  const found = fields.record(value, what, ["key", "operator", "valid_from", "valid_until"]);
  return {
    verifier: CosignatureVerifier.fromVkey(fields.text(found.key, `${what} key`)),
    operator: fields.text(found.operator, `${what} operator`),
    ...readValidity(found, what),
  };
}

function readChain(value) {
  const what = "trust root chain";
  const found = fields.record(value, what, ["chain_id", "genesis_hash", "sealing_keys", "contracts"]);
  const chainId = fields.integer(found.chain_id, `${what} chain_id`, 1);
  fields.hexadecimal(found.genesis_hash, `${what} genesis_hash`, { length: 32, prefix: "0x" });
  return {
    chainId,
    sealingKeys: fields.array(found.sealing_keys, `${what} sealing_keys`).map(readKey),
    contracts: fields.array(found.contracts, `${what} contracts`).map(readContract),
  };
}

function readContract(value) {
  const what = "trust root contract";
  const found = fields.record(value, what, ["address", "template", "code_hash"]);
  fields.hexadecimal(found.code_hash, `${what} code_hash`, { length: 32, prefix: "0x" });
  return {
    address: fields.hexadecimal(found.address, `${what} address`, { length: 20, prefix: "0x" }),
    template: fields.text(found.template, `${what} template`),
  };
}

function readTimestampRoot(value) {
  const what = "trust root timestamp_root";
  const found = fields.record(value, what, ["name", "certificate_pem"]);
  requirePem(fields.text(found.certificate_pem, `${what} certificate_pem`), `${what} certificate_pem`);
  return { name: fields.text(found.name, `${what} name`), certificatePem: found.certificate_pem };
}

function readAlgorithmEnd(value) {
  const what = "trust root algorithm";
  const found = fields.record(value, what, ["slug", "until"]);
  return {
    slug: fields.text(found.slug, `${what} slug`),
    until: fromUtcText(fields.text(found.until, `${what} until`), `${what} until`),
  };
}

function readKey(value) {
  const what = "trust root key";
  const found = fields.record(value, what, ["key", "valid_from", "valid_until"]);
  return { verifier: NoteVerifier.fromVkey(fields.text(found.key, what)), ...readValidity(found, what) };
}

function readValidity(found, what) {
  const from = fromUtcText(fields.text(found.valid_from, `${what} valid_from`), `${what} valid_from`);
  if (found.valid_until === null) return { from, until: null };
  const until = fromUtcText(fields.text(found.valid_until, `${what} valid_until`), `${what} valid_until`);
  if (until <= from) throw new MalformedEvidence(`${what}: valid_until must be later than valid_from`);
  return { from, until };
}

function requireDistinct(values, what) {
  const repeated = values.find((value, at) => values.indexOf(value) !== at);
  if (repeated !== undefined) throw new MalformedEvidence(`trust root: ${what} repeated: ${repeated}`);
}
