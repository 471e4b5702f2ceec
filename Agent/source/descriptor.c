#include "descriptor.h"

#include <stdatomic.h>

#include "sys.h"

enum { HIDDEN_FROM = 200, MAP_SIZE = 4096 };

/* One map for one descriptor table: shared with thread-mode workers and copied by a fork, exactly as the
 * table is. */
static _Atomic uint64_t hidden[MAP_SIZE / 64];

int descriptor_hide(int fd) {
  if (fd < 0) {
    return fd;
  }
  if (fd < HIDDEN_FROM) {
    long moved = sys_fcntl(fd, F_DUPFD_CLOEXEC, HIDDEN_FROM);
    if (moved >= 0) {
      sys_close(fd);
      fd = (int)moved;
    } else {
      sys_fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
  }
  if (fd < MAP_SIZE) {
    hidden[fd / 64] |= 1ull << (fd % 64);
  }
  return fd;
}

void descriptor_close(int fd) {
  if (fd < 0) {
    return;
  }
  /* First the map: as soon as it is closed the number may be somebody else's. */
  if (fd < MAP_SIZE) {
    hidden[fd / 64] &= ~(1ull << (fd % 64));
  }
  sys_close(fd);
}

void descriptor_close_others(const int *kept, unsigned count) {
  for (int fd = 0; fd < MAP_SIZE; fd++) {
    bool keep = !descriptor_is_hidden(fd);
    for (unsigned i = 0; i < count; i++) {
      keep = keep || kept[i] == fd;
    }
    if (!keep) {
      descriptor_close(fd);
    }
  }
}

bool descriptor_is_hidden(int fd) {
  return fd >= 0 && fd < MAP_SIZE && (hidden[fd / 64] & (1ull << (fd % 64))) != 0;
}
