#!/usr/bin/env bash
# Finds or builds runsc, which runs sandboxes of the class gvisor, and leaves it as
# <cache>/gvisor/runsc; where there is none, <cache>/gvisor/absent says why in one line. Never fails
# for that: everything else works without it. One that ATOLL_RUNSC names is for this run alone.
set -euo pipefail
: "${ATOLL_HOME:?run by ./atoll}"
# shellcheck source=tools/lib.sh
. "${ATOLL_HOME}/tools/lib.sh"

# A commit of gVisor's branch for Go modules: checkpoints are restored by the version that made them.
VERSION=v0.0.0-20260905035102-160fafc42237

place=$(cache_dir)/gvisor
built=${place}/${VERSION}/runsc
mkdir -p "${place}"

use() {
  ln -sfn "$1" "${place}/runsc.new"
  mv -T "${place}/runsc.new" "${place}/runsc"
  rm -f "${place}/absent"
  exit 0
}

absent() {
  # What is there serves other trees and instances, too.
  if [ -x "${place}/runsc" ] && knows_what_we_need "${place}/runsc"; then
    printf 'atoll: %s; the runsc that is there is used\n' "$1" >&2
    exit 0
  fi
  rm -f "${place}/runsc"
  echo "$1" >"${place}/absent"
  printf 'atoll: the class gvisor is absent: %s\n' "$1" >&2
  exit 0
}

# Old releases, as distributions have them, know neither the platform nor these flags.
knows_what_we_need() {
  local flags
  # It prints them to its standard error.
  flags=$("$1" flags 2>&1) || return 1
  [[ ${flags} == *-gofer-network-namespace* && ${flags} == *-host-uds* ]]
}

if [ -n "${ATOLL_RUNSC-}" ]; then
  knows_what_we_need "${ATOLL_RUNSC}" || fail "ATOLL_RUNSC is ${ATOLL_RUNSC}, which is no runsc of 2026 or newer"
  exit 0
fi
[ ! -x "${built}" ] || use "${built}"
found=$(command -v runsc || true)
if [ -n "${found}" ] && knows_what_we_need "${found}"; then
  use "$(readlink -f "${found}")"
fi

go=$(command -v go || true)
[ -n "${go}" ] || [ ! -x /usr/local/go/bin/go ] || go=/usr/local/go/bin/go
[ -n "${go}" ] || absent 'Go is not installed, which builds runsc (gVisor): install Go 1.24 or newer, or set ATOLL_RUNSC'

work=${place}/build.$$
trap 'rm -rf "${work}"' EXIT

build() {
  CGO_ENABLED=0 GOBIN=${work} "${go}" install -ldflags='-s -w' "gvisor.dev/gvisor/runsc@${VERSION}" || return 1
  chmod 0755 "${work}/runsc"
  mkdir -p "${place}/${VERSION}"
  mv -T "${work}/runsc" "${built}"
}

# A subshell, since a failed step ends its shell.
(step 'Building runsc (gVisor), once' build) || absent "runsc could not be built; see $(cache_dir)/log"
use "${built}"
