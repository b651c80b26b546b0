#!/usr/bin/env bash
# A suite against a stored baseline, as a nightly job has it, on a host with one GPU or two of one model: processes promoted,
# then nights of the same code unchanged, with one case really slowed by 10%, or as perfkit drill makes them.
#
# Usage: [PLATFORM=cuda] [SUITE=quick] [ROUNDS=docs/scripts/h100_nights.toml] [BASELINE=5] [REPLICATES=3]
#        docs/scripts/h100_nights.sh FOLDER STEP...
#        in the root of a clone that nothing is edited in, in an environment with perfkit[trt]
#   FOLDER      receives records, judgements (NAME.txt), progress (NAME.log) and exit codes (NAME.code); kept between calls
#   PLATFORM    cpu tries the script out where there is no GPU: both "cards" are the same CPU
#   SUITE       one of the shipped ones or of ROUNDS
#   ROUNDS      becomes the clone's perfkit.toml
#   BASELINE    processes that are promoted
#   REPLICATES  of a night of the steps unchanged and drill
#   STEP        each is one call, for hosts that are lent for minutes:
#     build      makes the engines that the others load; on two cards the models are shared out
#     baseline   on two cards half of the processes on each at the same time, of an odd number the larger half on the first,
#                promoted to FOLDER/baseline.json
#     nights     unchanged on the first card and, at the same time, slowed on the second (one after the other on one), three
#                processes each, and what is in doubt once more
#     drill      perfkit drill on the first card
#     unchanged  the same code once more, on the second card where there is one, and what is in doubt again: FOLDER/unchanged-N, N
#                counts calls
#   seconds.tsv  how long each took
#
# Decide before looking that whatever comes out is kept.
set -euo pipefail

folder=${1:?FOLDER is missing}
shift
(($# > 0)) || { echo 'STEP is missing' >&2; exit 64; }
: "${PLATFORM:=cuda}" "${SUITE:=quick}" "${ROUNDS:=docs/scripts/h100_nights.toml}" "${BASELINE:=5}" "${REPLICATES:=3}"
export PERFKIT_HISTORY=none
cache=${PERFKIT_CACHE:-.perfkit}
suite=(benchmarks/test_latency.py --perfkit-suite "$SUITE" --perfkit-platform "$PLATFORM" -q -p no:cacheprovider)
if [[ $PLATFORM == cuda ]]; then
  slow=resnet18/trt-fp16/1x3x224x224=slow:10%
  mapfile -t cards < <(nvidia-smi --query-gpu=uuid --format=csv,noheader)
else
  slow=resnet18/openvino-fp32/1x3x224x224=slow:10%
  cards=("")
fi
last=$((${#cards[@]} > 1 ? 1 : 0))
mkdir -p "$folder"
cp "$ROUNDS" perfkit.toml

# shellcheck source=docs/scripts/parts.sh
source docs/scripts/parts.sh

on_card() { # on_card CARD COMMAND...
  local card=$1
  shift
  CUDA_VISIBLE_DEVICES=${cards[card]} "$@"
}

build() { # build CARD EXPRESSION CACHE: the models that pytest's -k selects
  local began=$EPOCHREALTIME code=0
  PERFKIT_CACHE=$3 on_card "$1" python -m pytest "${suite[@]}" -k "$2" --perfkit-baseline none --benchmark-disable \
    > "$folder/build-$2.txt" 2>&1 || code=$?
  took "build-$2" "$began"
  echo "build $2: exit code $code: $(tail -n 1 "$folder/build-$2.txt")"
  return "$code"
}

build_all() { # perfkit builds one engine at a time a cache, so that the second card has one of its own meanwhile
  local first
  if ((!last)); then
    build 0 mobilenet_v2 "$cache"
    build 0 resnet "$cache"
    return
  fi
  rm -rf "$cache-second"
  mkdir -p "$cache-second" "$cache/engines"
  [[ ! -e $cache/timing ]] || cp -r "$cache/timing" "$cache-second/"
  build 0 mobilenet_v2 "$cache" & first=$!
  build 1 resnet "$cache-second"
  wait "$first"
  [[ ! -e $cache-second/engines ]] || cp -r "$cache-second/engines/." "$cache/engines/"
}

kept() { # kept RUN-FOLDER/runs NAME: the run's files as FOLDER/NAME
  mv "$1"/* "$folder/$2"
  rmdir "$1" "${1%/*}" || true
}

measured() { # measured NAME CARD RUN-OPTION... -- [PYTEST-ARGUMENT...]: one run, its files in FOLDER/NAME
  local name=$1 card=$2 code=0 began=$EPOCHREALTIME own=()
  shift 2
  [[ ! -e $folder/$name ]] || { echo "$folder/$name is there already" >&2; return 64; }
  while [[ $1 != -- ]]; do
    own+=("$1")
    shift
  done
  shift
  on_card "$card" python -m perfkit run "${own[@]}" --results "$folder/run-$name" -- "${suite[@]}" "$@" \
    > "$folder/$name.txt" 2> "$folder/$name.log" || code=$?
  took "$name" "$began"
  echo "$code" > "$folder/$name.code"
  kept "$folder/run-$name/runs" "$name"
  echo "$name: exit code $code: $(tail -n 1 "$folder/$name.txt")"
}

of_baseline() { # of_baseline CARD PROCESSES
  measured "baseline-card-$1" "$1" --replicates "$2" --repeats 0 --baseline none --
}

night() { # night NAME CARD [PYTEST-ARGUMENT...]
  local name=$1 card=$2
  shift 2
  measured "$name" "$card" --replicates 3 --repeats 1 --baseline "$folder/baseline.json" -- "$@"
}

drill() {
  local code=0 began=$EPOCHREALTIME
  [[ ! -e $folder/drill ]] || { echo "$folder/drill is there already" >&2; return 64; }
  on_card 0 python -m perfkit drill --replicates "$REPLICATES" --baseline "$folder/baseline.json" \
    --results "$folder/run-drill" -- "${suite[@]}" > "$folder/drill.txt" 2> "$folder/drill.log" || code=$?
  took drill "$began"
  echo "$code" > "$folder/drill.code"
  kept "$folder/run-drill/drills" drill
  echo "drill: exit code $code: $(tail -n 1 "$folder/drill.txt")"
}

unchanged() {
  local number=1
  while [[ -e $folder/unchanged-$number ]]; do ((number++)); done
  measured "unchanged-$number" "$last" --replicates "$REPLICATES" --repeats 1 --baseline "$folder/baseline.json" --
}

for step; do
  case $step in
    build) build_all ;;
    baseline)
      if ((last)); then
        of_baseline 0 $((BASELINE - BASELINE / 2)) & first=$!
        of_baseline 1 $((BASELINE / 2))
        wait "$first"
      else
        of_baseline 0 "$BASELINE"
      fi
      python -m perfkit promote --results "$folder/promoted" "$folder"/baseline-card-*/*.json > "$folder/promoted.txt" 2>&1 ||
        { cat "$folder/promoted.txt" >&2; exit 1; }
      cp "$folder"/promoted/baselines/*.json "$folder/baseline.json"
      ;;
    nights)
      night unchanged 0 & first=$!
      ((last)) || wait "$first"
      night slowed-10pct "$last" "--perfkit-fault=$slow"
      ((!last)) || wait "$first"
      ;;
    drill) drill ;;
    unchanged) unchanged ;;
    *) echo "unknown step $step" >&2; exit 64 ;;
  esac
done
