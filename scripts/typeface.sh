#!/usr/bin/env bash
# Makes the embedded typeface again: src/stamp/typeface/markgate-sans-sc.ttf and its licence, from Noto Sans SC as npm has it.
# Needs npm and python3; everything it downloads is pinned, so the result is the same, byte for byte.
#
#   scripts/typeface.sh
set -euo pipefail
cd "$(dirname "$0")/.."

package=@expo-google-fonts/noto-sans-sc
version=0.4.3
sha256=0d69d0f4971d2ff574e3d93cbc218dc950bf3f3f8f8e2c008d97687ed53aee59
fonttools=4.60.1
weight=500Medium/NotoSansSC_500Medium.ttf
out=src/stamp/typeface

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm pack --silent "$package@$version" >/dev/null && mv ./*.tgz package.tgz)
echo "$sha256  $work/package.tgz" | sha256sum --check --quiet
tar -xzf "$work/package.tgz" -C "$work"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "fonttools==$fonttools"
"$work/venv/bin/python" scripts/typeface.py "$work/package/$weight" "$out/names.txt" "$out/markgate-sans-sc.ttf"
cp "$work/package/LICENSE_FONT" "$out/OFL.txt"
ls -l "$out"
