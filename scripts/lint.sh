#!/usr/bin/env bash
# Formatting, clippy, documentation and the dependency policy; `make lint` installs what it needs first.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo fmt --check
cargo clippy --locked --all-targets --quiet -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --quiet
PATH="$PWD/.venv-lint/bin:$PATH" cargo deny --locked --log-level error check bans licenses sources
