// Keccak-256, Ethereum's hash (sandbox/evidence/keccak.py), by @noble/hashes.
import { keccak_256 } from "@noble/hashes/sha3.js";

export const keccak = (bytes) => keccak_256(bytes);
