#!/usr/bin/env bash
# Installs what the link laboratory needs and this machine lacks: as root, by apt-get. Elsewhere the laboratory says
# itself what is missing.
set -euo pipefail

packages=()
command -v ip >/dev/null && command -v tc >/dev/null || packages+=(iproute2)
command -v nft >/dev/null || packages+=(nftables)
if ((${#packages[@]} == 0)) || [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then exit 0; fi
export DEBIAN_FRONTEND=noninteractive
{ apt-get update -q && apt-get install -qy --no-install-recommends "${packages[@]}"; } >&2 || echo "cannot install ${packages[*]}" >&2
