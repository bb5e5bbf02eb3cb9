#!/usr/bin/env bash
# Prints the machine's own Debian or Ubuntu package sources as one-line entries (third-party sources
# are left out), for a root that has the distribution's keyring package.
# Needs: apt. Refreshes apt's lists when they say nothing about the origin of a source yet.
set -euo pipefail

# shellcheck source=/dev/null
. /etc/os-release
case "${ID}" in
  debian | ubuntu) ;;
  *)
    echo "the base template is made from the sources of Debian or Ubuntu; this machine runs ${PRETTY_NAME:-$ID}" >&2
    exit 1
    ;;
esac

targets() {
  apt-get indextargets --format "\$(ORIGIN)|\$(REPO_URI)|\$(RELEASE)|\$(COMPONENT)" 'Created-By: Packages' |
    awk -F'|' -v id="${ID}" 'tolower($1) == id' | sort -u
}

found=$(targets)
if [ -z "${found}" ]; then
  # A third-party source that does not answer must not stop us: what counts is what apt knows after.
  apt-get -qq update >&2 || true
  found=$(targets)
fi
if [ -z "${found}" ]; then
  echo "apt has no source of ${PRETTY_NAME} that answers (see 'apt-get update')" >&2
  exit 1
fi

keyring=/usr/share/keyrings/${ID}-archive-keyring.gpg
options=
[ -e "${keyring}" ] && options="[signed-by=${keyring}] "
awk -F'|' -v options="${options}" '
  { key = $2 " " $3; if (!(key in of)) { order[++n] = key }; of[key] = of[key] " " $4 }
  END { for (i = 1; i <= n; i++) print "deb " options order[i] of[order[i]] }' <<<"${found}"
