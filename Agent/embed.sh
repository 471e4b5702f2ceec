#!/bin/sh
# Builds the agent and writes its programs into one Swift source:  embed.sh WORKDIR OUTPUT.swift
# This machine's architecture always; others where a cross compiler is installed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=${1:?usage: embed.sh WORKDIR OUTPUT.swift}
output=${2:?usage: embed.sh WORKDIR OUTPUT.swift}
native=$(uname -m)

constant() { # NAME FILE
  if [ -n "$2" ]; then
    printf '  static let %s: StaticString? = "%s"\n' "$1" "$(base64 "$2" | tr -d '\n')"
  else
    printf '  static let %s: StaticString? = nil\n' "$1"
  fi
}

"$here/build.sh" "$work/$native"
{
  echo '// Generated from Agent/ by embed.sh.'
  echo 'enum EmbeddedAgent {'
  printf '  static let buildID: StaticString = "%s"\n' "$(cat "$work/$native/build_id.txt")"
  printf '  static let native = "%s"\n' "$native"
  for architecture in x86_64 aarch64 riscv64; do
    agent= wrapper=
    if [ "$architecture" != "$native" ] && command -v "$architecture-linux-gnu-gcc" >/dev/null 2>&1; then
      "$here/build.sh" "$work/$architecture" "$architecture-linux-gnu-gcc"
    fi
    if [ -e "$work/$architecture/provium-agent" ]; then
      agent=$work/$architecture/provium-agent wrapper=$work/$architecture/provium-wrapper
    fi
    constant "${architecture}Agent" "$agent"
    constant "${architecture}Wrapper" "$wrapper"
  done
  echo '}'
} > "$output.new"
mv "$output.new" "$output"
