#!/usr/bin/env bash
# Usage: packages.sh up|test|bench
# Installs the distribution's packages that running (and testing, or the peers of bench) needs, those
# that are missing only. As root with apt; elsewhere it says what is missing.
set -euo pipefail
: "${ATOLL_HOME:?run by ./atoll}"
# shellcheck source=tools/lib.sh
. "${ATOLL_HOME}/tools/lib.sh"

# A command that must be there, and the Debian package that has it.
needed=(
  nft:nftables
  mmdebstrap:mmdebstrap
  mkfs.xfs:xfsprogs
  mkfs.ext4:e2fsprogs
  mkfs.erofs:erofs-utils
  unshare:util-linux
  setpriv:util-linux
  ip:iproute2
  useradd:passwd
  unzip:unzip
)
if [ "$1" = test ]; then
  needed+=(python3:python3 git:git strace:strace)
elif [ "$1" = bench ]; then
  needed+=(crun:crun)
fi

find_missing() {
  local entry
  missing=()
  for entry in "${needed[@]}"; do
    PATH=${PATH}:/usr/sbin:/sbin command -v "${entry%%:*}" >/dev/null || missing+=("${entry#*:}")
  done
  if [ "${what}" = test ] && ! python3 -c 'import ensurepip' 2>/dev/null; then
    missing+=(python3-venv)
  fi
}

what=$1
find_missing
[ ${#missing[@]} -gt 0 ] || exit 0

command -v apt-get >/dev/null || fail "missing: ${missing[*]}; install them with this system's package manager"

install() {
  apt_install "${missing[@]}" && return
  # A third-party source that does not answer must not stop us: what counts is the second try.
  apt-get update || true
  apt_install "${missing[@]}"
}
step "Installing packages ${missing[*]}" install
find_missing
[ ${#missing[@]} = 0 ] || fail "packages are installed and their programs are missing all the same: ${missing[*]}"
