// viem 2: deploys a contract on the sandbox, calls it and reads its event.
// BAAS_TOKEN holds a token, SANDBOX_KEY the private key of an account on the chain's allowlist.
// HashRegistry.json is what `baas template artifact hash-registry` prints.
import { readFileSync } from "node:fs";
import { createPublicClient, createWalletClient, defineChain, http, keccak256, toHex } from "viem";
import { privateKeyToAccount } from "viem/accounts";

const URL = "http://127.0.0.1:8080/rpc/CHAIN";
const CHAIN_ID = 20000001;

const chain = defineChain({
  id: CHAIN_ID,
  name: "sandbox",
  nativeCurrency: { name: "Test ether", symbol: "TETH", decimals: 18 },
  rpcUrls: { default: { http: [URL] } },
});
const transport = http(URL, { fetchOptions: { headers: { Authorization: `Bearer ${process.env.BAAS_TOKEN}` } } });
const account = privateKeyToAccount(process.env.SANDBOX_KEY);
const reader = createPublicClient({ chain, transport, pollingInterval: 200 });
const writer = createWalletClient({ account, chain, transport });
const { abi, bytecode } = JSON.parse(readFileSync("HashRegistry.json", "utf8"));
const free = { gasPrice: 0n }; // gas costs nothing here

async function mined(hash) {
  return reader.waitForTransactionReceipt({ hash });
}

const args = [account.address, account.address];
const created = await mined(await writer.deployContract({ abi, bytecode, args, ...free }));
const address = created.contractAddress;
console.log("contract", address);

const first = [1n, keccak256(toHex("first entry")), []];
await mined(await writer.writeContract({ address, abi, functionName: "advance", args: first, ...free }));
console.log("size", Number(await reader.readContract({ address, abi, functionName: "size" })));
const events = await reader.getContractEvents({ address, abi, fromBlock: created.blockNumber, eventName: "RootAnchored" });
for (const event of events) {
  console.log("event", event.eventName, Number(event.args.newSize), event.args.by);
}
