#!/bin/sh
# Builds the agent and the init wrapper and writes them into one Swift source.
#   embed.sh WORKDIR OUTPUT.swift [COMPILER]…
# Builds for this machine's architecture, and for others if one of the compilers is a working cross compiler.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
usage='usage: embed.sh WORKDIR OUTPUT.swift [COMPILER]…'
work=${1:?$usage}
output=${2:?$usage}
shift 2
native=$(uname -m)
. "$here/sources.sh"

# Prints the compiler for an architecture among the given ones; nothing if there is none.
cross_compiler() { # ARCHITECTURE COMPILER…
  wanted=$1
  shift
  for compiler in "$@"; do
    case $compiler in
      */"$wanted"-linux-gnu-gcc)
        if can_link_statically "$compiler" "$work"; then
          echo "$compiler"
        else
          echo "warning: $compiler cannot build static programs (is its libc installed?): no guest agent for $wanted" >&2
        fi
        return
        ;;
    esac
  done
}

rm -rf "$work"
mkdir -p "$work"
"$here/build.sh" "$work/$native"
{
  echo '// Generated from Agent/ by embed.sh.'
  echo 'enum EmbeddedAgent {'
  printf '  static let buildID: StaticString = "%s"\n' "$(cat "$work/$native/build_id.txt")"
  printf '  static let native = "%s"\n' "$native"
  echo '  static let programs: [(architecture: String, agent: StaticString, wrapper: StaticString)] = ['
  for architecture in $architectures; do
    if [ "$architecture" != "$native" ]; then
      compiler=$(cross_compiler "$architecture" "$@")
      if [ -n "$compiler" ]; then "$here/build.sh" "$work/$architecture" "$compiler"; fi
    fi
    if [ -e "$work/$architecture/provium-agent" ]; then
      printf '    ("%s", "%s", "%s"),\n' "$architecture" \
        "$(base64 "$work/$architecture/provium-agent" | tr -d '\n')" "$(base64 "$work/$architecture/provium-wrapper" | tr -d '\n')"
    fi
  done
  echo '  ]'
  echo '}'
} > "$output.new"
mv "$output.new" "$output"
