// ethers 6: deploys a contract on the sandbox, calls it and reads its event.
// BAAS_TOKEN holds a token, SANDBOX_KEY the private key of an account on the chain's allowlist.
// HashRegistry.json is what `baas template artifact hash-registry` prints.
import { readFileSync } from "node:fs";
import { ContractFactory, FetchRequest, JsonRpcProvider, Wallet, id } from "ethers";

const URL = "http://127.0.0.1:8080/rpc/CHAIN";
const CHAIN_ID = 20000001;

const request = new FetchRequest(URL);
request.setHeader("Authorization", `Bearer ${process.env.BAAS_TOKEN}`);
// blocks come faster than ethers forgets: without a cache, a nonce that it just asked for is not used again
const provider = new JsonRpcProvider(request, CHAIN_ID, { staticNetwork: true, cacheTimeout: -1 });
const wallet = new Wallet(process.env.SANDBOX_KEY, provider);
const { abi, bytecode } = JSON.parse(readFileSync("HashRegistry.json", "utf8"));
const free = { gasPrice: 0 }; // gas costs nothing here

const registry = await new ContractFactory(abi, bytecode, wallet).deploy(wallet.address, wallet.address, free);
const created = await registry.deploymentTransaction().wait();
console.log("contract", await registry.getAddress());

await (await registry.advance(1, id("first entry"), [], free)).wait();
console.log("size", Number(await registry.size()));
for (const event of await registry.queryFilter("RootAnchored", created.blockNumber)) {
  console.log("event", event.eventName, Number(event.args.newSize), event.args.by);
}
provider.destroy();
