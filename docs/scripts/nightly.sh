#!/usr/bin/env bash
# A whole suite on a host with several GPUs of one model: each card takes a shard, builds its engines and measures it, and the shards
# are merged and judged against nothing. docs/results.md is to be made of what this leaves.
#
# Usage: [PLATFORM=cuda] [SUITE=nightly] [ROUNDS=docs/scripts/nightly.toml] [REPLICATES=5] docs/scripts/nightly.sh FOLDER STEP...
#        in the root of a clone that nothing is edited in, in an environment with perfkit[trt]
#   FOLDER      receives records, progress (NAME.log) and what was said (NAME.txt); kept between calls
#   PLATFORM    cpu tries the script out where there is no GPU: two "cards" that are the same CPU, at the same time
#   SUITE       one of the shipped ones or of ROUNDS, which becomes the clone's perfkit.toml
#   REPLICATES  processes of each shard
#   STEP        each is one call, for hosts that are lent for minutes:
#     shards     every card at once, up to nine: builds into a cache of its own, for builds in one cache wait for each other,
#                and measures; of a card that was ended before it had finished nothing is used, and it begins anew
#     merge      the run of all of them, as FOLDER/merged
#   seconds.tsv  how long each took
#
# Decide before looking that whatever comes out is kept.
set -euo pipefail

folder=${1:?FOLDER is missing}
shift
(($# > 0)) || { echo 'STEP is missing' >&2; exit 64; }
: "${PLATFORM:=cuda}" "${SUITE:=nightly}" "${ROUNDS:=docs/scripts/nightly.toml}" "${REPLICATES:=5}"
export PERFKIT_HISTORY=none
cache=${PERFKIT_CACHE:-.perfkit}
suite=(benchmarks/test_latency.py --perfkit-suite "$SUITE" --perfkit-platform "$PLATFORM" -q -p no:cacheprovider)
if [[ $PLATFORM == cuda ]]; then
  mapfile -t cards < <(nvidia-smi --query-gpu=uuid --format=csv,noheader)
else
  cards=("" "")
fi
mkdir -p "$folder"
cp "$ROUNDS" perfkit.toml

# shellcheck source=docs/scripts/parts.sh
source docs/scripts/parts.sh

on_card() { # on_card NUMBER COMMAND...: from 1, with a cache that begins with the timings that are known
  local number=$1 own="$cache-$1"
  shift
  [[ -e $own || ! -e $cache/timing ]] || { mkdir -p "$own"; cp -r "$cache/timing" "$own/"; }
  CUDA_VISIBLE_DEVICES=${cards[number - 1]} PERFKIT_CACHE=$own "$@"
}

shard() { # shard NUMBER: builds and measures
  local number=$1 of=$1/${#cards[@]} code=0 began=$EPOCHREALTIME
  rm -rf "$folder/run-$number"
  on_card "$number" python -m pytest "${suite[@]}" --perfkit-baseline none --benchmark-disable \
    --perfkit-shard "$of" --perfkit-divided-by "$folder/run-$number/baselines" > "$folder/build-$number.txt" 2>&1 || code=$?
  took "build-$number" "$began"
  echo "build $of: exit code $code: $(tail -n 1 "$folder/build-$number.txt")"
  began=$EPOCHREALTIME code=0
  on_card "$number" python -m perfkit run --shard "$of" --replicates "$REPLICATES" --repeats 0 --baseline none \
    --results "$folder/run-$number" -- "${suite[@]}" > "$folder/shard-$number.txt" 2> "$folder/shard-$number.log" || code=$?
  took "shard-$number" "$began"
  echo "$code" > "$folder/shard-$number.code"
  mv "$folder/run-$number"/runs/* "$folder/shard-$number"
  rmdir "$folder/run-$number/runs" "$folder/run-$number" || true
  echo "shard $of: exit code $code: $(tail -n 1 "$folder/shard-$number.txt")"
}

for step; do
  case $step in
    shards)
      running=() code=0
      for ((number = 1; number <= ${#cards[@]}; number++)); do
        [[ -e $folder/shard-$number ]] || { shard "$number" & running+=($!); }
      done
      for process in "${running[@]}"; do wait "$process" || code=1; done # one that fails leaves the others their time
      ((!code)) || exit 1
      ;;
    merge)
      code=0
      python -m perfkit merge "$folder"/shard-[0-9] --output "$folder/merged" --baseline none \
        > "$folder/merged.txt" 2> "$folder/merged.log" || code=$?
      echo "$code" > "$folder/merged.code" # 10: judged against nothing; 1: a case is BROKEN
      [[ -d $folder/merged ]] || { cat "$folder/merged.log" >&2; exit 1; }
      ;;
    *) echo "unknown step $step" >&2; exit 64 ;;
  esac
done
