#!/bin/sh
# Installs the built wheel in an environment of its own, outside the tree, and runs the demo from it.
set -eu
python="${1:-python3}"
tree="$(cd "$(dirname "$0")/.." && pwd)"
place="$(mktemp -d)"
trap 'rm -rf "$place"' EXIT
echo "Installing the wheel and its locked dependencies in an environment of its own ..."
"$python" -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: --no-deps --require-hashes -r "$tree/requirements.lock"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps "$tree"/dist/*.whl
cd "$place"
"$place/venv/bin/python" -c 'import sandbox, baas, sys; assert "'"$tree"'" not in sandbox.__file__ + baas.__file__, sandbox.__file__'
"$place/venv/bin/baas" demo --out "$place/demo"
test -s "$place/demo/summary.json"
echo "1 passed, 0 failed"
