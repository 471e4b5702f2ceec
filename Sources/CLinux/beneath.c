#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

/* The same number everywhere; headers older than Linux 5.6 lack it, as well as the structure and its flags.
 */
enum { SYSCALL_OPENAT2 = 437 };
enum { NO_XDEV = 1, NO_MAGICLINKS = 2, NO_SYMLINKS = 4, BENEATH = 8 };
enum { ATTEMPTS = 8 };

struct how {
  uint64_t flags, mode, resolve;
};

/* Opens one component after the other, none of which is a symbolic link. For hosts without openat2(2). */
static int walk(int root, const char *path, int flags, bool one_file_system) {
  struct stat top, here;
  if (fstat(root, &top) != 0) return -errno;
  int directory = root;
  for (;;) {
    char name[NAME_MAX + 1];
    size_t length = strcspn(path, "/");
    if (length > NAME_MAX) {
      if (directory != root) close(directory);
      return -ENAMETOOLONG;
    }
    memcpy(name, path, length);
    name[length] = 0;
    bool last = path[length] == 0;
    int fd = strcmp(name, "..") == 0
                 ? -1
                 : openat(directory, name, O_PATH | (last ? flags : O_DIRECTORY) | O_NOFOLLOW | O_CLOEXEC);
    int error = strcmp(name, "..") == 0 ? EXDEV : errno;
    if (directory != root) close(directory);
    if (fd < 0) return -error;
    if (one_file_system && (fstat(fd, &here) != 0 || here.st_dev != top.st_dev)) {
      close(fd);
      return -EXDEV;
    }
    if (last) return fd;
    directory = fd;
    path += length + 1;
  }
}

int clinux_open_beneath(int root, const char *path, int flags, bool one_file_system) {
  struct how how = {.flags = (uint64_t)(unsigned)(flags | O_PATH | O_NOFOLLOW | O_CLOEXEC),
                    .resolve = BENEATH | NO_SYMLINKS | NO_MAGICLINKS | (one_file_system ? NO_XDEV : 0u)};
  if (*path == 0) path = ".";
  /* EAGAIN: a folder was renamed at the same time. */
  for (int i = 0; i < ATTEMPTS; i++) {
    long fd = syscall(SYSCALL_OPENAT2, root, path, &how, sizeof how);
    if (fd >= 0) return (int)fd;
    /* A sandbox may answer EPERM for a call that it does not know; openat2(2) with O_PATH does not. */
    if (errno == ENOSYS || errno == EPERM) break;
    if (errno != EAGAIN) return -errno;
  }
  return walk(root, path, flags, one_file_system);
}

int clinux_walk_beneath(int root, const char *path, int flags, bool one_file_system) {
  return walk(root, *path == 0 ? "." : path, flags, one_file_system);
}

int clinux_open_path(int directory, const char *path, int flags) {
  int fd = openat(directory, path, O_PATH | O_CLOEXEC | flags);
  return fd < 0 ? -errno : fd;
}

int clinux_status(int directory, const char *path, struct stat *status) {
  return fstatat(directory, path, status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0 ? 0 : -errno;
}

static void name_descriptor(char text[32], int fd) { snprintf(text, 32, "/proc/self/fd/%d", fd); }

int clinux_reopen(int fd, int flags) {
  char path[32];
  name_descriptor(path, fd);
  int again = open(path, flags | O_CLOEXEC);
  return again < 0 ? -errno : again;
}

long clinux_get_attribute(int fd, const char *name, void *value, size_t size) {
  char path[32];
  name_descriptor(path, fd);
  ssize_t length = getxattr(path, name, value, size);
  return length < 0 ? -errno : length;
}

long clinux_list_attributes(int fd, void *names, size_t size) {
  char path[32];
  name_descriptor(path, fd);
  ssize_t length = listxattr(path, names, size);
  return length < 0 ? -errno : length;
}

int clinux_file_system(int fd, struct clinux_file_system *facts) {
  struct statfs status;
  if (fstatfs(fd, &status) != 0) return -errno;
  *facts = (struct clinux_file_system){.type = (uint64_t)(unsigned long)status.f_type & 0xFFFFFFFFu,
                                       .block_size = (uint64_t)status.f_bsize,
                                       .blocks = status.f_blocks,
                                       .free_blocks = status.f_bfree,
                                       .available_blocks = status.f_bavail,
                                       .files = status.f_files,
                                       .free_files = status.f_ffree};
  return 0;
}

unsigned clinux_major(dev_t device) { return major(device); }
unsigned clinux_minor(dev_t device) { return minor(device); }
