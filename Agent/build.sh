#!/bin/sh
# Builds provium-agent and provium-wrapper, static and stripped:  build.sh OUTDIR [CC]
# Without CC: musl-gcc if it is there, else cc. For another architecture name its cross compiler.
# CFLAGS_EXTRA (sanitizers) makes an unstripped build for tests.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?usage: build.sh OUTDIR [CC]}
wire=$here/../Sources/CProviumWire/include
if [ $# -ge 2 ]; then
  cc=$2
elif command -v musl-gcc >/dev/null 2>&1; then
  cc=musl-gcc
else
  cc=cc
fi
if ! command -v "$cc" >/dev/null 2>&1; then
  case $cc in
    *aarch64*) package=gcc-aarch64-linux-gnu ;;
    *riscv64*) package=gcc-riscv64-linux-gnu ;;
    *) package=musl-tools ;;
  esac
  echo "error: no C compiler '$cc' for the guest agent; install the package $package" >&2
  exit 1
fi
mkdir -p "$out"
if [ -z "${CFLAGS_EXTRA:-}" ] && ! echo 'int main(void) { return 0; }' | $cc -x c -static - -o "$out/probe" 2>/dev/null; then
  echo "error: '$cc' makes no static programs, as the guest agent must be; install the package musl-tools" >&2
  exit 1
fi

# The agent tells what it was built from: the first 16 bytes of a hash over all of its sources.
sources=$(ls "$here"/source/*.[ch] "$here"/wrapper/*.[ch] "$wire/provium_wire.h" "$here/build.sh" | LC_ALL=C sort)
id=$(cat $sources | sha256sum | cut -c1-32)
{
  echo '#include "build_id.h"'
  echo "const uint8_t build_id[PV_BUILD_ID_SIZE] = {$(echo "$id" | sed 's/../0x&,/g')};"
} > "$out/build_id.c"
echo "$id" > "$out/build_id.txt"

flags="-std=c11 -D_GNU_SOURCE -Wall -Wextra -Wvla -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Werror
  -I$here/source -I$here/wrapper -I$wire"
case $cc in
  # musl comes without the kernel's headers; behind everything else the system's own do. Its memcpy is slow where it is emulated.
  *musl*) flags="$flags -DPROVIUM_OWN_COPY -idirafter /usr/include -idirafter /usr/include/$(uname -m)-linux-gnu" ;;
esac
if [ -n "${CFLAGS_EXTRA:-}" ]; then
  flags="$flags -O0 -g $CFLAGS_EXTRA" # optimized, loops without an end are found out as NO_RETURN (see sys.h)
else
  flags="$flags -O2 -static -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -Wl,--gc-sections -s"
fi
$cc $flags "$here"/source/*.c "$out/build_id.c" -o "$out/provium-agent"
$cc $flags "$here"/wrapper/*.c "$here/source/vfs.c" "$here/source/text.c" "$here/source/port.c" -o "$out/provium-wrapper"
