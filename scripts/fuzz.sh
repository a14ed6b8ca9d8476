#!/usr/bin/env bash
# Feeds bytes to whatever takes some, with libFuzzer, and reports how many inputs were run and what they broke.
#
#   scripts/fuzz.sh [SECONDS [TARGET...]]     60 seconds for each target unless told otherwise; all of them
#
# Begins with the good inputs of the tests and keeps what it learns in fuzz/corpus. An input that breaks something lies in
# fuzz/artifacts/TARGET: mend the code, and keep the input in testdata/fuzz/TARGET, where the tests replay it.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
shift || true
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
    mapfile -t targets < <(sed -n 's/^name = "\(.*\)"$/\1/p' fuzz/Cargo.toml | grep -v '^markgate-fuzz$')
fi

if ! command -v cargo-fuzz >/dev/null 2>&1; then
    echo "fuzz: installing cargo-fuzz" >&2
    cargo install --locked cargo-fuzz@0.13.2
fi

MARKGATE_FUZZ_CORPUS=$PWD/fuzz/corpus cargo test --quiet --locked --lib fuzzing:: >/dev/null

# libFuzzer's instrumentation is a flag of nightly compilers, which the stable one has as well. Not for the tests above:
# many dependencies would be compiled anew for it.
export RUSTC_BOOTSTRAP=1

# There is no unsafe code to sanitize here, and without a sanitizer ten times as many inputs are run.
options=(--fuzz-dir fuzz --sanitizer none)
if [ -n "${CARGO_TARGET_DIR:-}" ]; then options+=(--target-dir "$CARGO_TARGET_DIR-fuzz"); fi

failed=0
for target in "${targets[@]}"; do
    log=$(mktemp)
    outcome="0 failures"
    if ! cargo fuzz run "${options[@]}" "$target" -- -max_total_time="$seconds" -timeout=1 \
        -rss_limit_mb=512 -max_len=65536 -print_final_stats=1 >"$log" 2>&1; then
        outcome="FAILED, see fuzz/artifacts/$target"
        failed=1
        tail -n 40 "$log" >&2
    fi
    count=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    echo "figure | R9 | fuzz | $target: ${count:-0} executions in $seconds s, $outcome"
    rm -f "$log"
done
exit $failed
