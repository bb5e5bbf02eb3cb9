#!/usr/bin/env bash
# Usage: extra-ca.sh FROM KNOWN DIR
# Writes each certificate of the PEM bundle FROM that the bundle KNOWN lacks to a file of its own in
# DIR, the way update-ca-certificates wants them. Certificates are compared byte by byte.
set -euo pipefail
from=$1 known=$2 dir=$3

# One certificate a line, without its line breaks.
flat() {
  awk '/-----BEGIN CERTIFICATE-----/ { on = 1; text = ""; next }
       /-----END CERTIFICATE-----/ { if (on) print text; on = 0; next }
       on { gsub(/[ \t\r]/, ""); text = text $0 }' "$1" | LC_ALL=C sort -u
}

mkdir -p "${dir}"
number=0
while read -r certificate; do
  number=$((number + 1))
  {
    echo '-----BEGIN CERTIFICATE-----'
    fold -w 64 <<<"${certificate}"
    echo '-----END CERTIFICATE-----'
  } >"${dir}/operator-${number}.crt"
done < <(LC_ALL=C comm -23 <(flat "${from}") <(flat "${known}"))
