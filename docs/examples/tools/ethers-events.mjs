// ethers 6 over WebSocket: waits for the next event of a contract, and says in which block it is.
// BAAS_TOKEN holds a token, CONTRACT the address that ethers.mjs printed. Here with Node's own WebSocket; in a browser,
// which sends no header of yours, the token goes in the address: `baas chain rpc CHAIN --wallet`.
import { readFileSync } from "node:fs";
import { Contract, WebSocketProvider } from "ethers";

const URL = "http://127.0.0.1:8080/rpc/CHAIN";
const CHAIN_ID = 20000001;

const headers = { Authorization: `Bearer ${process.env.BAAS_TOKEN}` };
const socket = new WebSocket(URL.replace("http", "ws"), { headers });
const provider = new WebSocketProvider(socket, CHAIN_ID, { staticNetwork: true });
const { abi } = JSON.parse(readFileSync("HashRegistry.json", "utf8"));
const registry = new Contract(process.env.CONTRACT, abi, provider);

await registry.on("RootAnchored", (root, oldSize, newSize, by, event) => {
  console.log("event", "RootAnchored", Number(newSize), by, "in block", event.log.blockNumber);
  registry.off("RootAnchored").then(() => provider.destroy());
});
console.log("waiting from block", await provider.getBlockNumber());
