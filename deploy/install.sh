#!/bin/sh
# Install Dareda as a systemd service, or bring an installed one up to date:
#   sudo sh deploy/install.sh
# What it keeps (/var/lib/dareda) and its settings (/etc/dareda) are left as they are.
set -eu

source=$(cd "$(dirname "$0")/.." && pwd)
code=/opt/dareda
settings=/etc/dareda
data=/var/lib/dareda
python=${PYTHON:-python3}

fail() {
    echo "$1" >&2
    exit 1
}

[ "$(id -u)" = 0 ] || fail "Only root can install a service: sudo sh deploy/install.sh"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "Dareda needs Python 3.11 or newer; this is $("$python" --version). Set PYTHON=python3.12, say."
"$python" -c 'import ensurepip' 2>/dev/null ||
    fail "Python cannot create an environment. On Debian and Ubuntu: sudo apt install python3-venv"

requirements="requirements-cpu.txt"
if command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi -L 2>/dev/null | grep -q GPU; then
    requirements="requirements.txt"
fi

systemd=no
if [ -d /run/systemd/system ]; then
    systemd=yes
fi

id dareda >/dev/null 2>&1 ||
    useradd --system --user-group --no-create-home --home-dir "$data" --shell /usr/sbin/nologin dareda
install --directory --mode=0755 "$code"
install --directory --mode=0750 --group=dareda "$settings"
install --directory --mode=0700 --owner=dareda --group=dareda "$data"
if [ ! -e "$settings/.env" ]; then
    printf '# DISCORD_TOKEN=paste-it-here\n# TELEGRAM_TOKEN=paste-it-here\n' >"$settings/.env"
fi
chown root:dareda "$settings/.env"
chmod 0640 "$settings/.env"

# Everything new is made beside the old, so that a failure leaves the old one running.
new="$code/new"
rm -rf "$new"
install --directory --mode=0755 "$new"
cp -R "$source/bot" "$source/config" "$source/inference" "$source/bot.py" "$source/LICENSE" "$source/deploy" "$new"
cp "$source/requirements-cpu.txt" "$source/requirements.txt" "$new"
chmod -R u=rwX,go=rX "$new"
[ -x "$code/.venv/bin/python" ] || "$python" -m venv "$code/.venv"
"$code/.venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$new/$requirements"
# With the names that the files will have, for tracebacks.
"$code/.venv/bin/python" -m compileall -q -s "$new" -p "$code" "$new/bot" "$new/config" "$new/inference"

[ "$systemd" = no ] || systemctl stop dareda 2>/dev/null || true
for part in bot config inference deploy bot.py LICENSE requirements-cpu.txt requirements.txt; do
    rm -rf "${code:?}/$part"
    mv "$new/$part" "$code/$part"
done
rm -rf "$new"

install --mode=0644 "$code/deploy/dareda.service" /etc/systemd/system/dareda.service
install --mode=0755 "$code/deploy/dareda" /usr/local/bin/dareda

if [ "$systemd" = no ]; then
    echo "Installed. systemd does not run here, so nothing was started."
elif grep -Eq '^(DISCORD|TELEGRAM)_TOKEN=.' "$settings/.env"; then
    systemctl daemon-reload
    systemctl enable --now dareda
    echo "Installed and started. What it says: journalctl --unit dareda --follow"
else
    systemctl daemon-reload
    systemctl enable dareda
    echo "Installed. Put your tokens into $settings/.env, then: systemctl start dareda"
fi
