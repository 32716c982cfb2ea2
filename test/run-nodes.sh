#!/usr/bin/env bash
# Runs the suite of `npm test`, already built, under other versions of Node.
#
#   test/run-nodes.sh 22 24 26
#
# The binaries come from the npm package `node` and are kept in ${XDG_CACHE_HOME:-~/.cache}/hawser/node-<version>.
# Ends with `N passed, N failed` over all versions.
set -euo pipefail
cd "$(dirname "$0")/.."

cache="${XDG_CACHE_HOME:-$HOME/.cache}/hawser"
passed=0
failed=0

for version in "$@"; do
  binary="$cache/node-$version/node_modules/node/bin/node"
  if ! "$binary" --version >/dev/null 2>&1; then
    mkdir -p "$cache/node-$version"
    npm install --prefix "$cache/node-$version" --no-save --no-package-lock --ignore-scripts=false "node@$version" </dev/null
  fi
  echo "== Node $("$binary" --version)"
  log=$(mktemp)
  status=0
  node test/run.mjs --node "$binary" </dev/null | tee "$log" || status=$?
  if [[ $(tail -n 1 "$log") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
    passed=$((passed + BASH_REMATCH[1]))
    failed=$((failed + BASH_REMATCH[2]))
    if ((status != 0 && BASH_REMATCH[2] == 0)); then failed=$((failed + 1)); fi
  else
    failed=$((failed + 1))
  fi
  rm -f "$log"
done

echo "$passed passed, $failed failed"
((failed == 0))
