#!/usr/bin/env bash
# A drill in the field on a CPU: 12 cases, five processes promoted, then perfkit drill. It takes half an hour.
#
# Usage: docs/scripts/cpu_drill.sh FOLDER     run in the root of a clone that nothing is edited in, on an idle machine
#   FOLDER  receives baseline.json, drill.txt (what was named), drill.log (progress), drill.code and the nights' records
#
# Decide before looking that whatever comes out is kept.
set -euo pipefail

folder=${1:?FOLDER is missing}
suite=(-- benchmarks/test_latency.py --perfkit-suite demo --perfkit-platform cpu -q -p no:cacheprovider)
mkdir -p "$folder"
cp results/cpu/2026-11-25-demo/perfkit.toml .

python -m perfkit run --replicates 5 --repeats 0 --baseline none --results "$folder/run" "${suite[@]}" \
  > "$folder/baseline.txt" 2> "$folder/baseline.log" || true # 10: there is nothing to judge it against yet
python -m perfkit promote --results "$folder/run" "$folder"/run/runs/*
mv "$folder"/run/baselines/*.json "$folder/baseline.json"
code=0
python -m perfkit drill --baseline "$folder/baseline.json" --results "$folder" "${suite[@]}" \
  > "$folder/drill.txt" 2> "$folder/drill.log" || code=$?
echo "$code" > "$folder/drill.code"
cat "$folder/drill.txt"
