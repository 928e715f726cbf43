# cast: deploys a contract on the sandbox, calls it and reads its event.
# BAAS_TOKEN holds a token, SANDBOX_KEY the private key of an account on the chain's allowlist.
# HashRegistry.json is what `baas template artifact hash-registry` prints.
set -euo pipefail

URL="http://127.0.0.1:8080/rpc/CHAIN"
export ETH_RPC_URL="${URL/"://"/"://sandbox:$BAAS_TOKEN@"}" # HTTP Basic: the password is the token, the user anything
CHAIN_ID=20000001
ACCOUNT=$(cast wallet address --private-key "$SANDBOX_KEY")
FREE=(--private-key "$SANDBOX_KEY" --chain "$CHAIN_ID" --legacy --gas-price 0) # gas costs nothing here

field() { python3 -c "import json, sys; print(json.load(sys.stdin)['$1'])"; }

BYTECODE=$(field bytecode < HashRegistry.json)
CREATED=$(cast send "${FREE[@]}" --json --create "$BYTECODE" "constructor(address,address)" "$ACCOUNT" "$ACCOUNT")
REGISTRY=$(field contractAddress <<< "$CREATED")
echo "contract $REGISTRY"

cast send "${FREE[@]}" --json "$REGISTRY" "advance(uint64,bytes32,bytes32[])" 1 "$(cast keccak "first entry")" "[]" > sent.json
echo "size $(cast call "$REGISTRY" "size()(uint64)")"
BLOCK=$(field blockNumber <<< "$CREATED")
cast logs --from-block "$BLOCK" --address "$REGISTRY" "RootAnchored(bytes32 indexed,uint64,uint64,address indexed)"
