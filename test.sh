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
if ! compiles_c; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "test.sh: installing a C compiler (gcc, libc6-dev)"
        apt-get update
        DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends gcc libc6-dev
    fi
    compiles_c || missing "a C compiler with its headers is missing (on Debian: apt-get install gcc libc6-dev)"
fi

# Tests run the program itself; the user's own settings must not reach it.
unset DMARCSTAT_DB DMARCSTAT_CONFIG

cargo test --locked --all-targets
cargo test --locked --doc
