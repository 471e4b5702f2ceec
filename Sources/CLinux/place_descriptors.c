#define _GNU_SOURCE
#include "place_descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

int place_descriptors(const struct clinux_fd_map *map, size_t count) {
  int lowest_free = 3;
  for (size_t i = 0; i < count; i++)
    if (map[i].child_fd >= lowest_free) lowest_free = map[i].child_fd + 1;
  /* Two passes, as a target may be another entry's source: first all out of the way, then all in place. */
  int moved[PLACED_DESCRIPTORS];
  if (count > PLACED_DESCRIPTORS) return E2BIG;
  for (size_t i = 0; i < count; i++) {
    moved[i] = fcntl(map[i].parent_fd, F_DUPFD_CLOEXEC, lowest_free);
    if (moved[i] < 0) return errno;
  }
  for (size_t i = 0; i < count; i++)
    if (dup2(moved[i], map[i].child_fd) < 0) return errno;
  syscall(SYS_close_range, (unsigned)lowest_free, ~0U, 0);
  for (int fd = 3; fd < lowest_free; fd++) {
    bool wanted = false;
    for (size_t i = 0; i < count; i++)
      wanted |= map[i].child_fd == fd;
    if (!wanted) close(fd);
  }
  return 0;
}
