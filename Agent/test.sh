#!/bin/sh
# Builds the agent and tests it over socket pairs, then again with the address and undefined-behaviour sanitizers.
#   test.sh [TEST]   run one test: frames, calls, exec, jobs, process, files, workers, link, control, listen, memory, log, interface
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${PROVIUM_AGENT_BUILD:-$(mktemp -d)}
[ -n "${PROVIUM_AGENT_BUILD:-}" ] || trap 'rm -rf "$out"' EXIT
cc=${CC:-cc}
size_limit=204800

"$here/check-layers.sh" "$out/layers"
"$here/build.sh" "$out/release"
size=$(wc -c < "$out/release/provium-agent")
if command -v musl-gcc >/dev/null 2>&1 && [ "$size" -ge "$size_limit" ]; then
  echo "the agent has $size bytes; the limit is $size_limit" >&2
  exit 1
fi
$cc -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -O1 -g -I"$here/tests" -I"$here/../Sources/CProviumWire/include" \
  "$here"/tests/*.c -o "$out/agent-tests"
status=0
PROVIUM_AGENT=$out/release/provium-agent "$out/agent-tests" "$@" || status=1

CFLAGS_EXTRA="-fsanitize=address,undefined -fno-sanitize-recover=undefined" "$here/build.sh" "$out/sanitized" "$cc"
# No leak check: its thread cannot trace a process that a test has forked.
PROVIUM_SANITIZED=1 PROVIUM_AGENT=$out/sanitized/provium-agent \
  ASAN_OPTIONS=detect_leaks=0:handle_segv=0:log_path=$out/report UBSAN_OPTIONS=log_path=$out/report "$out/agent-tests" "$@" || status=1
for report in "$out"/report.*; do
  if [ -e "$report" ]; then
    cat "$report" >&2
    status=1
  fi
done
exit $status
