#!/usr/bin/env bash
# A run with a fault of each kind that a CPU can have, for the report of docs/reports.md: 6 cases, three processes promoted,
# then two with four faults put in.
#
# Usage: docs/scripts/cpu_faults.sh FOLDER [PYTEST-ARGUMENT...]
#   run in the root of a clone that nothing is edited in; FOLDER receives baseline.json, faults/ (records), faults.txt (the
#   judgement) and faults.code (the exit code). Where the machine can't be idle, "-p tests.undisturbed" with the clone on
#   PYTHONPATH lets rounds count although other processes are at work.
#
# Decide before looking that whatever comes out is kept.
set -euo pipefail

folder=${1:?FOLDER is missing}
shift
suite=(-- benchmarks/test_latency.py --perfkit-suite faults --perfkit-platform cpu -q -p no:cacheprovider "$@")
faults=(
  --perfkit-fault=mobilenet_v2/openvino-fp32/1x3x112x112=slow:900%
  --perfkit-fault=resnet18/openvino-int8/1x3x112x112=host:900%
  --perfkit-fault=resnet18/openvino-fp32/1x3x112x112=wrong
  --perfkit-fault=mobilenet_v2/openvino-int8/1x3x112x112=vanish
)
mkdir -p "$folder"
cp results/cpu/2026-11-26-faults/perfkit.toml .

python -m perfkit run --replicates 3 --repeats 0 --baseline none --results "$folder/run" "${suite[@]}" \
  > "$folder/baseline.txt" 2> "$folder/baseline.log" || true # 10: there is nothing to judge it against yet
python -m perfkit promote --results "$folder/run" "$folder"/run/runs/*
mv "$folder"/run/baselines/*.json "$folder/baseline.json"
code=0
python -m perfkit run --replicates 2 --repeats 0 --baseline "$folder/baseline.json" --results "$folder/night" \
  "${suite[@]}" "${faults[@]}" > "$folder/faults.txt" 2> "$folder/faults.log" || code=$?
echo "$code" > "$folder/faults.code"
mv "$folder"/night/runs/* "$folder/faults"
rm -r "$folder/run" "$folder/night"
cat "$folder/faults.txt"
