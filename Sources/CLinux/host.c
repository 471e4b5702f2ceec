#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

const char *clinux_errno_name(int number) { return strerrorname_np(number); }

const char *clinux_signal_name(int number) { return sigabbrev_np(number); }

int clinux_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC) < 0 ? -errno : 0; }

int clinux_processors(void) {
  cpu_set_t allowed;
  return sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 0;
}

int clinux_eventfd(void) {
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return fd < 0 ? -errno : fd;
}

int clinux_memory_file(const char *name, size_t size) {
  int fd = memfd_create(name, MFD_CLOEXEC);
  if (fd >= 0 && ftruncate(fd, (off_t)size) != 0) {
    int error = errno;
    close(fd);
    return -error;
  }
  return fd < 0 ? -errno : fd;
}

void clinux_thread_name(const char *name) {
  char short_name[16];
  size_t length = strnlen(name, sizeof short_name - 1);
  memcpy(short_name, name, length);
  short_name[length] = 0;
  pthread_setname_np(pthread_self(), short_name);
}
