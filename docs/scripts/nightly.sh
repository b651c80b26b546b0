#!/usr/bin/env bash
# A whole suite on a host with several GPUs of one model: each card takes a shard, builds its engines and measures it, and the shards
# are merged, and further processes are judged against them. docs/results.md is made of what this leaves.
#
# Usage: [PLATFORM=cuda] [SUITE=nightly] [ROUNDS=docs/scripts/nightly.toml] [REPLICATES=5] [CURRENT=3] [OF=4] [FIRST=1]
#        docs/scripts/nightly.sh FOLDER STEP...
#        in the root of a clone that nothing is edited in, in an environment with perfkit[trt]
#   FOLDER      receives records, progress (NAME.log) and what was said (NAME.txt); kept between calls
#   PLATFORM    cpu tries the script out where there is no GPU: two "cards" that are the same CPU, at the same time
#   SUITE       one of the shipped ones or of ROUNDS, which becomes the clone's perfkit.toml
#   REPLICATES  processes of each shard
#   CURRENT     processes of each that are judged against them
#   OF, FIRST   how many shards there are, without it as many as cards, and the first card's: a host with fewer cards takes some, another
#               the others, both of one commit, and what both have left in one FOLDER is merged
#   STEP        each is one call, for hosts that are lent for minutes:
#     shards     every card at once, up to nine: builds into a cache of its own, for builds in one cache wait for each other,
#                and measures; of a card that was ended before it had finished nothing is used, and it begins anew
#     merge      the run of all of them, as FOLDER/merged, promoted to FOLDER/baseline.json
#     again      more processes of each shard, as FOLDER/night-*
#     night      these, merged and judged against the baseline, as FOLDER/judged
#   seconds.tsv  how long each took
#
# Decide before looking that whatever comes out is kept.
set -euo pipefail

folder=${1:?FOLDER is missing}
shift
(($# > 0)) || { echo 'STEP is missing' >&2; exit 64; }
: "${PLATFORM:=cuda}" "${SUITE:=nightly}" "${ROUNDS:=docs/scripts/nightly.toml}" "${REPLICATES:=5}" "${CURRENT:=3}"
export PERFKIT_HISTORY=none
cache=${PERFKIT_CACHE:-.perfkit}
suite=(benchmarks/test_latency.py --perfkit-suite "$SUITE" --perfkit-platform "$PLATFORM" -q -p no:cacheprovider)
if [[ $PLATFORM == cuda ]]; then
  mapfile -t cards < <(nvidia-smi --query-gpu=uuid --format=csv,noheader)
else
  cards=("" "")
fi
halves=${OF:+--different-days} # hosts that are lent one after the other
: "${OF:=${#cards[@]}}" "${FIRST:=1}"
mkdir -p "$folder"
cp "$ROUNDS" perfkit.toml

# shellcheck source=docs/scripts/parts.sh
source docs/scripts/parts.sh

on_card() { # on_card NUMBER COMMAND...: the shard's card, with a cache that begins with the timings that are known
  local number=$1 own="$cache-$1"
  shift
  [[ -e $own || ! -e $cache/timing ]] || { mkdir -p "$own"; cp -r "$cache/timing" "$own/"; }
  CUDA_VISIBLE_DEVICES=${cards[number - FIRST]} PERFKIT_CACHE=$own "$@"
}

build() { # build NUMBER: the engines of a shard
  local number=$1 of=$1/$OF code=0 began=$EPOCHREALTIME
  on_card "$number" python -m pytest "${suite[@]}" --perfkit-baseline none --benchmark-disable \
    --perfkit-shard "$of" --perfkit-divided-by "$folder/run-$number/baselines" > "$folder/build-$number.txt" 2>&1 || code=$?
  took "build-$number" "$began"
  echo "build $of: exit code $code: $(tail -n 1 "$folder/build-$number.txt")"
}

shard() { # shard NAME NUMBER REPLICATES: FOLDER/NAME-NUMBER
  local number=$2 of=$2/$OF code=0 began=$EPOCHREALTIME own=$1-$2
  on_card "$number" python -m perfkit run --shard "$of" --replicates "$3" --repeats 0 --baseline none \
    --results "$folder/run-$number" -- "${suite[@]}" > "$folder/$own.txt" 2> "$folder/$own.log" || code=$?
  took "$own" "$began"
  echo "$code" > "$folder/$own.code"
  mv "$folder/run-$number"/runs/* "$folder/$own"
  rmdir "$folder/run-$number/runs" "$folder/run-$number" || true
  echo "$own: exit code $code: $(tail -n 1 "$folder/$own.txt")"
}

built_and_measured() { # built_and_measured NUMBER
  rm -rf "$folder/run-$1"
  build "$1"
  shard shard "$1" "$REPLICATES"
}

measured_again() { # measured_again NUMBER
  rm -rf "$folder/run-$1"
  shard night "$1" "$CURRENT"
}

on_all() { # on_all NAME FUNCTION: every card at once whose shard has no FOLDER/NAME-NUMBER yet; one that fails leaves the others their time.
  # To be called as a statement of its own: where its outcome is asked for, set -e is off in all that it starts.
  local running=() code=0 number process
  for ((number = FIRST; number < FIRST + ${#cards[@]} && number <= OF; number++)); do
    [[ -e $folder/$1-$number ]] || { "$2" "$number" & running+=($!); }
  done
  for process in "${running[@]}"; do wait "$process" || code=1; done
  ((!code)) || exit 1
}

merged() { # merged NAME PARTS BASELINE: FOLDER/NAME, of the shards FOLDER/PARTS-*
  local code=0
  rm -rf "${folder:?}/$1"
  python -m perfkit merge "$folder/$2"-[0-9] --output "$folder/$1" --baseline "$3" ${halves:+"$halves"} > "$folder/$1.txt" 2> "$folder/$1.log" || code=$?
  echo "$code" > "$folder/$1.code" # 10: judged against nothing; 1: a case is BROKEN
  [[ -d $folder/$1 ]] || { cat "$folder/$1.log" >&2; exit 1; }
}

for step; do
  case $step in
    shards) on_all shard built_and_measured ;;
    merge)
      rm -rf "$folder/promoted" "$folder/baseline.json"
      merged merged shard none
      python -m perfkit promote --results "$folder/promoted" --force --reason 'the first; what is BROKEN is left out' \
        "$folder"/merged/*.json > "$folder/promoted.txt" 2>&1 ||
        { cat "$folder/promoted.txt" >&2; exit 1; }
      cp "$folder"/promoted/baselines/*.json "$folder/baseline.json"
      ;;
    again) on_all night measured_again ;;
    night)
      merged judged night "$folder/baseline.json"
      ;;
    *) echo "unknown step $step" >&2; exit 64 ;;
  esac
done
