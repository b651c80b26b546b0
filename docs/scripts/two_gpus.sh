#!/usr/bin/env bash
# What two GPUs of one host are worth, and what they do to each other: each card by itself, both at once by two shards of one
# run, and one card's cases while the other is idle and while it is busy. docs/scripts/two_gpus.py makes the tables.
#
# Usage: [PLATFORM=cuda] [REPLICATES=2] [PAIRS=4] docs/scripts/two_gpus.sh FOLDER STEP...
#        in the root of a clone that nothing is edited in, in an environment with perfkit[trt], on a host with two GPUs of one model
#   FOLDER      receives records and progress; kept between calls, and what is there isn't measured again
#   PLATFORM    cpu tries the script out where there is no GPU: both "cards" are the same CPU, and the shards take turns
#   REPLICATES  of each card by itself, and of the run of two shards
#   PAIRS       of replicates beside an idle and beside a busy card, in turns
#   STEP        each is one call, for hosts that are lent for minutes:
#     build       makes the engines that the others load
#     alone       the suite on the first card, then on the second, the other one idle    → alone-0/, alone-1/
#     shards      the suite on both at once, merged                                      → shard-1/, shard-2/, merged/
#     neighbour   mobilenet_v2 on the first card; the second idle, then busy (resnet50 in FP16, without a pause), then busy
#                 first                                                                   → idle-P/, busy-P/
#   seconds.tsv   how long each took, from the start of the processes to their end
#
# Decide before looking that whatever comes out is kept.
set -euo pipefail

folder=${1:?FOLDER is missing}
shift
(($# > 0)) || { echo 'STEP is missing' >&2; exit 64; }
: "${PLATFORM:=cuda}" "${REPLICATES:=2}" "${PAIRS:=4}"
suite=(benchmarks/test_latency.py --perfkit-suite two-gpus --perfkit-platform "$PLATFORM" -q -p no:cacheprovider)
export PERFKIT_HISTORY=none
mkdir -p "$folder"
cp docs/scripts/two_gpus.toml perfkit.toml

if [[ $PLATFORM == cuda ]]; then
  mapfile -t cards < <(nvidia-smi --query-gpu=uuid --format=csv,noheader)
  ((${#cards[@]} >= 2)) || { echo "this host shows ${#cards[@]} GPU" >&2; exit 64; }
else
  cards=("" "")
fi

# shellcheck source=docs/scripts/parts.sh
source docs/scripts/parts.sh

measured() { # measured NAME CARD REPLICATES RUN-OPTION... -- PYTEST-ARGUMENT...: one run, in FOLDER/run-NAME until it is kept
  local name=$1 card=$2 replicates=$3 code=0
  shift 3
  rm -rf "$folder/run-$name" # of a call that was ended
  CUDA_VISIBLE_DEVICES=${cards[card]} python -m perfkit run --replicates "$replicates" --repeats 0 --baseline none \
    --results "$folder/run-$name" "$@" > "$folder/$name.txt" 2> "$folder/$name.log" || code=$?
  ((code == 10)) || { echo "$name: exit code $code, see $folder/$name.log" >&2; return 1; } # 10: judged against nothing
}

kept() { # kept NAME...: the run's files in FOLDER/NAME
  local name
  for name; do
    mv "$folder/run-$name"/runs/* "$folder/$name"
    rm -r "$folder/run-$name"
  done
}

alone() { # alone CARD
  local began=$EPOCHREALTIME
  measured "alone-$1" "$1" "$REPLICATES" -- "${suite[@]}"
  took "alone-$1" "$began"
  kept "alone-$1"
}

shards() {
  local began=$EPOCHREALTIME first second
  measured shard-1 0 "$REPLICATES" --shard 1/2 -- "${suite[@]}" & first=$!
  measured shard-2 1 "$REPLICATES" --shard 2/2 -- "${suite[@]}" & second=$!
  wait "$first"
  wait "$second"
  took shards "$began"
  kept shard-1 shard-2
}

beside() { # beside idle|busy PAIR
  local load=
  if [[ $1 == busy ]]; then
    rm -f "$folder/load-$2"
    CUDA_VISIBLE_DEVICES=${cards[1]} python docs/scripts/two_gpus.py --load "$PLATFORM" "$folder/load-$2" & load=$!
    until [[ -e $folder/load-$2 ]]; do # it is at work
      sleep 0.5
      kill -0 "$load"
    done
  fi
  measured "$1-$2" 0 1 -- "${suite[@]}" -k mobilenet_v2
  if [[ -n $load ]]; then
    kill "$load" # it fails, and so does this, where it is no longer at work
    wait "$load" || true
  fi
  kept "$1-$2"
}

for step; do
  case $step in
    build)
      CUDA_VISIBLE_DEVICES=${cards[0]} python -m pytest "${suite[@]}" --perfkit-baseline none --benchmark-disable \
        > "$folder/build.txt" 2>&1
      ;;
    alone)
      for card in 0 1; do
        [[ -d $folder/alone-$card ]] || alone "$card"
      done
      ;;
    shards)
      [[ -d $folder/shard-2 ]] || shards
      [[ -d $folder/merged ]] || python -m perfkit merge "$folder/shard-1" "$folder/shard-2" --output "$folder/merged" \
        --baseline none > "$folder/merged.txt" 2> "$folder/merged.log" || (($? == 10))
      ;;
    neighbour)
      for ((pair = 1; pair <= PAIRS; pair++)); do
        order=(idle busy)
        ((pair % 2)) || order=(busy idle)
        for way in "${order[@]}"; do
          [[ -d $folder/$way-$pair ]] || beside "$way" "$pair"
        done
      done
      ;;
    *) echo "unknown step $step" >&2; exit 64 ;;
  esac
done
