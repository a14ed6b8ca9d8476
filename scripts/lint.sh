#!/usr/bin/env bash
# Formatting, clippy, documentation and the dependency policy; `make lint` installs what it needs first.
#
# Known vulnerabilities are looked up where the RustSec database can be reached, directly or by a mirror that git is told
# of (`git config --global url.<mirror>.insteadOf https://github.com/RustSec/advisory-db`). Where it cannot, that is said;
# with MARKGATE_ADVISORIES=required it is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo fmt --check
cargo clippy --locked --all-targets --quiet -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --quiet
PATH="$PWD/.venv-lint/bin:$PATH"
cargo deny --locked --log-level error check bans licenses sources
if timeout 120 cargo deny --log-level off fetch db; then
    cargo deny --locked --offline --log-level error check advisories
elif [ "${MARKGATE_ADVISORIES:-}" = required ]; then
    echo "the advisory database cannot be reached" >&2
    exit 1
else
    echo "NOT CHECKED for known vulnerabilities: the advisory database cannot be reached from here" >&2
fi
