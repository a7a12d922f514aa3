#!/usr/bin/env bash
# A reference run: every suite but smoke, on a quiet machine, into benchmarks/runs/NAME/SUITE.
# Usage: scripts/reference_run.sh NAME [EXTERNAL-FOLDER]     (NAME: date and machine, such as 2026-11-21-epyc-2core)
set -euo pipefail
cd "$(dirname "$0")/.."
name=${1:?name of the run: date and machine}
external=()
[ $# -lt 2 ] || external=(--external "$2")
cargo build --release --locked --quiet -p tightlip-cli
tightlip=${CARGO_TARGET_DIR:-target}/release/tightlip
run=benchmarks/runs/$name
for suite in benchmarks/suites/*.toml; do
  part=$(basename "$suite" .toml)
  [ "$part" != smoke ] || continue
  resume=()
  [ ! -e "$run/$part/records.csv" ] || resume=(--resume)
  # A red verdict is part of the result; the report says it.
  "$tightlip" bench "$suite" -o "$run/$part" "${external[@]}" "${resume[@]}" || true
  "$tightlip" report "$run/$part" || true
done
