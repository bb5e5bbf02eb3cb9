#!/usr/bin/env bash
# Builds the S3 server that the tests of the blob store speak to, once, and prints its path:
# <cache>/s3/<version>/versitygw.
set -euo pipefail
: "${ATOLL_HOME:?run by ./atoll}"
# shellcheck source=tools/lib.sh
. "${ATOLL_HOME}/tools/lib.sh"

VERSION=v1.8.0

built=$(cache_dir)/s3/${VERSION}/versitygw
if [ ! -x "${built}" ]; then
  go=$(command -v go || true)
  [ -n "${go}" ] || [ ! -x /usr/local/go/bin/go ] || go=/usr/local/go/bin/go
  [ -n "${go}" ] || fail 'Go is not installed, which builds the S3 server of the tests: install Go 1.24 or newer'
  work=$(cache_dir)/s3/build.$$
  trap 'rm -rf "${work}"' EXIT
  mkdir -p "${work}" "$(dirname "${built}")"
  step 'Building the S3 server of the tests, once' \
    env CGO_ENABLED=0 GOBIN="${work}" "${go}" install -ldflags='-s -w' "github.com/versity/versitygw/cmd/versitygw@${VERSION}" >&2
  mv -T "${work}/versitygw" "${built}"
fi
echo "${built}"
