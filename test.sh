#!/usr/bin/env bash
# Runs all tests, and installs first what they need and this machine has not.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

missing() {
    echo "test.sh: $1" >&2
    exit 1
}

# The toolchain is the user's to choose, so it is not installed here.
command -v cargo >/dev/null ||
    missing "cargo is missing; this project needs Rust 1.95 or newer, see https://rustup.rs"

# SQLite is compiled from C, and Rust programs are linked by the C compiler.
compiles_c() {
    command -v cc >/dev/null && cc -fsyntax-only -x c - <<<'#include <stdio.h>' 2>/dev/null
}

# Programs of administrators are not on everybody's path.
has() {
    PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null
}

# The packages whose programs are missing: a compiler, a mail server, a DNS server, a database server, a browser.
wanted() {
    compiles_c || echo gcc libc6-dev
    has dovecot || echo dovecot-imapd
    has named || echo bind9
    has postgres || compgen -G "/usr/lib/postgresql/*/bin/postgres" >/dev/null || echo postgresql
    has chromium || echo chromium
}

packages=$(wanted | tr '\n' ' ')
if [ -n "$packages" ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "test.sh: installing $packages"
        apt-get update
        # Servers are started by the tests, each with its own settings; the packages' own services are not wanted.
        # shellcheck disable=SC2086
        RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $packages
        packages=$(wanted | tr '\n' ' ')
    fi
    [ -z "$packages" ] || missing "the tests need what is in these packages of Debian: $packages"
fi

# Tests run the program itself; the user's own settings must not reach it.
unset DMARCSTAT_DB DMARCSTAT_CONFIG

# With this a test that lacks a program fails; without it, it says that it was left out.
export DMARCSTAT_TEST_ALL=1

cargo test --locked --all-targets
cargo test --locked --doc
