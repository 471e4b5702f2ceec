#!/bin/sh
# Builds the fork server and writes it into a Swift source.
#   embed.sh WORKDIR OUTPUT.swift
set -eu
here=$(cd "$(dirname "$0")" && pwd)
usage='usage: embed.sh WORKDIR OUTPUT.swift'
work=${1:?$usage}
output=${2:?$usage}
for compiler in cc gcc clang ""; do
  if command -v "$compiler" >/dev/null 2>&1; then break; fi
done
if [ -z "$compiler" ]; then
  echo "error: no C compiler for the fork server; install the package gcc" >&2
  exit 1
fi
mkdir -p "$work"
# Without libraries: it uses those of the program that it is loaded into. Small pages: it has a few kilobytes.
"$compiler" -std=c11 -O2 -fPIC -fno-stack-protector -Wall -Wextra -Wvla -Wshadow -Wstrict-prototypes \
  -Wmissing-prototypes -Wpointer-arith -Werror -I"$here/../Sources/CLinux" -I"$here/../Sources/CLinux/include" -shared -nostdlib \
  -fvisibility=hidden -Wl,--build-id=none -Wl,-z,max-page-size=4096 -Wl,-z,noseparate-code -s \
  "$here"/*.c "$here/../Sources/CLinux/place_descriptors.c" -o "$work/fork_server.so"
{
  echo '// Generated from ForkServer/ by embed.sh.'
  echo 'enum EmbeddedForkServer {'
  printf '  static let library: StaticString = "%s"\n' "$(od -An -v -tx1 "$work/fork_server.so" | tr -d ' \n')"
  echo '}'
} > "$output.new"
mv "$output.new" "$output"
