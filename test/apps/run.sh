#!/usr/bin/env bash
# Runs real client libraries over bonded connections to real services, which are Debian's packages: as root it installs
# what is missing of them. Parts of file names as arguments select tests. The last line is `N passed, N failed`.
set -euo pipefail
cd "$(dirname "$0")/../.."

declare -A packages=(
  [mariadbd]=mariadb-server [redis-server]=redis-server [mosquitto]=mosquitto
  [sshd]=openssh-server [ssh-keygen]=openssh-client [aiosmtpd]=python3-aiosmtpd [initdb]=postgresql
)
is_there() {
  case $1 in
    initdb) compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null ;;
    *) PATH="$PATH:/usr/sbin" command -v "$1" >/dev/null ;;
  esac
}
missing=()
for program in "${!packages[@]}"; do
  is_there "$program" || missing+=("${packages[$program]}")
done
if ((${#missing[@]} > 0)); then
  echo "installing ${missing[*]}" >&2
  if ((EUID != 0)) || ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >&2; then
    echo "these packages are missing and cannot be installed here: ${missing[*]}" >&2
    echo "0 passed, 1 failed"
    exit 1
  fi
fi
npm run --silent build

export PATH="$PATH:/usr/sbin"
export HAWSER_TEST_TIMEOUT="${HAWSER_TEST_TIMEOUT:-120}"
if (($# > 0)); then
  exec node test/run.mjs "${@/#/apps/}"
fi
exec node test/run.mjs apps/
