#!/usr/bin/env bash
# Installs a Debian package, runs it, upgrades it, removes it and purges it, and looks each time at what is there. As root, on
# Debian or Ubuntu. All of it happens in a view of this system whose changes are thrown away.
set -euo pipefail

package=$(realpath "${1:?the package, as target/packages/dmarcstat_0.1.0-1_amd64.deb}")

if [ "${DMARCSTAT_IN_A_COPY:-}" != 1 ]; then
    [ "$(id -u)" = 0 ] || { echo "test-deb.sh: as root, please" >&2; exit 1; }
    sample=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../fixtures/mailbox")
    # A namespace of mounts, in which / is this system with a layer for changes that lies in memory.
    # shellcheck disable=SC2016
    exec unshare --mount --propagation private bash -euo pipefail -c '
        layer=$(mktemp -d)
        mount -t tmpfs tmpfs "$layer"
        mkdir "$layer"/{upper,work,root}
        mount -t overlay overlay -o "lowerdir=/,upperdir=$layer/upper,workdir=$layer/work" "$layer/root"
        mount -t proc proc "$layer/root/proc"
        mount --rbind /dev "$layer/root/dev"
        mkdir -p "$layer/root/in"
        cp "$1" "$layer/root/in/package.deb"
        cp -R "$2" "$layer/root/in/mailbox"
        cp "$3" "$layer/root/in/test.sh"
        exec chroot "$layer/root" env DMARCSTAT_IN_A_COPY=1 bash /in/test.sh /in/package.deb
    ' _ "$package" "$sample" "$(realpath "${BASH_SOURCE[0]}")"
fi

say() { printf '== %s\n' "$*"; }
fail() {
    printf 'test-deb.sh: %s\n' "$*" >&2
    exit 1
}
as_user() { setpriv --reuid=dmarcstat --regid=dmarcstat --init-groups env HOME=/var/lib/dmarcstat "$@"; }
mode() { stat -c '%a %U:%G' "$1"; }

say install
dpkg --install "$package"
[ "$(mode /etc/dmarcstat/config.toml)" = "640 root:dmarcstat" ] || fail "$(mode /etc/dmarcstat/config.toml): config.toml"
[ "$(mode /var/lib/dmarcstat)" = "700 dmarcstat:dmarcstat" ] || fail "$(mode /var/lib/dmarcstat): the database's folder"
getent passwd dmarcstat | grep --quiet nologin || fail "the user can log in"
for file in /usr/share/man/man1/dmarcstat{,-fetch}.1.gz /usr/share/bash-completion/completions/dmarcstat \
    /usr/lib/systemd/system/dmarcstat{.service,.timer,-changes.service,-digest.service,-digest.timer,-trouble@.service} /usr/share/doc/dmarcstat/docs/imap.md; do
    [ -s "$file" ] || fail "$file is missing"
done
systemd-analyze verify /usr/lib/systemd/system/dmarcstat{,-digest}.{service,timer} /usr/lib/systemd/system/dmarcstat-changes.service

say run
dmarcstat --version
# Without an account `check` has nothing to log in to, and the configuration is the system's.
as_user dmarcstat check | tee /dev/stderr | grep --quiet "configuration /etc/dmarcstat/config.toml" || fail "another configuration"
as_user dmarcstat ingest /in/mailbox
as_user dmarcstat unsigned --as-of 2026-11-22 | grep --quiet "brightwater" || fail "no answer"
[ "$(mode /var/lib/dmarcstat/reports.db)" = "600 dmarcstat:dmarcstat" ] || fail "the database is not the user's alone"
reports=$(as_user dmarcstat reports --since all --format csv | wc -l)
if setpriv --reuid=nobody --regid=nogroup --clear-groups dmarcstat reports --db /var/lib/dmarcstat/reports.db 2>/tmp/said; then
    fail "anybody can read the reports"
fi
cat /tmp/said

say upgrade
printf '\n# mine\n' >>/etc/dmarcstat/config.toml
echo secret >/etc/dmarcstat/password
chmod 0600 /etc/dmarcstat/config.toml
rm -rf /tmp/newer
dpkg-deb --raw-extract "$package" /tmp/newer
sed -i 's/^Version: .*/Version: 99.0/' /tmp/newer/DEBIAN/control
printf '\n# theirs\n' >>/tmp/newer/usr/share/doc/dmarcstat/README.md
dpkg-deb --build /tmp/newer /tmp/newer.deb >/dev/null
dpkg --install /tmp/newer.deb
grep --quiet "# mine" /etc/dmarcstat/config.toml || fail "the configuration was replaced"
[ "$(mode /etc/dmarcstat/config.toml)" = "600 root:dmarcstat" ] || fail "the configuration's mode was changed back"
chmod 0640 /etc/dmarcstat/config.toml
[ "$(as_user dmarcstat reports --since all --format csv | wc -l)" = "$reports" ] || fail "reports are gone"

say remove
dpkg --remove dmarcstat | tee /tmp/said
grep --quiet "the reports stay" /tmp/said || fail "it does not say that reports stay"
[ -s /var/lib/dmarcstat/reports.db ] || fail "the reports are gone"
[ -s /etc/dmarcstat/config.toml ] || fail "the configuration is gone"

say purge
dpkg --purge dmarcstat | tee /tmp/said
grep --quiet "deleting the reports" /tmp/said || fail "it does not say that reports are deleted"
grep --quiet "left in /etc/dmarcstat: password" /tmp/said || fail "it does not say that the password stays"
[ ! -e /var/lib/dmarcstat ] || fail "the reports are still there"
[ ! -e /etc/dmarcstat/config.toml ] || fail "the configuration is still there"
say "all good"
