#!/bin/sh
# Builds provium-agent and provium-wrapper, static and stripped.
#   build.sh OUTDIR [CC]   without CC: musl-gcc if it is installed, else cc; CC can be a cross compiler
# With CFLAGS_EXTRA (sanitizers) the programs are neither static nor stripped: for tests.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?usage: build.sh OUTDIR [CC]}
wire=$here/../Sources/CProviumWire/include
. "$here/sources.sh"
if [ $# -ge 2 ]; then
  cc=$2
elif command -v musl-gcc >/dev/null 2>&1; then
  cc=musl-gcc
else
  cc=cc
fi
if ! command -v "$cc" >/dev/null 2>&1; then
  case $cc in
    *-linux-gnu-gcc) package=gcc-$(basename "$cc" | sed 's/-linux-gnu-gcc//; s/_/-/g')-linux-gnu ;;
    *) package=musl-tools ;;
  esac
  echo "error: no C compiler '$cc' for the guest agent; install the package $package" >&2
  exit 1
fi
mkdir -p "$out"
if [ -z "${CFLAGS_EXTRA:-}" ] && ! can_link_statically "$cc" "$out"; then
  echo "error: '$cc' cannot build static programs, which the guest agent needs; install the package musl-tools" >&2
  exit 1
fi

# The build ID of the agent: the first 16 bytes of a hash of all its sources.
id=$(cat $(all_sources "$here") "$wire/provium_wire.h" "$here/build.sh" "$here/sources.sh" | sha256sum | cut -c1-32)
{
  echo '#include "build_id.h"'
  echo "const uint8_t build_id[PV_BUILD_ID_SIZE] = {$(echo "$id" | sed 's/../0x&,/g')};"
} > "$out/build_id.c"
echo "$id" > "$out/build_id.txt"

flags="-std=c11 -D_GNU_SOURCE -Wall -Wextra -Wvla -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Werror
  -I$wire"
for folder in $folders; do flags="$flags -I$here/$folder"; done
case $cc in
  # musl has no kernel headers, so the system's are searched last. Its memcpy is slow in an emulated guest.
  *musl*) flags="$flags -DPROVIUM_OWN_COPY -idirafter /usr/include -idirafter /usr/include/$(uname -m)-linux-gnu" ;;
esac
if [ -n "${CFLAGS_EXTRA:-}" ]; then
  flags="$flags -O0 -g $CFLAGS_EXTRA" # with optimization the compiler finds that functions do not return, see sys.h
else
  flags="$flags -O2 -static -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -Wl,--gc-sections -s"
fi
$cc $flags $(agent_sources "$here") "$out/build_id.c" -o "$out/provium-agent"
$cc $flags $(wrapper_sources "$here") -o "$out/provium-wrapper"
