#!/usr/bin/env bash
# Runs the tests that need only Node, or those whose paths contain one of the arguments, and tells which lines and branches
# of lib/ they reach; judges the folders that are trusted with bytes, see coverage.mjs. The last line is `N passed, N failed`.
set -euo pipefail
cd "$(dirname "$0")/.."
npm run --silent build
npx c8 node test/run.mjs "$@"
exec node test/coverage.mjs
