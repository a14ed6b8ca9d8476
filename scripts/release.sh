#!/usr/bin/env bash
# Builds the program for release so that whoever builds the same commit with the same toolchain gets the same bytes,
# whatever folder he builds in. The folders of the source and of cargo are left out of the binary for that.
#
#   scripts/release.sh [FOLDER FOR target]
set -euo pipefail
cd "$(dirname "$0")/.."

cargo_home=${CARGO_HOME:-$HOME/.cargo}
sysroot=$(rustc --print sysroot)
target=${1:-${CARGO_TARGET_DIR:-$PWD/target}}
maps="--remap-path-prefix=$target=/target --remap-path-prefix=$PWD=/markgate"
maps+=" --remap-path-prefix=$cargo_home=/cargo --remap-path-prefix=$sysroot=/rust"
# SQLite, BLAKE3 and ring have C in them, which knows its folder too.
c_maps="-ffile-prefix-map=$target=/target -ffile-prefix-map=$PWD=/markgate -ffile-prefix-map=$cargo_home=/cargo"

RUSTFLAGS="${RUSTFLAGS:-} $maps" CFLAGS="${CFLAGS:-} $c_maps" SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) \
    cargo build --release --locked --bin markgate --target-dir "$target"
sha256sum "$target/release/markgate"
