// Hardhat 3: `npx hardhat run --no-compile --network sandbox deploy.ts`; with `--network administrator`, fixture.ts.
// BAAS_TOKEN holds a token, SANDBOX_KEY the private key of an account on the chain's allowlist.
import hardhatEthers from "@nomicfoundation/hardhat-ethers";
import hardhatNetworkHelpers from "@nomicfoundation/hardhat-network-helpers";
import { configVariable, defineConfig } from "hardhat/config";

const URL = "http://127.0.0.1:8080/rpc/CHAIN";
const CHAIN_ID = 20000001;

const sandbox = {
  type: "http",
  chainType: "l1",
  chainId: CHAIN_ID,
  httpHeaders: { Authorization: `Bearer ${process.env.BAAS_TOKEN}` },
  gasPrice: 0n, // gas costs nothing here
  accounts: [configVariable("SANDBOX_KEY")],
} as const;

export default defineConfig({
  plugins: [hardhatEthers, hardhatNetworkHelpers],
  solidity: { version: "0.8.37", settings: { evmVersion: "prague" } },
  networks: {
    sandbox: { ...sandbox, url: URL },
    // snapshots, time and fixtures: of an administrator, and never on the address above
    administrator: { ...sandbox, url: URL.replace("/rpc/", "/rpc-admin/") },
  },
});
