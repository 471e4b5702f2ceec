#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096, CHUNK = 32 * PAGE };

static bool is_zero(const char *bytes, size_t length) {
  return length == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0);
}

static int write_whole(int to, const char *bytes, size_t length, off_t at) {
  while (length != 0) {
    ssize_t put = pwrite(to, bytes, length, at);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return -errno;
    bytes += put;
    length -= (size_t)put;
    at += put;
  }
  return 0;
}

/* The runs of pages that are not all zeros; the others stay holes. */
static int write_nonzero(int to, const char *bytes, size_t length, off_t at) {
  size_t start = 0;
  for (size_t page = 0; page < length;) {
    size_t size = length - page < PAGE ? length - page : PAGE;
    bool zero = is_zero(bytes + page, size);
    size_t end = zero ? page : page + size;
    page += size;
    if (zero || page == length) {
      int failed = write_whole(to, bytes + start, end - start, at + (off_t)start);
      if (failed != 0) return failed;
      start = page;
    }
  }
  return 0;
}

/* One stretch of data. */
static int copy_stretch(int from, int to, off_t start, off_t end) {
  static _Thread_local char buffer[CHUNK];
  while (start < end) {
    size_t wanted = end - start < CHUNK ? (size_t)(end - start) : CHUNK;
    ssize_t got = pread(from, buffer, wanted, start);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -errno;
    if (got == 0) return 0; /* cut short meanwhile */
    int failed = write_nonzero(to, buffer, (size_t)got, start);
    if (failed != 0) return failed;
    start += got;
  }
  return 0;
}

int clinux_copy_sparse(int from, int to) {
  struct stat facts;
  /* Where the file system can share blocks (btrfs, xfs), nothing is copied at all. */
  if (ioctl(to, FICLONE, from) == 0) return 0;
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

int clinux_temporary_file(const char *folder) {
  int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  return fd < 0 ? -errno : fd;
}

int clinux_punch_hole(int fd, off_t offset, off_t length) {
  int flags = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  return fallocate(fd, flags, offset, length) < 0 ? -errno : 0;
}
