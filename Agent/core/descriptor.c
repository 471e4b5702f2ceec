#include "descriptor.h"

#include <stdatomic.h>

#include "sys.h"

enum { HIDDEN_FROM = 200, MAP_SIZE = 4096 };

/* Belongs to the descriptor table: thread workers share both, a fork copies both. */
static _Atomic uint64_t descriptor_map[MAP_SIZE / 64];

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
    descriptor_map[fd / 64] |= 1ull << (fd % 64);
  }
  return fd;
}

void descriptor_close(int fd) {
  if (fd < 0) {
    return;
  }
  /* The map first: another thread can get the number as soon as it is closed. */
  if (fd < MAP_SIZE) {
    descriptor_map[fd / 64] &= ~(1ull << (fd % 64));
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
  return fd >= 0 && fd < MAP_SIZE && (descriptor_map[fd / 64] & (1ull << (fd % 64))) != 0;
}
