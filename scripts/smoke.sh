#!/usr/bin/env bash
# The main job on every model in data/, release build: bound, certificate, verification; and the smoke suite with its
# report. Fails on the first surprise.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --locked --quiet -p tightlip-cli
tightlip=${CARGO_TARGET_DIR:-target}/release/tightlip
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
count=0
for model in data/*.onnx data/*.onnx.gz data/*.nnet data/*.json data/*.npz data/*.mat data/*.safetensors; do
  options=()
  case "$model" in
    *tanh*.npz) options=(--activation tanh) ;;
    *.npz | *.mat | *.safetensors) options=(--activation relu) ;;
  esac
  "$tightlip" bound "$model" "${options[@]}" --certificate "$folder/certificate.json" --json > "$folder/report.json"
  "$tightlip" verify "$model" "${options[@]}" "$folder/certificate.json" > "$folder/verified.txt"
  printf '%-48s %s\n' "$model" "$(sed -n 's/^  "value": \(.*\),$/\1/p' "$folder/report.json")"
  count=$((count + 1))
done
# The harness: a suite, its report, and both looked at.
"$tightlip" bench benchmarks/suites/smoke.toml -o "$folder/run" 2> "$folder/cells.txt"
"$tightlip" report "$folder/run"
python=$(command -v python3 || true)
if [ -n "$python" ]; then
  "$python" scripts/check_records.py "$folder/run"
  "$python" scripts/check_report.py "$folder/run"
  # The second reader, in exact rational arithmetic: multipliers, a tree of slopes, norms with a formula.
  "$tightlip" convert data/iris_4-5-3_relu_std.onnx -o "$folder/iris.json" > /dev/null
  for method in lipsdp-neuron.lifted fgl.branch norm-product cp-lip; do
    "$tightlip" bound data/iris_4-5-3_relu_std.onnx --method "$method" --input-norm inf \
      --certificate "$folder/certificate.json" > /dev/null
    "$python" scripts/verify_certificate.py "$folder/iris.json" "$folder/certificate.json"
  done
fi
printf '%d models bounded and verified\n' "$count"
