#!/usr/bin/env bash
# Writes the software bill of materials of the program (CycloneDX 1.5, JSON), and checks that nothing is missing in it.
#
#   scripts/sbom.sh [FILE]     (target/markgate.cdx.json when left out)
set -euo pipefail
cd "$(dirname "$0")/.."

out=${1:-target/markgate.cdx.json}
tools=$PWD/target/tools
version=0.5.9
if [ ! -x "$tools/bin/cargo-cyclonedx" ]; then
    echo "setup: building cargo-cyclonedx $version into target/tools" >&2
    env -u CARGO_TARGET_DIR cargo install --quiet --locked --debug --root "$tools" "cargo-cyclonedx@$version"
fi
mkdir -p "$(dirname "$out")"
trap 'rm -f markgate_bin.cdx.json' EXIT
platform=x86_64-unknown-linux-gnu
PATH=$tools/bin:$PATH cargo cyclonedx --format json --spec-version 1.5 --describe binaries --target "$platform" -qq
cargo tree --locked --edges normal --prefix none --target "$platform" | sed 's/ (.*//' | sort -u |
    python3 scripts/sbom.py markgate_bin.cdx.json "$out" "$(git log -1 --format=%cI)"
