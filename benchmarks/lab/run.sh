#!/usr/bin/env bash
# Runs the benchmarks over shaped links, see run.ts for the options. As root it installs what the link laboratory needs, and
# what turns a program's TCP into Multipath TCP, if that is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."

test/lab/install-tools.sh
if [[ " $* " != *" --gate "* && $(id -u) == 0 ]] && command -v apt-get >/dev/null && ! command -v mptcpize >/dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -q && apt-get install -qy --no-install-recommends mptcpize; } >&2 || echo "cannot install mptcpize" >&2
fi
npm run --silent build
exec node --enable-source-maps dist/benchmarks/lab/run.js "$@"
