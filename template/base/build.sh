#!/usr/bin/env bash
# Makes the base template: a Debian or Ubuntu root from this machine's own package sources, with
# Python and Node.js in /usr/local, packed as one EROFS image.
#
# Usage: build.sh CACHE [CA_BUNDLE]
#   CACHE      templates/base-<hash>.erofs and templates/base.json are written below it, the latter
#              last and atomically; nothing is done when base.json is of this recipe already
#   CA_BUNDLE  PEM file; what of it the distribution's own bundle lacks is trusted inside
#              (default: the bundle of this machine; empty = nothing)
# Needs root, mmdebstrap, mkfs.erofs, util-linux, 3 GiB below CACHE. One progress line a step on
# stdout; what the tools say goes to templates/base.log.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=$1
bundle=${2-/etc/ssl/certs/ca-certificates.crt}
templates=${cache}/templates

# Everything below is mounted and made in a mount namespace of its own: however this ends, no mount stays.
if [ -z "${ATOLL_TEMPLATE_UNSHARED-}" ]; then
  ATOLL_TEMPLATE_UNSHARED=1 exec unshare --mount --propagation private -- "$0" "$@"
fi

say() { printf 'template: %s (%d s)\n' "$1" "$SECONDS"; }

mkdir -p "${templates}"
exec 9>"${templates}/.lock"
flock --nonblock 9 || { say "another build is under way, waiting"; flock 9; }
rm -rf "${templates}"/.build-*

sources=$("${here}/sources.sh")
# shellcheck source=/dev/null
codename=$(. /etc/os-release && echo "${ID}-${VERSION_CODENAME}")
recipe=$(
  {
    uname -m
    echo "${codename}"
    echo "${sources}"
    cat "${here}"/*.sh "${here}/packages" "${here}/python-packages"
    [ -z "${bundle}" ] || cat "${bundle}"
  } | sha256sum | cut -c1-32
)
image=base-${recipe}.erofs
if [ -s "${templates}/${image}" ] && grep -q "\"${recipe}\"" "${templates}/base.json" 2>/dev/null; then
  exit 0
fi

free=$(df --output=avail -k "${templates}" | tail -1)
if [ "${free}" -lt $((3 * 1024 * 1024)) ]; then
  echo "template: ${templates} has $((free / 1024)) MiB free, the base template needs 3072 MiB while it is made" >&2
  exit 1
fi

log=${templates}/base.log
: >"${log}"
work=$(mktemp -d "${templates}/.build-XXXXXX")
trap 'rm -rf "${work}"' EXIT
trap 'echo "template: failed; the end of ${log}:" >&2; tail -n 15 "${log}" >&2' ERR
root=${work}/root

say "installing ${codename} packages"
include=$(grep -v '^#' "${here}/packages" | paste -sd,)
echo "${sources}" | env -i PATH="${PATH}" LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
  mmdebstrap --mode=root --variant=minbase --include="${include}" --format=directory \
  --aptopt='Acquire::Retries "3"' "${codename#*-}" "${root}" >>"${log}" 2>&1

say "installing Python and Node.js packages"
[ -z "${bundle}" ] ||
  "${here}/extra-ca.sh" "${bundle}" "${root}/etc/ssl/certs/ca-certificates.crt" "${root}/usr/local/share/ca-certificates"
echo sandbox >"${root}/etc/hostname"
printf '127.0.0.1\tlocalhost\n' >"${root}/etc/hosts"
cp "${here}/python-packages" "${here}/inside.sh" "${root}/root/"
rm -f "${root}/etc/resolv.conf"
cat /etc/resolv.conf >"${root}/etc/resolv.conf"
mount -t proc proc "${root}/proc"
for device in null zero random urandom; do
  [ -e "${root}/dev/${device}" ] || : >"${root}/dev/${device}"
  mount --bind "/dev/${device}" "${root}/dev/${device}"
done
forwarded=()
for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY PIP_INDEX_URL PIP_EXTRA_INDEX_URL; do
  [ -n "${!name-}" ] && forwarded+=("${name}=${!name}")
done
env -i "${forwarded[@]}" PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  chroot "${root}" /bin/bash /root/inside.sh /root/python-packages >>"${log}" 2>&1
umount "${root}/proc" "${root}"/dev/{null,zero,random,urandom}
rm -f "${root}/root/python-packages" "${root}/root/inside.sh" "${root}/etc/apt/apt.conf.d/99mmdebstrap"
# Bound over when a sandbox starts: a plain file, and devices are the sandbox's own.
: >"${root}/etc/resolv.conf"
find "${root}/dev" "${root}/proc" "${root}/sys" "${root}/run" -mindepth 1 -delete

say "packing"
# Fixed time and id: the image depends on the recipe and on what the sources hold, on nothing else.
mkfs.erofs -zlz4hc -T 1577836800 -U "${recipe:0:8}-${recipe:8:4}-${recipe:12:4}-${recipe:16:4}-${recipe:20:12}" \
  "${work}/${image}" "${root}" 2>>"${log}" >/dev/null
sync "${work}/${image}"
mv "${work}/${image}" "${templates}/${image}"

ca=/etc/ssl/certs/ca-certificates.crt
cat >"${work}/base.json" <<JSON
{
  "id": "${recipe}",
  "name": "base",
  "file": "${image}",
  "config": {
    "env": {
      "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "LANG": "C.UTF-8",
      "SSL_CERT_FILE": "${ca}",
      "PIP_CERT": "${ca}",
      "NODE_EXTRA_CA_CERTS": "${ca}",
      "REQUESTS_CA_BUNDLE": "${ca}"
    },
    "user": "root",
    "workdir": "/root",
    "entrypoint": [],
    "command": []
  }
}
JSON
sync "${work}/base.json"
mv "${work}/base.json" "${templates}/base.json"
# A warden that used an older image has its own copy of it.
for old in "${templates}"/base-*.erofs; do
  [ "${old}" = "${templates}/${image}" ] || rm -f "${old}"
done
say "done, $(du -m "${templates}/${image}" | cut -f1) MiB"
