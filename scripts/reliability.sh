#!/usr/bin/env bash
# Measures the promises of RELIABILITY.md and writes the table anew.
#
#   scripts/reliability.sh                    every test that reports a figure, in its long form
#   scripts/reliability.sh lib|it|memory|fire [NAME] the tests of one binary, of those with NAME in their path; the figures of
#                                             the others stay as they are in the table
#
# MARKGATE_FIRE=short measures the short form, CARGO_PROFILE=dev without optimisation. A test that fails goes into the
# table, the others go on, and the exit code is 1.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-all}" in
all) parts=(lib it memory fire) ;;
lib | it | memory | fire) parts=("$1") ;;
*)
    echo "usage: scripts/reliability.sh [lib|it|memory|fire [NAME]]" >&2
    exit 64
    ;;
esac
name=${2:-}

if [ "$(id -u)" -ne 0 ]; then
    echo "reliability: power cuts and full disks need root: sudo make reliability" >&2
    exit 1
fi

export MARKGATE_FIRE=${MARKGATE_FIRE:-long}
profile=${CARGO_PROFILE:-release}
logs=${CARGO_TARGET_DIR:-target}/reliability
mkdir -p "$logs"

# The longest wait for one binary: past it something hangs, and what has been seen by then is reported.
limit=6h

seen=()
for part in "${parts[@]}"; do
    case $part in
    lib) target=(--lib) ;;
    *) target=(--test "$part") ;;
    esac
    log=$logs/$part.log
    echo "reliability: $part, $MARKGATE_FIRE form, profile $profile; log in $log" >&2
    # One at a time, so that no test disturbs what another measures.
    status=0
    timeout --kill-after=1m "$limit" cargo test --locked --profile "$profile" "${target[@]}" -- \
        --nocapture --test-threads=1 ${name:+"$name"} >"$log" 2>&1 || status=$?
    echo "ended with exit code $status" >>"$log"
    grep -h -E -o 'figure \| R.*|^test result:.*' "$log" >&2 || true
    seen+=("$part=$log")
done

python3 scripts/reliability_table.py --form "$MARKGATE_FIRE" --profile "$profile" "${seen[@]}"
