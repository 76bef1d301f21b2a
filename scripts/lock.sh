#!/bin/sh
# Resolve the lock files anew: hashes, no registry address. Needs `uv` on the PATH.
# The build backend stands in the run-time lock because the project installs itself from source
# without build isolation: nothing is fetched that has no hash here. So does OpenDP, because the
# demo has differential marts; other projects install it by the extra `differential`.
set -eu
cd "$(dirname "$0")/.."
options="--quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --no-strip-extras"
printf 'hatchling\neditables\n' >build-requirements.tmp
trap 'rm -f build-requirements.tmp' EXIT
uv pip compile $options --extra differential pyproject.toml build-requirements.tmp -o requirements.lock
uv pip compile $options -c requirements.lock --extra test pyproject.toml build-requirements.tmp -o requirements-test.lock
uv pip compile $options -c requirements-test.lock --extra bench pyproject.toml build-requirements.tmp -o requirements-bench.lock
echo 'pseudopeople==1.3.1' | uv pip compile $options --no-deps - -o requirements-data.lock
