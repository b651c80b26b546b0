#!/usr/bin/env bash
# Measures on a GPU host what docs/tensorrt.md shows; docs/scripts/h100_nights.sh has what docs/h100.md does.
#
# Usage: [SUITE=quick] [ONLY=EXPRESSION] docs/scripts/h100_measure.sh FOLDER STEP...
#        in the project's root, in an environment with perfkit[trt]
#   FOLDER  receives records, judgements (NAME.txt), progress (NAME.log) and exit codes (NAME.code); kept between calls
#   SUITE   which suite; ONLY: of it only what pytest's -k selects
#   STEP    each is one call, for hosts that are lent for minutes:
#     build      makes the engines that the others load; ended by a time limit, it goes on where it was
#     record     the suite once, judged against nothing, as FOLDER/SUITE-ONLY.json
#     rebuilt    the same with every engine built anew, beside the stored ones, as FOLDER/SUITE-ONLY-rebuilt.json
#     study      the suite in twelve fresh processes, into FOLDER/study-SUITE-ONLY/runs, for docs/scripts/study.py, and
#                three more with one case slowed by 5%
#     streams, throughput, writeup, calibration   the scripts of those names
#     tests      tests/gpu
#
# The rule is the one of the code that measures; nothing is left out of FOLDER, whatever the outcome.
set -uo pipefail

folder=${1:?FOLDER is missing}
shift
(($# > 0)) || { echo 'STEP is missing' >&2; exit 64; }
name=${SUITE:=quick}${ONLY:+-${ONLY// /-}}
slow_study=mobilenet_v2/trt-fp16/1x3x224x224=slow:5%
suite=(benchmarks/test_latency.py --perfkit-suite "$SUITE" --perfkit-platform cuda ${ONLY:+-k "$ONLY"})
suite+=(-q -p no:cacheprovider)
mkdir -p "$folder"

measured() { # measured NAME REPLICATES RUN-OPTION... -- PYTEST-ARGUMENT...
  local name=$1 replicates=$2 code
  shift 2
  python -m perfkit run --replicates "$replicates" --results "$folder/$name" "$@" > "$folder/$name.txt" 2> "$folder/$name.log"
  code=$?
  echo "$code" > "$folder/$name.code"
  echo "$name: exit code $code: $(tail -n 1 "$folder/$name.txt")"
}

# Not pytest-benchmark's own file: it is empty until the run ends, and stays so when the run is killed.
recorded() { # recorded NAME [PYTEST-ARGUMENT...]: the suite once, judged against nothing
  local name=$1
  shift
  rm -f "$folder/$name.json"
  measured "$name" 1 --repeats 0 --baseline none -- "${suite[@]}" "$@"
  cp "$(printf '%s\n' "$folder/$name"/runs/*/replicate-1.json | tail -n 1)" "$folder/$name.json"
}

for step; do
  case $step in
    build)
      python -m pytest "${suite[@]}" --perfkit-baseline none --benchmark-disable > "$folder/build-$name.txt" 2>&1
      echo "build $name: exit code $?: $(tail -n 1 "$folder/build-$name.txt")"
      ;;
    record) recorded "$name" ;;
    rebuilt) recorded "$name-rebuilt" --rebuild ;;
    study)
      measured "study-$name" 12 --repeats 0 --baseline none -- "${suite[@]}"
      measured "study-$name-slowed" 3 --repeats 0 --baseline none -- "${suite[@]}" "--perfkit-fault=$slow_study"
      ;;
    streams) python docs/scripts/engine_streams.py --measure "$folder/engine-streams.json" ;;
    throughput) python docs/scripts/throughput.py --measure "$folder/throughput.json" ;;
    writeup) python docs/scripts/writeup.py --measure "$folder/writeup.json" ;;
    calibration) python docs/scripts/calibration_engines.py --measure "$folder/calibration-engines.json" ;;
    tests) python -m pytest -m gpu tests/gpu -q -p no:cacheprovider 2>&1 | tee "$folder/tests-gpu.txt" ;;
    *) echo "unknown step $step" >&2; exit 64 ;;
  esac
done
