#!/usr/bin/env bash
# Runs the soak, see main.ts for its options. As root it installs what the link laboratory needs. The last line is
# `N passed, N failed`.
set -euo pipefail
cd "$(dirname "$0")/../.."

test/lab/install-tools.sh
npm run --silent build
exec node --enable-source-maps dist/test/soak/main.js "$@"
