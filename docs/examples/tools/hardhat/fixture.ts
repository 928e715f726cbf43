// Hardhat 3: a fixture on the administrator's address; each test begins from the same state of the chain.
import { readFileSync } from "node:fs";
import { network } from "hardhat";

const { ethers, networkHelpers } = await network.create();
const { abi, bytecode } = JSON.parse(readFileSync("HashRegistry.json", "utf8"));
const [account] = await ethers.getSigners();

async function deployed() {
  const registry = await new ethers.ContractFactory(abi, bytecode, account).deploy(account.address, account.address);
  await registry.waitForDeployment();
  return registry;
}

for (const test of ["first", "second"]) {
  const registry = await networkHelpers.loadFixture(deployed);
  console.log(test, "begins with size", Number(await registry.size()));
  await (await registry.advance(1, ethers.id(test), [])).wait();
  console.log(test, "ends with size", Number(await registry.size()));
}
