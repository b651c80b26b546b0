#!/usr/bin/env bash
# Measures on a GPU host what docs/tensorrt.md and docs/study.md show; docs/scripts/h100_nights.sh has what docs/h100.md does.
#
# Usage: [SUITE=quick] [ONLY=EXPRESSION] [PROCESSES=12] [PLATFORM=cuda] docs/scripts/h100_measure.sh FOLDER STEP...
#        in the root of a clone that nothing is edited in, in an environment with perfkit[trt]
#   FOLDER     receives records, judgements (NAME.txt), progress (NAME.log) and exit codes (NAME.code); kept between calls
#   SUITE      which suite, of the shipped ones and of docs/scripts/h100_measure.toml, which becomes the clone's perfkit.toml and has
#              fewer rounds than usual; ONLY: of the suite only what pytest's -k selects
#   PROCESSES  how many the study takes
#   PLATFORM   cpu tries the steps out where there is no GPU
#   STEP       each is one call, for hosts that are lent for minutes:
#     build      makes the engines that the others load; ended by a time limit, it goes on where it was
#     record     the suite once, judged against nothing, as FOLDER/SUITE-ONLY.json
#     rebuilt    the same with every engine built anew, beside the stored ones, as FOLDER/SUITE-ONLY-rebuilt.json
#     cold       record and twice rebuilt, beginning without engines and without a timing cache, as FOLDER/SUITE-ONLY-cold.json,
#                -cold-rebuilt.json and -cold-rebuilt-again.json
#     study      the suite in PROCESSES fresh processes, into FOLDER/study-SUITE-ONLY-N, for docs/scripts/study.py; N counts calls;
#                of one that was ended, what it measured is left in FOLDER/run-study-SUITE-ONLY-N
#     drill      perfkit drill on the suite; its baseline is five processes of the first study
#     streams, throughput, writeup, calibration   the scripts of those names
#     tests      tests/gpu
#
# The rule is the one of the code that measures; nothing is left out of FOLDER, whatever the outcome.
set -uo pipefail

folder=${1:?FOLDER is missing}
shift
(($# > 0)) || { echo 'STEP is missing' >&2; exit 64; }
: "${SUITE:=quick}" "${PROCESSES:=12}" "${PLATFORM:=cuda}"
export PERFKIT_HISTORY=none
name=$SUITE${ONLY:+-${ONLY// /-}}
suite=(benchmarks/test_latency.py --perfkit-suite "$SUITE" --perfkit-platform "$PLATFORM" ${ONLY:+-k "$ONLY"})
suite+=(-q -p no:cacheprovider)
mkdir -p "$folder"
cp docs/scripts/h100_measure.toml perfkit.toml

told() { # told NAME COMMAND...: its output and exit code in FOLDER/NAME.*
  local name=$1 code=0
  shift
  rm -f "$folder/$name.code" # of an earlier call: this one may be ended
  "$@" > "$folder/$name.txt" 2> "$folder/$name.log" || code=$?
  echo "$code" > "$folder/$name.code"
  echo "$name: exit code $code: $(tail -n 1 "$folder/$name.txt")"
}

measured() { # measured NAME REPLICATES RUN-OPTION... -- PYTEST-ARGUMENT...: judged against nothing
  local name=$1 replicates=$2
  shift 2
  told "$name" python -m perfkit run --replicates "$replicates" --repeats 0 --baseline none --results "$folder/run-$name" "$@"
}

# Not pytest-benchmark's own file: it is empty until the run ends, and stays so when the run is killed.
recorded() { # recorded NAME [PYTEST-ARGUMENT...]: the suite once
  local name=$1
  shift
  rm -rf "$folder/run-$name" "$folder/$name.json"
  measured "$name" 1 -- "${suite[@]}" "$@"
  mv "$folder/run-$name"/runs/*/replicate-1.json "$folder/$name.json"
}

for step; do
  case $step in
    build) told "build-$name" python -m pytest "${suite[@]}" --perfkit-baseline none --benchmark-disable ;;
    record) recorded "$name" ;;
    rebuilt) recorded "$name-rebuilt" --rebuild ;;
    cold)
      (
        PERFKIT_CACHE=$(mktemp -d) || exit
        export PERFKIT_CACHE
        trap 'rm -rf "$PERFKIT_CACHE"' EXIT
        recorded "$name-cold"
        recorded "$name-cold-rebuilt" --rebuild
        recorded "$name-cold-rebuilt-again" --rebuild
      )
      ;;
    study)
      number=1
      while [[ -e $folder/run-study-$name-$number ]]; do ((number++)); done
      measured "study-$name-$number" "$PROCESSES" -- "${suite[@]}"
      mv "$folder/run-study-$name-$number"/runs/* "$folder/study-$name-$number"
      ;;
    drill)
      of_five=("$folder/study-$name-1"/replicate-[1-5].json)
      ((${#of_five[@]} == 5)) || { echo "$folder/study-$name-1 has not five processes" >&2; exit 64; }
      rm -rf "$folder/promoted-$name" "$folder/promoted-$name.json"
      told "promoted-$name" python -m perfkit promote --results "$folder/promoted-$name" "${of_five[@]}"
      mv "$folder/promoted-$name"/baselines/*.json "$folder/promoted-$name.json" || exit
      told "drill-$name" python -m perfkit drill --baseline "$folder/promoted-$name.json" --results "$folder/drill-$name" \
        -- "${suite[@]}"
      ;;
    streams) python docs/scripts/engine_streams.py --measure "$folder/engine-streams.json" ;;
    throughput) python docs/scripts/throughput.py --measure "$folder/throughput.json" ;;
    writeup) python docs/scripts/writeup.py --measure "$folder/writeup.json" ;;
    calibration) python docs/scripts/calibration_engines.py --measure "$folder/calibration-engines.json" ;;
    tests) python -m pytest -m gpu tests/gpu -q -p no:cacheprovider 2>&1 | tee "$folder/tests-gpu.txt" ;;
    *) echo "unknown step $step" >&2; exit 64 ;;
  esac
done
