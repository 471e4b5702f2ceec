#!/bin/sh
# Fuzzes the decoders and the link reader.
#   fuzz.sh [RUNS]   default: 1000000
set -eu
here=$(cd "$(dirname "$0")" && pwd)
runs=${1:-1000000}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# The first clang with libFuzzer's runtime: $CLANG, the one of the Swift toolchain, or another.
beside_swift=$(command -v swift 2>/dev/null || true)
beside_swift=${beside_swift:+$(dirname "$(readlink -f "$beside_swift")")/clang}
for clang in ${CLANG:-} $beside_swift clang clang-14 clang-16 clang-18 clang-19; do
  if command -v "$clang" >/dev/null 2>&1 &&
    "$clang" -std=c11 -D_GNU_SOURCE -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
      -Wall -Wextra -Werror -I"$here/core" -I"$here/wire" -I"$here/../Sources/CProviumWire/include" \
      "$here/fuzz/decode.c" "$here"/wire/decode*.c "$here/wire/link.c" -o "$out/fuzz" 2>"$out/errors"; then
    mkdir "$out/corpus"
    # One seed for each kind of request; the fuzzer finds the rest.
    for type in 00 01 02 03 05 06 07 08 09 0a 0b 0c 0d 0e 10 11 14 17 1b 20 21 22; do
      printf "\\$(printf %o "0x$type")\\1\\0\\0\\0\\1\\0\\0\\0\\1\\0\\0\\0" > "$out/corpus/$type"
    done
    exec_status=0
    (cd "$out" && ./fuzz -runs="$runs" -max_len=4096 -len_control=50 -use_value_profile=1 -print_final_stats=1 \
      -verbosity=0 corpus) || exec_status=$?
    if [ $exec_status -ne 0 ]; then
      cp "$out"/crash-* "$out"/leak-* "$out"/timeout-* . 2>/dev/null || true
    else
      echo "$runs runs, no finding"
    fi
    exit $exec_status
  fi
done
cat "$out/errors" >&2 2>/dev/null || true
echo "error: no clang with libFuzzer; install clang-14 and libclang-rt-14-dev" >&2
exit 1
