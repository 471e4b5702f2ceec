#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* One stretch of data. copy_file_range shares blocks where the file system can, and stays in the kernel where it cannot;
 * between some file systems it refuses, and a plain copy does it. */
static int copy_stretch(int from, int to, off_t start, off_t end) {
  static _Thread_local char buffer[1 << 17];
  off_t in = start, out = start;
  while (in < end) {
    ssize_t count = copy_file_range(from, &in, to, &out, (size_t)(end - in), 0);
    if (count > 0) continue;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno != EXDEV && errno != EINVAL && errno != EOPNOTSUPP && errno != ENOSYS) return -errno;
    size_t wanted = (size_t)(end - in) < sizeof buffer ? (size_t)(end - in) : sizeof buffer;
    count = pread(from, buffer, wanted, in);
    if (count < 0) return -errno;
    if (count == 0) return 0; /* cut short meanwhile */
    for (ssize_t written = 0; written < count;) {
      ssize_t part = pwrite(to, buffer + written, (size_t)(count - written), in + written);
      if (part < 0) return -errno;
      written += part;
    }
    in += count;
    out = in;
  }
  return 0;
}

int clinux_copy_sparse(int from, int to) {
  struct stat facts;
  if (fstat(from, &facts) < 0 || ftruncate(to, facts.st_size) < 0) return -errno;
  off_t at = 0;
  for (;;) {
    off_t start = lseek(from, at, SEEK_DATA);
    if (start < 0) return errno == ENXIO ? 0 : -errno;
    off_t end = lseek(from, start, SEEK_HOLE);
    if (end < 0) return -errno;
    int failed = copy_stretch(from, to, start, end);
    if (failed != 0) return failed;
    at = end;
  }
}
