#!/usr/bin/env bash
# The demonstration of docs/cpu-noise.md: 12 cases, five processes promoted, then three of the same code unchanged and three
# slowed, each with up to two repeats of what is in doubt.
#
# Usage: docs/scripts/cpu_demo.sh FOLDER      run in the root of a clone that nothing is edited in, on an idle machine
#   FOLDER  receives baseline.json, unchanged/ and slowed-10pct/ (records), *.txt (judgements) and *.code (exit codes)
#
# Decide before looking that whatever comes out is kept.
set -euo pipefail

folder=${1:?FOLDER is missing}
slow=resnet18/openvino-fp32/1x3x224x224=slow:10%
export PERFKIT_HISTORY=none # it would lie in the folder that is removed below
suite=(-- benchmarks/test_latency.py --perfkit-suite demo --perfkit-platform cpu -q -p no:cacheprovider)
mkdir -p "$folder"
cp results/cpu/2026-11-25-demo/perfkit.toml .

judged() { # judged NAME PYTEST-ARGUMENT...
  local name=$1 code=0
  shift
  python -m perfkit run --replicates 3 --baseline "$folder/baseline.json" --results "$folder/run-$name" \
    "${suite[@]}" "$@" > "$folder/$name.txt" 2> "$folder/$name.log" || code=$?
  echo "$code" > "$folder/$name.code"
  mv "$folder/run-$name"/runs/* "$folder/$name"
  rmdir "$folder/run-$name/runs" "$folder/run-$name"
  echo "$name: exit code $code: $(tail -n 1 "$folder/$name.txt")"
}

python -m perfkit run --replicates 5 --repeats 0 --baseline none --results "$folder/run" "${suite[@]}" \
  > "$folder/baseline.txt" 2> "$folder/baseline.log" || true # 10: there is nothing to judge it against yet
python -m perfkit promote --results "$folder/run" "$folder"/run/runs/*
mv "$folder"/run/baselines/*.json "$folder/baseline.json"
judged unchanged
judged slowed-10pct "--perfkit-fault=$slow"
