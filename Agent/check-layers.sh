#!/bin/sh
# Checks the layers of the agent's sources: no cycle of includes or calls between files, and no include or call from a
# top-level folder to a later one in the list of sources.sh.
#   check-layers.sh WORKDIR
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?usage: check-layers.sh WORKDIR}
wire=$here/../Sources/CProviumWire/include
. "$here/sources.sh"
mkdir -p "$out"
status=0

# Fails if the pairs "user used" of a file contain a cycle. Paths are relative to Agent/.
check_cycle() { # KIND PAIRS
  if ! tsort "$2" >/dev/null 2>"$out/cycle"; then
    echo "check-layers: a cycle of $1:" >&2
    sed 's/^tsort: //; /input contains a loop/d; s/^/  /' "$out/cycle" >&2
    status=1
  fi
}

# Fails if a file uses one of a later top-level folder; main.c is above all of them.
check_direction() { # KIND PAIRS
  awk -v kind="$1" -v folders="$folders" '
    function rank(path) { return path ~ "/" ? ranks[substr(path, 1, index(path, "/") - 1)] : 99 }
    BEGIN { count = split(folders, names, " "); for (i = 1; i <= count; i++) ranks[names[i]] = i }
    rank($2) > rank($1) {
      print "check-layers: " $1 " uses " $2 ", which is in a later folder of sources.sh (" kind ")"
      bad = 1
    }
    END { exit bad }' "$2" >&2 || status=1
}

cd "$here"
: > "$out/includes"
for file in $(all_sources .); do
  file=$(echo "$file" | sed 's|^\(\./\)*||')
  sed -n 's/^#include "\(.*\)".*/\1/p' "$file" | while read -r header; do
    for folder in $folders; do
      if [ -e "$folder/$header" ] && [ "$folder/$header" != "$file" ]; then echo "$file $folder/$header"; fi
    done
  done
done >> "$out/includes"

# Calls between source files: an undefined symbol of one object that another object defines.
: > "$out/defined"
: > "$out/undefined"
flags="-std=c11 -D_GNU_SOURCE -O0 -I$wire"
for folder in $folders; do flags="$flags -I$folder"; done
for file in $(agent_sources .) $(wrapper_sources .); do
  file=$(echo "$file" | sed 's|^\(\./\)*||')
  object=$out/$(echo "$file" | tr / _).o
  ${CC:-cc} $flags -c "$file" -o "$object"
  nm --defined-only --extern-only "$object" | awk -v file="$file" '{print $3, file}' >> "$out/defined"
  nm --undefined-only "$object" | awk -v file="$file" '{print $2, file}' >> "$out/undefined"
done
sort -u -o "$out/defined" "$out/defined"
sort -u -o "$out/undefined" "$out/undefined"
join -o 1.2,2.2 "$out/undefined" "$out/defined" | grep -v ' main$' | sort -u > "$out/calls"

check_cycle "includes" "$out/includes"
check_cycle "calls" "$out/calls"
check_direction "includes" "$out/includes"
check_direction "calls" "$out/calls"
exit $status
