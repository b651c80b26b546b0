#!/usr/bin/env bash
# The study suite's plain cases in one process on a GPU, alone or while other processes make contexts on it and end; for
# docs/scripts/hardware_queues.py.
#
# Usage: [PLATFORM=cuda] docs/scripts/hardware_queues.sh FOLDER NAME [beside]
#        in the root of a clone that nothing is edited in, in an environment with perfkit[trt]
#   FOLDER  receives NAME.json and what was said
#   beside  every two seconds another process makes a context, launches nothing and ends
set -euo pipefail

folder=${1:?FOLDER is missing} name=${2:?NAME is missing}
mkdir -p "$folder/of-$name"
if [[ ${3-} == beside ]]; then
  (while sleep 2; do python docs/scripts/hardware_queues.py --context || true; done) > "$folder/$name-beside.log" 2>&1 &
  others=$!
  trap 'kill "$others"' EXIT
fi
SUITE=study ONLY='eager or trt-fp16-1x3' docs/scripts/h100_measure.sh "$folder/of-$name" record
cp "$folder/of-$name"/study-*.json "$folder/$name.json"
