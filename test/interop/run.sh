#!/usr/bin/env bash
# Runs the tests against the reference implementation, after building what is missing of it; that needs Rust and takes
# some minutes once, see build.mjs. Parts of file names as arguments select tests. The last line is `N passed, N failed`.
set -euo pipefail
cd "$(dirname "$0")/../.."

if ! node test/interop/build.mjs >&2; then
  echo "0 passed, 1 failed"
  exit 1
fi
npm run --silent build

export HAWSER_TEST_TIMEOUT="${HAWSER_TEST_TIMEOUT:-600}"
if (($# > 0)); then
  exec node test/run.mjs "${@/#/interop/}"
fi
exec node test/run.mjs interop/
