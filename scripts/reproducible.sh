#!/usr/bin/env bash
# Builds the present commit twice, in two folders, and compares the programs byte for byte.
set -euo pipefail
cd "$(dirname "$0")/.."

builds=$(mktemp -d)
trap 'rm -rf "$builds"' EXIT
for folder in one another/and/longer; do
    mkdir -p "$builds/$folder"
    git clone --quiet . "$builds/$folder/markgate"
    env -u CARGO_TARGET_DIR "$builds/$folder/markgate/scripts/release.sh" >&2
done
one=$builds/one/markgate/target/release/markgate
another=$builds/another/and/longer/markgate/target/release/markgate
if cmp "$one" "$another"; then
    echo "reproducible: $(sha256sum <"$one" | cut -d' ' -f1), $(stat -c %s "$one") bytes, $(rustc --version)"
else
    echo "the two builds of $(git rev-parse --short HEAD) differ" >&2
    exit 1
fi
