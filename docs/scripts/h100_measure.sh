#!/usr/bin/env bash
# Measures on a GPU host what docs/h100.md shows: the quick suite as a baseline, the same again, one case really slowed.
#
# Usage: docs/scripts/h100_measure.sh FOLDER STEP...      run in the project's root, in an environment with perfkit[trt]
#   FOLDER  receives the records, NAME.txt (the judgement) and NAME.code (the exit code); kept between calls
#   STEP    build, baseline, unchanged, slowed, streams or tests; each is one call, for hosts that are lent for minutes.
#           build makes the engines that the others load; ended by a time limit, it goes on where it was
#
# The rule is the one of the code that measures; nothing is left out of FOLDER, whatever the outcome.
set -uo pipefail

folder=${1:?FOLDER is missing}
shift
(($# > 0)) || { echo 'STEP is missing: build, baseline, unchanged, slowed, streams, tests' >&2; exit 64; }
slow=resnet18/trt-fp16/1x3x224x224=10%
suite=(benchmarks/ --perfkit-suite quick --perfkit-platform cuda -q -p no:cacheprovider)
mkdir -p "$folder"

judged() { # judged NAME PYTEST-ARGUMENT...
  local name=$1
  shift
  python -m perfkit run --replicates 1 --repeats 2 --baseline "$folder/baseline.json" --results "$folder/$name" \
    -- "${suite[@]}" "$@" > "$folder/$name.txt" 2> "$folder/$name.log"
  echo $? > "$folder/$name.code"
  echo "$name: exit code $(cat "$folder/$name.code"): $(tail -n 1 "$folder/$name.txt")"
}

for step; do
  case $step in
    build)
      python -m pytest "${suite[@]}" --perfkit-baseline none --benchmark-disable > "$folder/build.txt" 2>&1
      echo "build: exit code $?: $(tail -n 1 "$folder/build.txt")"
      ;;
    baseline)
      # Not pytest-benchmark's own file: it is empty until the run ends, and stays so when the run is killed.
      python -m perfkit run --replicates 1 --repeats 0 --baseline none --results "$folder/measured" -- "${suite[@]}" \
        > "$folder/baseline.txt" 2> "$folder/baseline.log"
      echo "baseline: exit code $?: $(tail -n 1 "$folder/baseline.txt")"
      cp "$folder"/measured/runs/*/replicate-1.json "$folder/baseline.json"
      ;;
    unchanged) judged unchanged ;;
    slowed) judged slowed "--perfkit-slow=$slow" ;;
    streams) python docs/scripts/engine_streams.py --measure "$folder/engine-streams.json" ;;
    tests) python -m pytest -m gpu tests/gpu -q -p no:cacheprovider 2>&1 | tee "$folder/tests-gpu.txt" ;;
    *) echo "unknown step $step" >&2; exit 64 ;;
  esac
done
