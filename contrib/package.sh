#!/usr/bin/env bash
# Builds what people install, into target/packages:
#
#   contrib/package.sh tarball [TARGET]   program, manual pages, completions, units, documentation
#   contrib/package.sh deb [TARGET]       for Debian and Ubuntu; needs cargo-deb
#   contrib/package.sh rpm [TARGET]       for Fedora, RHEL, openSUSE; needs cargo-generate-rpm
#
# TARGET is a target of rustc, as x86_64-unknown-linux-musl for a program that needs no library of the system; without it the
# program is built for this machine. To cross-build, set DMARCSTAT_HOST to a dmarcstat that runs here: it writes the manual
# pages and completions.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

kind=${1:-}
target=${2:-}
case $kind in
tarball | deb | rpm) ;;
*)
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac

build=(cargo build --release --locked)
folder=${CARGO_TARGET_DIR:-target}
built=$folder/release
if [ -n "$target" ]; then
    build+=(--target "$target")
    built=$folder/$target/release
fi
"${build[@]}"

suffix=
case $target in *windows*) suffix=.exe ;; esac
program=$built/dmarcstat$suffix
says=${DMARCSTAT_HOST:-$program}
made=target/package-assets
packages=target/packages
rm -rf "$made"
mkdir -p "$made/completions" "$packages"
"$says" man "$made/man"
for shell in bash elvish fish nushell powershell zsh; do
    "$says" completions "$shell" >"$made/completions/dmarcstat.$shell"
done
version=$("$says" -V | cut -d' ' -f2)

case $kind in
tarball)
    name=dmarcstat-$version-${target:-$(rustc -vV | sed -n 's/^host: //p')}
    rm -rf "${made:?}/$name"
    mkdir -p "$made/$name"
    cp "$program" README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE "$made/$name/"
    cp -R docs contrib "$made/man" "$made/completions" "$made/$name/"
    tar -C "$made" -czf "$packages/$name.tar.gz" "$name"
    echo "$packages/$name.tar.gz"
    ;;
deb)
    cargo deb --no-build --no-strip ${target:+--target "$target"} --output "$packages/"
    ;;
rpm)
    cargo generate-rpm ${target:+--target "$target"} --output "$packages/"
    ;;
esac
