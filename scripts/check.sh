#!/usr/bin/env bash
# Everything that has to hold before a change lands: format, lints, documentation, tests, smoke run.
# Usage: scripts/check.sh            (from anywhere; needs cargo and a C compiler)
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }

step "format"
cargo fmt --all --check

step "lints"
cargo clippy --workspace --all-targets --locked -- -D warnings

step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet

step "tests"
cargo test --workspace --locked

step "data"
(cd data && sha256sum --check --quiet checksums.sha256)

step "the main job"
cargo run --release -p tightlip-cli -- bound data/iris_4-5-3_relu_std.onnx

step "smoke"
scripts/smoke.sh

printf '\nall checks passed\n'
