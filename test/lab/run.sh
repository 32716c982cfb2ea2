#!/usr/bin/env bash
# Runs the tests that need the link laboratory: root, Linux, network namespaces. Where it cannot work they are left out,
# and the reason is told. The last line is `N passed, N failed`.
set -euo pipefail
cd "$(dirname "$0")/../.."

test/lab/install-tools.sh
npm run --silent build
if ! reason=$(node dist/test/lab/check.js); then
  echo "left out: $reason"
  echo "0 passed, 0 failed"
  exit 0
fi
if (($# > 0)); then
  exec node test/run.mjs "${@/#/lab/}"
fi
exec node test/run.mjs lab/
