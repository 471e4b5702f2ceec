#!/bin/sh
# Tests what embed.sh makes of the compilers that it is given: none, one that is broken, one that works.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
case $(uname -m) in aarch64) foreign=x86_64 ;; *) foreign=aarch64 ;; esac

fail() { echo "embed.sh: $*" >&2; exit 1; }
embed() { "$here/embed.sh" "$out/work" "$out/agent.swift" "$@" 2>"$out/errors" || fail "failed: $(cat "$out/errors")"; }
has() { grep -q "^    (\"$1\", \"[^\"]" "$out/agent.swift"; }

embed
has "$(uname -m)" || fail "there is no agent for this machine"
if has "$foreign"; then fail "an agent for $foreign came from nowhere"; fi

mkdir "$out/broken"
printf '#!/bin/sh\nexit 1\n' > "$out/broken/$foreign-linux-gnu-gcc"
chmod +x "$out/broken/$foreign-linux-gnu-gcc"
embed "$out/broken/$foreign-linux-gnu-gcc"
if has "$foreign"; then fail "a compiler that compiles nothing made an agent"; fi
grep -q "^warning: .*no guest agent for $foreign" "$out/errors" || fail "a broken compiler was not named"

if compiler=$(command -v "$foreign-linux-gnu-gcc"); then
  embed "$compiler"
  has "$foreign" || fail "$compiler made no agent"
  embed
  if has "$foreign"; then fail "the agent for $foreign outlived its compiler"; fi
fi
echo "embed.sh: ok"
