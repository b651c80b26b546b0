# shellcheck shell=bash
# What the scripts have in common that measure on several cards at once; each sets "folder" and sources this in the clone's root.

end_all() { # nothing of what failed outlives the script: neither the parts nor what they run
  local part
  for part in $(jobs -p); do
    # shellcheck disable=SC2046 # numbers of processes
    kill $(cat "/proc/$part/task/$part/children" 2> /dev/null) "$part" 2> /dev/null || true
  done
}
trap end_all EXIT
trap 'exit 143' TERM

took() { # took NAME BEGAN: how long it took, in seconds.tsv
  awk -v name="$1" -v began="$2" -v ended="$EPOCHREALTIME" 'BEGIN { printf "%s\t%.1f\n", name, ended - began }' \
    >> "${folder:?}/seconds.tsv"
}
