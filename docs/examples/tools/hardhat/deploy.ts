// Hardhat 3: deploys a contract on the sandbox, calls it and reads its event.
// HashRegistry.json is what `baas template artifact hash-registry` prints; a project of yours compiles its own.
import { readFileSync } from "node:fs";
import { network } from "hardhat";

const { ethers } = await network.create();
const { abi, bytecode } = JSON.parse(readFileSync("HashRegistry.json", "utf8"));
const [account] = await ethers.getSigners();

const registry = await new ethers.ContractFactory(abi, bytecode, account).deploy(account.address, account.address);
const created = await registry.deploymentTransaction().wait();
console.log("contract", await registry.getAddress());

await (await registry.advance(1, ethers.id("first entry"), [])).wait();
console.log("size", Number(await registry.size()));
for (const event of await registry.queryFilter("RootAnchored", created.blockNumber)) {
  console.log("event", event.eventName, Number(event.args.newSize), event.args.by);
}
