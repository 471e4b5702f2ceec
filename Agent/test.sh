#!/bin/sh
# Builds the agent and tests it over socket pairs, then again with address and undefined-behaviour sanitizers.
#   test.sh [TEST]   only the named one (frames, calls, exec, jobs, files, workers, link, control, listen, memory)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${PROVIUM_AGENT_BUILD:-$(mktemp -d)}
[ -n "${PROVIUM_AGENT_BUILD:-}" ] || trap 'rm -rf "$out"' EXIT
cc=${CC:-cc}

"$here/build.sh" "$out/release"
size=$(wc -c < "$out/release/provium-agent")
if command -v musl-gcc >/dev/null 2>&1 && [ "$size" -ge 204800 ]; then
  echo "the agent has $size bytes; 204800 are the limit" >&2
  exit 1
fi
$cc -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -O1 -g -I"$here/tests" -I"$here/../Sources/CProviumWire/include" \
  "$here"/tests/*.c -o "$out/agent-tests"
status=0
PROVIUM_AGENT=$out/release/provium-agent "$out/agent-tests" "$@" || status=1

CFLAGS_EXTRA="-fsanitize=address,undefined -fno-sanitize-recover=undefined" "$here/build.sh" "$out/sanitized" "$cc"
# Leaks are looked for by a thread of its own, which cannot trace what a test has forked.
PROVIUM_SANITIZED=1 PROVIUM_AGENT=$out/sanitized/provium-agent \
  ASAN_OPTIONS=detect_leaks=0:handle_segv=0:log_path=$out/report UBSAN_OPTIONS=log_path=$out/report "$out/agent-tests" "$@" || status=1
for report in "$out"/report.*; do
  if [ -e "$report" ]; then
    cat "$report" >&2
    status=1
  fi
done
exit $status
